"""Secrets at rest: encrypted when the operator gave ENCRYPTION_KEY, else plain; both readable side by side.

Rows are found by a hash of the secret, so that an encrypted table can still tell duplicates.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from gateway.store.fernet import Box

_SEALED = "fernet:"
_PLAIN = "plain:"


class Cipher:
    """Seals and opens secrets.

    keys   Fernet keys: the first seals, all of them open, which is how a key is rotated; none: stored plain

    A stored form is the secret itself, but behind a mark when it is sealed, or when it looks like a mark.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._box = _make_box(keys) if keys else None

    def seal(self, secret: str) -> str:
        """The form to store. Raises StoreError for a string that is no text (lone surrogates)."""
        if not _is_text(secret):
            raise StoreError("A secret holds what is no text: it was cut or copied wrongly.")
        if self._box is None:
            return plain(secret)
        return _SEALED + self._box.lock(secret)

    def open(self, stored: str) -> str:
        """The secret behind a stored form. Raises StoreUnavailable when the key for it is missing."""
        if stored.startswith(_PLAIN):
            return stored[len(_PLAIN) :]
        if not stored.startswith(_SEALED):
            return stored
        if self._box is None:
            raise StoreUnavailable(
                "The database holds encrypted secrets: set ENCRYPTION_KEY to the key they were stored with."
            )
        secret = self._box.open(stored[len(_SEALED) :])
        if secret is None:
            raise StoreUnavailable(
                "ENCRYPTION_KEY does not open the secrets in the database: "
                "it is not the key they were stored with."
            )
        return secret

    def is_its_own(self, stored: str) -> bool:
        """Whether `seal` would store the same secret in this way: under the first key, or plain."""
        is_sealed = stored.startswith(_SEALED)
        if self._box is None:
            return not is_sealed
        return is_sealed and self._box.is_under_the_first(stored[len(_SEALED) :])


def _make_box(keys: Sequence[str]) -> "Box":
    from gateway.store.fernet import Box  # here, for the 7 MB of cryptography that few gateways need

    return Box(keys)


def _is_text(secret: str) -> bool:
    if secret.isascii():
        return True
    try:
        secret.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(secret: str) -> str:
    """The stored form of what is not sealed."""
    return _PLAIN + secret if secret.startswith((_SEALED, _PLAIN)) else secret


def secret_hash(secret: str) -> str:
    """What a secret is found by: 64 hex digits. Any string has one, also one that is no valid text."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
