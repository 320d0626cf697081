"""What each template is given: one frozen dataclass a page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartPage:
    """templates/pages/start.html.

    origin       scheme and host as the reader reached us, for copying
    keys_ready   keys that can serve calls now
    keys_total   all keys
    tokens       access tokens beside the administrator's
    """

    version: str
    origin: str
    keys_ready: int
    keys_total: int
    tokens: int

    @property
    def sentence(self) -> str:
        """Is it working right now? in one sentence."""
        if not self.keys_total:
            return "Running, but there is no key yet: every call is refused until one is added."
        if not self.keys_ready:
            return f"Running, but none of its {self.keys_total} keys is usable now."
        noun = "key" if self.keys_total == 1 else "keys"
        return f"Serving · {self.keys_ready} of {self.keys_total} {noun} ready"

    @property
    def state(self) -> str:
        """The state's class: ready, resting or empty."""
        if not self.keys_total:
            return "empty"
        return "ready" if self.keys_ready else "resting"
