"""Which key served a conversation last: bounded memory, the conversation used longest ago goes first.

Thought signatures are reported to fail across accounts, so a conversation prefers the key that served it.
Pure; `relay` asks before a lease (`prefer=`) and notes after a success.
"""


class Affinity:
    """Key ids by a conversation's fingerprint.

    Fingerprints are digests (bytes), so that nothing of what was said is kept.
    """

    __slots__ = ("_entries", "_max_age_s", "_max_entries")

    def __init__(self, *, max_entries: int = 20_000, max_age_s: float = 3600.0) -> None:
        """`max_entries` 0 remembers nothing. An entry costs some 200 bytes."""
        self._max_entries = max_entries
        self._max_age_s = max_age_s
        self._entries: dict[bytes, tuple[int, float]] = {}  # in the order of their last note

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, fingerprint: bytes, now_s: float) -> int | None:
        """Give the id of the key that served the conversation, None when that is long ago or not known."""
        entry = self._entries.get(fingerprint)
        if entry is None:
            return None
        key_id, noted_s = entry
        if now_s - noted_s <= self._max_age_s:
            return key_id
        del self._entries[fingerprint]
        return None

    def note(self, fingerprint: bytes, key_id: int, now_s: float) -> None:
        """Remember who served the conversation."""
        entries = self._entries
        entries.pop(fingerprint, None)
        entries[fingerprint] = (key_id, now_s)
        while entries:
            oldest = next(iter(entries))
            if len(entries) <= self._max_entries and now_s - entries[oldest][1] <= self._max_age_s:
                return
            del entries[oldest]

    def forget(self, fingerprint: bytes) -> None:
        """Let a conversation go, for example when its signatures were refused."""
        self._entries.pop(fingerprint, None)
