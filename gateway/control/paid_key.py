"""PAID_KEY: a setting that is a key. It stands in the pool as a provider of its own, without a row.

It may be one of the pool's ordinary keys as well: what is learned of the one says nothing of the other.
"""

import hashlib
from collections.abc import Iterable

from gateway.control.results import Refused
from gateway.pool.key import PAID, KeySpec
from gateway.pool.pool import Pool
from gateway.protocols.redaction import masked
from gateway.store.records import KeyRow

SETTING = "setting"
"""The origin of a key that is one."""


def use_paid_key(pool: Pool, secret: str, *, instead_of: str = "") -> None:
    """Lend this key for pictures from now on; "" lends none."""
    if instead_of:
        pool.remove(paid_key_id(instead_of))
    if secret:
        pool.put(KeySpec(id=paid_key_id(secret), alias=masked(secret), secret=secret, provider=PAID))


def paid_rows(secret: str) -> tuple[KeyRow, ...]:
    """The key as its row would be if it had one; none for ""."""
    if not secret:
        return ()
    row = KeyRow(secret=secret, alias=masked(secret), provider=PAID, origin=SETTING, id=paid_key_id(secret))
    return (row,)


def is_without_row(key_id: int) -> bool:
    """True for a key of the pool that is not one of the table's."""
    return key_id < 0


def refuse_without_row(ids: Iterable[int]) -> Refused | None:
    """Why keys cannot be changed among which is one that has no row; None when there is none."""
    if any(map(is_without_row, ids)):
        return Refused.because("ids", "This key is the setting PAID_KEY. Change it there.")
    return None


def paid_key_id(secret: str) -> int:
    """Below every row's id, and another for each secret: what is remembered of one is not the next one's."""
    return -1 - int.from_bytes(hashlib.blake2b(secret.encode(), digest_size=6).digest(), "big")
