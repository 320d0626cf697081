"""Rows of the database → the pool and the token book that calls are served from."""

from collections.abc import Iterable

from gateway.control.limiter import Limiter
from gateway.control.token_limits import TokenLimits
from gateway.control.tokens import Token, TokenBook
from gateway.pool.key import KeySpec
from gateway.pool.pool import Pool
from gateway.store.records import KeyRow, TokenRow
from gateway.store.store import Store


def load_keys(store: Store, pool: Pool) -> list[KeyRow]:
    """Put every stored key into the pool. Blocks; gives the rows."""
    rows = store.read_sync(store.keys.everything)
    pool.apply(key_spec(row) for row in rows)
    return rows


def load_tokens(store: Store, tokens: TokenBook, limiter: Limiter, *, admin_secret: str) -> list[TokenRow]:
    """Fill the token book. Blocks; gives the rows."""
    rows = store.read_sync(store.tokens.everything)
    fill_tokens(rows, tokens, limiter, admin_secret=admin_secret)
    limiter.load()
    return rows


def fill_tokens(rows: Iterable[TokenRow], tokens: TokenBook, limiter: Limiter, *, admin_secret: str) -> None:
    """Make exactly these tokens valid, those that are disabled excepted."""
    valid = [(row.secret, token_of(row)) for row in rows if row.enabled]
    tokens.replace(valid, admin_secret=admin_secret)
    limiter.keep((token.id, token.limits) for _, token in valid if token.id is not None and token.limits)


def key_spec(row: KeyRow) -> KeySpec:
    """A stored key as the pool takes it."""
    return KeySpec(
        id=row.id,
        alias=row.alias,
        secret=row.secret,
        provider=row.provider,
        project=row.project,
        tags=row.tags,
        weight=row.weight,
        enabled=row.enabled,
        dead_reason=row.dead_reason,
        dead_since_s=row.dead_since_ms / 1000,
    )


def token_of(row: TokenRow) -> Token:
    """A stored token as calls meet it."""
    limits = TokenLimits(
        requests_per_minute=row.requests_per_minute,
        tokens_per_day=row.tokens_per_day,
        models=row.models,
        expires_s=None if row.expires_at_ms is None else row.expires_at_ms / 1000,
    )
    return Token(row.id, row.name or row.alias, limits=None if limits == TokenLimits() else limits)
