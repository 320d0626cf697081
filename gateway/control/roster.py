"""Rows of the database → the pool and the token book that calls are served from."""

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


def load_tokens(store: Store, tokens: TokenBook, *, admin_secret: str) -> list[TokenRow]:
    """Fill the token book. Blocks; gives the rows."""
    rows = store.read_sync(store.tokens.everything)
    tokens.replace(
        ((row.secret, Token(row.id, row.name or row.alias)) for row in rows if row.enabled),
        admin_secret=admin_secret,
    )
    return rows


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
