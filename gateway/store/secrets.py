"""Secrets at rest: encrypted when the operator gave ENCRYPTION_KEY, else plain; both readable side by side.

Rows are found by a hash of the secret, so that an encrypted table can still tell duplicates.
"""

import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gateway.errors import StoreUnavailable

_MARK = "fernet:"


class Cipher:
    """Seals and opens secrets.

    keys   Fernet keys: the first seals, all of them open, which is how a key is rotated; none: stored plain
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, secret: str) -> str:
        """The form to store."""
        if self._fernet is None:
            return secret
        return _MARK + self._fernet.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """The secret behind a stored form. Raises StoreUnavailable when the key for it is missing."""
        if not stored.startswith(_MARK):
            return stored
        if self._fernet is None:
            raise StoreUnavailable(
                "The database holds encrypted secrets: set ENCRYPTION_KEY to the key they were stored with."
            )
        try:
            return self._fernet.decrypt(stored[len(_MARK) :]).decode()
        except InvalidToken:
            raise StoreUnavailable(
                "ENCRYPTION_KEY does not open the secrets in the database: "
                "it is not the key they were stored with."
            ) from None


def secret_hash(secret: str) -> str:
    """What a secret is found by: 64 hex digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
