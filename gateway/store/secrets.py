"""Secrets at rest and on show: hashes, masks, and the optional cipher behind ENCRYPTION_KEY.

A stored value says itself whether it is encrypted, so plain and encrypted rows may mix and a database
made without a key keeps working. Pure but for `Cipher`'s random nonces.
"""

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from gateway.errors import StartupError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_ENCRYPTED = "enc1:"
_PLAIN = "raw1:"
_SALT = b"gemini-balance-gateway/ENCRYPTION_KEY/1"


def secret_hash(secret: str) -> str:
    """The SHA-256 of a secret in hex: what rows are found and kept unique by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def masked(secret: str) -> str:
    """The form of a secret that may be shown: `AIza…x81k`, `AQ.Ab…9f2c`, `sk…56`, or `••••` when short.

    Never shows more than nine characters, and at least two thirds of a short secret stay hidden.
    """
    length = len(secret)
    if length < 12:
        return "••••"
    if length < 24:
        return f"{secret[:2]}…{secret[-2:]}"
    head = 5 if secret.startswith("AQ.") else 4
    return f"{secret[:head]}…{secret[-4:]}"


class Cipher:
    """Encrypts with the first of several keys, decrypts with any: that is how a key is rotated."""

    __slots__ = ("_fernets", "_first")

    def __init__(self, keys: list[bytes]) -> None:
        """keys: Fernet keys (32 bytes in URL-safe base64), at least one."""
        # Imported here: it costs some 30 ms and megabytes that most machines, without ENCRYPTION_KEY, never need.
        from cryptography.fernet import Fernet, MultiFernet

        self._first = MultiFernet([Fernet(keys[0])])
        self._fernets: MultiFernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def from_text(cls, text: str) -> "Cipher | None":
        """The cipher for the value of ENCRYPTION_KEY: keys or passphrases, comma-separated, newest first.

        returns  None for an empty text. A part that is a Fernet key is used as it is, anything else is a
                 passphrase and stretched with scrypt (some 50 ms each, once at start).
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return cls([_fernet_key(part) for part in parts]) if parts else None

    def seal(self, plain: str) -> str:
        """The stored form of a secret, encrypted with the first key."""
        return _ENCRYPTED + self._first.encrypt(plain.encode("utf-8", "surrogatepass")).decode("ascii")

    def unseal(self, stored: str) -> str:
        """The secret behind an encrypted stored form; StartupError when none of the keys opens it."""
        from cryptography.fernet import InvalidToken

        try:
            opened = self._fernets.decrypt(stored.removeprefix(_ENCRYPTED))
        except InvalidToken:
            raise StartupError(
                "a stored secret was encrypted with another key: none of the keys in ENCRYPTION_KEY opens it. "
                "Add the key that was used before, after a comma"
            ) from None
        return opened.decode("utf-8", "surrogatepass")

    def is_current(self, stored: str) -> bool:
        """Whether a stored form is encrypted, and with the first key."""
        from cryptography.fernet import InvalidToken

        if not stored.startswith(_ENCRYPTED):
            return False
        try:
            self._first.decrypt(stored.removeprefix(_ENCRYPTED))
        except InvalidToken:
            return False
        return True


def to_stored(secret: str, cipher: Cipher | None) -> str:
    """What goes into the column: encrypted when there is a cipher, else the secret itself."""
    if cipher is not None:
        return cipher.seal(secret)
    # Any string is a valid key, also one that looks like our own marks.
    if secret.startswith((_ENCRYPTED, _PLAIN)):
        return _PLAIN + secret
    return secret


def from_stored(stored: str, cipher: Cipher | None) -> str:
    """The secret behind a column's value; StartupError when it is encrypted and cannot be opened."""
    if stored.startswith(_ENCRYPTED):
        if cipher is None:
            raise StartupError(
                "the database holds encrypted secrets but ENCRYPTION_KEY is not set: "
                "set it to the value they were encrypted with"
            )
        return cipher.unseal(stored)
    return stored.removeprefix(_PLAIN)


def _fernet_key(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) == 32 and len(part) == 44:
        return part.encode("ascii")
    stretched = hashlib.scrypt(part.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(stretched)
