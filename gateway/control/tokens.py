"""Which access tokens open the gateway, in memory, for the call's path.

Rows come from the store; the admin's token is a setting. `admit` compares digests, so its time tells nothing
about how close a guess came.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.control.token_limits import TokenLimits


@dataclass(frozen=True, slots=True)
class Token:
    """Who calls. `id` is the token's row, None for the administrator's token.

    limits   what it may do (limiter.py); None for everything
    """

    id: int | None
    name: str
    is_admin: bool = False
    limits: TokenLimits | None = None


_MOST_KNOWN = 1_000
"""Secrets that are admitted without their digest being made again."""


class TokenBook:
    """The tokens that are valid now."""

    __slots__ = ("_admin_digest", "_admin_token", "_known", "_names", "_rows")

    def __init__(self) -> None:
        self._rows: dict[bytes, Token] = {}
        # Secrets that were admitted, found by a keyed hash of the whole, which no guess comes close to.
        self._known: dict[str, Token] = {}
        self._admin_digest = b""
        self._admin_token = Token(None, "admin", is_admin=True)
        self._names: dict[int | None, str] = {}

    def replace(self, rows: Iterable[tuple[str, Token]], *, admin_secret: str) -> None:
        """Make exactly these valid: (secret, token) pairs, and the administrator's."""
        self._rows = {_digest(secret): token for secret, token in rows if secret}
        known = (self._admin_token, *self._rows.values())
        self._names = {token.id: token.name for token in known}
        self.set_admin(admin_secret)

    def set_admin(self, secret: str) -> None:
        """Make this the administrator's token."""
        self._admin_digest = _digest(secret) if secret else b""
        self._known.clear()

    def admit(self, secret: str) -> Token | None:
        """The token a secret stands for, None when it opens nothing."""
        known = self._known.get(secret)
        if known is not None:
            return known
        token = self._look_up(secret) if secret else None
        if token is not None and len(self._known) < _MOST_KNOWN:
            self._known[secret] = token
        return token

    def _look_up(self, secret: str) -> Token | None:
        digest = _digest(secret)
        if self._admin_digest and hmac.compare_digest(digest, self._admin_digest):
            return self._admin_token
        return self._rows.get(digest)

    @property
    def names(self) -> frozenset[str]:
        """What the tokens are called that are valid now."""
        return frozenset(self._names.values())

    def name_of(self, token_id: int | None) -> str:
        """What a token is called, "" for one that is valid no more."""
        return self._names.get(token_id, "")

    @staticmethod
    def is_same(secret: str, others: Iterable[str]) -> bool:
        """True when `secret` is one of a few others; empty ones are never the same."""
        digest = _digest(secret)
        matches = [other != "" and hmac.compare_digest(digest, _digest(other)) for other in others]
        return any(matches)

    def __len__(self) -> int:
        return len(self._rows)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
