"""What a probe of a key found, as a value, as a sentence, and as the text that is kept."""

from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one key.

    passed   the key may be used; False: it may not; None: the answer says nothing of the key
    kind     a failure kind's value, None when it passed
    tries    probes of this key since it was last well for long
    next_s   epoch seconds before which it is not probed again
    """

    key_id: int
    alias: str
    at_s: float
    passed: bool | None
    kind: str | None
    message: str
    tries: int
    next_s: float

    @property
    def sentence(self) -> str:
        """What was found, in plain words."""
        if self.passed:
            return "The key answered and is in use again."
        said = f" What was seen: {self.message}" if self.message else ""
        if self.passed is None:
            return f"The probe says nothing of the key ({self.kind}).{said}"
        return f"The key is still refused ({self.kind}).{said}"


def write_result(result: ProbeResult) -> str:
    """The text to keep."""
    return orjson.dumps(result).decode()


def read_result(text: str) -> ProbeResult | None:
    """A kept text read; None for one that this release does not know."""
    try:
        return ProbeResult(**orjson.loads(text))
    except (TypeError, ValueError):
        return None
