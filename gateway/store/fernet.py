"""Encryption of secrets. The door to cryptography, imported by secrets.py when the operator gave keys."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Box:
    """Locks text under the first of its keys, and opens what any of them has locked.

    keys   Fernet keys, one at least
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = Fernet(keys[0])
        self._any = MultiFernet([Fernet(key) for key in keys])

    def lock(self, text: str) -> str:
        """What only the key makes text again."""
        return self._any.encrypt(text.encode()).decode()

    def open(self, locked: str) -> str | None:
        """The text; None when none of the keys has locked it."""
        return _decrypted(self._any, locked)

    def is_under_the_first(self, locked: str) -> bool:
        """Whether the first key has locked it."""
        return _decrypted(self._first, locked) is not None


def _decrypted(keys: Fernet | MultiFernet, locked: str) -> str | None:
    try:
        return keys.decrypt(locked).decode()
    except InvalidToken:
        return None
