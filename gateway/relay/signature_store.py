"""Thought signatures by the id of their call, for clients that bring back neither fields nor whole ids.

The last resort before the placeholder, so it is bounded and lost at a restart: what travels with the client
(protocols/signatures) needs nothing remembered.
"""


class SignatureStore:
    """When it is full the signatures noted first go."""

    __slots__ = ("_chars", "_entries", "_max_chars", "_max_entries")

    def __init__(self, *, max_entries: int = 20_000, max_chars: int = 32_000_000) -> None:
        self._max_entries = max_entries
        self._max_chars = max_chars
        self._chars = 0
        self._entries: dict[str, str] = {}  # in the order of noting

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, call_id: str) -> str | None:
        """The signature the call was made with, None when it is not known (any longer)."""
        return self._entries.get(call_id)

    def note(self, call_id: str, signature: str) -> None:
        entries = self._entries
        self._chars += len(signature) - len(entries.pop(call_id, ""))
        entries[call_id] = signature
        while len(entries) > self._max_entries or self._chars > self._max_chars:
            self._chars -= len(entries.pop(next(iter(entries))))
