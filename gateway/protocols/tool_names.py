"""Function names a client may use and Gemini may not: made fit on the way up, mapped back on the way down.

Called by tools and openai_messages; the reply translation gets only the names that were changed.
"""

import re

MAX_NAME_CHARS = 64
"""Older backends take 64 characters, current ones 128."""

_FIT = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_UNFIT_CHAR = re.compile(r"[^A-Za-z0-9_.:-]", re.ASCII)


class ToolNames:
    """The names of one request, both ways. A fit name is never changed; two names never become one.

    Source: Gemini API, FunctionDeclaration.name.
    """

    __slots__ = ("_to_client", "_to_upstream")

    def __init__(self) -> None:
        self._to_upstream: dict[str, str] = {}
        self._to_client: dict[str, str] = {}

    def declare(self, names: list[str]) -> None:
        """Take the request's declared names, the fit ones first so that they keep themselves."""
        for name in names:
            if _FIT.fullmatch(name):
                self._to_upstream[name] = name
        for name in names:
            self.upstream(name)

    def upstream(self, name: str) -> str:
        """The upstream's name for a client's one, also for names met only in the conversation's history."""
        known = self._to_upstream.get(name)
        if known is not None:
            return known
        fit = name if _FIT.fullmatch(name) else self._made_fit(name)
        self._to_upstream[name] = fit
        if fit != name:
            self._to_client[fit] = name
        return fit

    def changed(self) -> dict[str, str]:
        """Upstream name → client name, for the names that differ."""
        return self._to_client

    def _made_fit(self, name: str) -> str:
        stem = _UNFIT_CHAR.sub("_", name)[:MAX_NAME_CHARS]
        if not (stem[0].isalpha() or stem[0] == "_"):
            stem = f"_{stem}"[:MAX_NAME_CHARS]
        fit = stem
        count = 1
        while fit in self._to_client or fit in self._to_upstream:
            count += 1
            suffix = f"_{count}"
            fit = stem[: MAX_NAME_CHARS - len(suffix)] + suffix
        return fit
