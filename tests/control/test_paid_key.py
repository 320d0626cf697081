"""PAID_KEY is a key of the pool without a row: lent for pictures alone, replaced when the setting changes."""

from gateway.control.paid_key import is_without_row, paid_key_id, use_paid_key
from gateway.pool.key import GEMINI, PAID, KeySpec
from gateway.pool.lease import Lease, NoKeys
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool

MODEL = "gemini-3.1-flash-image"


def lent(pool: Pool, provider: str) -> str | None:
    lease = pool.lease(MODEL, 0.0, provider=provider)
    return lease.secret if isinstance(lease, Lease) else None


def test_it_is_lent_for_its_own_calls_even_when_it_is_an_ordinary_key_too() -> None:
    pool = Pool(PoolLimits(), lambda: 0.0)
    pool.put(KeySpec(id=1, alias="a", secret="AIza-both"))
    use_paid_key(pool, "AIza-both")

    assert lent(pool, PAID) == lent(pool, GEMINI) == "AIza-both"
    assert [is_without_row(key_id) for key_id in pool.key_ids()] == [False, True]


def test_another_one_takes_its_place_and_none_takes_it_away() -> None:
    pool = Pool(PoolLimits(), lambda: 0.0)
    use_paid_key(pool, "AIza-first")
    use_paid_key(pool, "AIza-second", instead_of="AIza-first")
    assert lent(pool, PAID) == "AIza-second"

    use_paid_key(pool, "", instead_of="AIza-second")
    assert isinstance(pool.lease(MODEL, 0.0, provider=PAID), NoKeys)


def test_each_secret_has_an_id_of_its_own() -> None:
    ids = {paid_key_id(f"AIza-{number}") for number in range(100)}

    assert len(ids) == 100
    assert max(ids) < 0
    assert min(ids) > -(2**63)
