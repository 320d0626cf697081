"""PAID_KEY is a key of the pool without a row: lent for pictures alone, replaced when the setting changes."""

from collections.abc import AsyncIterator

import pytest

from gateway.control.key_views import KeyFilter
from gateway.control.paid_key import is_without_row, paid_key_id, use_paid_key
from gateway.pool.calendar import quota_day
from gateway.pool.key import GEMINI, PAID, KeySpec
from gateway.pool.lease import Lease, NoKeys
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.services import Services
from tests.control.gateways import ADMIN, built, now_ms
from tests.control.waiting import until
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.store.conftest import OpenStore
from tests.store.samples import attempt_record, call_record

SECRET = "AIza-a-paid-key-0123456789-abcdefghijkl"
PAID_ID = paid_key_id(SECRET)
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


@pytest.fixture
async def services(open_store: OpenStore, fake_upstream: FakeUpstream) -> AsyncIterator[Services]:
    """A gateway with one ordinary key and PAID_KEY."""
    async with built(
        open_store(day_of=quota_day),
        API_KEYS="AIza-ordinary-key",
        PAID_KEY=SECRET,
        BASE_URL=fake_upstream.url,
    ) as services:
        yield services


async def test_it_stands_beside_the_keys_that_have_rows(services: Services) -> None:
    attempts = (attempt_record(1, key_id=PAID_ID, started_at_ms=now_ms()),)
    services.store.records.put(call_record(started_at_ms=now_ms(), key_id=PAID_ID, attempts=attempts))
    await until(lambda: services.store.health().written == 1)
    key_list = services.desk.key_list

    page = await key_list.page(KeyFilter())
    (key,) = page.beside

    assert (key.id, key.provider, key.origin, key.state) == (PAID_ID, PAID, "setting", "active")
    assert (key.use.attempts, len(key.hours), page.total, len(page.keys)) == (1, 1, 1, 1)
    assert SECRET not in repr(page)
    for shown in ({"provider": "paid"}, {"state": "ready"}, {"text": "ijkl"}):
        assert (await key_list.page(KeyFilter(**shown))).beside, shown  # type: ignore[arg-type]
    for other in ({"provider": "gemini"}, {"state": "dead"}, {"text": "else"}, {"tag": "x"}, {"model": "m"}):
        assert not (await key_list.page(KeyFilter(**other))).beside, other  # type: ignore[arg-type]
    assert not (await key_list.page(KeyFilter(), page=2)).beside


async def test_it_is_checked_and_reset_as_any_key(services: Services, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.api_key_invalid(), times=1)
    fake_upstream.reply(gemini_replies.models(), verb="list")
    desk = services.desk

    assert await desk.key_tasks.check([PAID_ID], generate=False) == {"key_invalid": [PAID_ID]}
    (key,) = (await desk.key_list.page(KeyFilter(state="dead"))).beside
    assert key.kind == "key_invalid"
    await desk.keys.reset([PAID_ID], ADMIN)
    assert lent(services.pool, PAID) == SECRET
    assert await desk.key_tasks.check([PAID_ID], generate=False) == {"ok": [PAID_ID]}

    detail = await desk.key_list.detail(PAID_ID)
    assert detail is not None
    assert detail.probe is not None
    assert detail.probe.passed
    assert [seen.key for seen in fake_upstream.requests] == [SECRET, SECRET]
