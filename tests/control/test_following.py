"""Changes of keys, tokens and settings act at once where they are made, and soon in every other worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from gateway.control.bus import Bus
from gateway.control.following import Following
from gateway.control.limiter import Limiter
from gateway.control.paid_key import paid_key_id, use_paid_key
from gateway.control.tokens import TokenBook
from gateway.log import Redaction
from gateway.pool.key import KeyState
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.redaction import REDACTED
from gateway.settings.live import LiveHolder
from gateway.settings.model import LiveSettings
from gateway.store.records import SettingValue, TokenRow
from gateway.store.store import Store
from tests.control.waiting import until
from tests.store.conftest import OpenStore
from tests.store.samples import key_row


class Process:
    """As much of a gateway as follows changes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pool = Pool(PoolLimits(), lambda: 0.5)
        self.tokens = TokenBook()
        self.live = LiveHolder(LiveSettings(auth_token="sk-admin"))
        self.redaction = Redaction()
        self.bus = Bus(store, poll_s=0.02)
        self.limiter = Limiter(store, zone=lambda: "UTC", publish=lambda _: None)
        self.following = Following(
            store,
            self.bus,
            pool=self.pool,
            tokens=self.tokens,
            limiter=self.limiter,
            live=self.live,
            redaction=self.redaction,
        )
        self.following.listen()

    async def __aenter__(self) -> "Process":
        await self.bus.look()
        self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bus.stop()


@pytest.fixture
async def both(open_store: OpenStore) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes on one database."""
    async with AsyncExitStack() as stack:
        here, there = Process(open_store()), Process(open_store())
        await stack.enter_async_context(here)
        await stack.enter_async_context(there)
        yield here, there


async def _add_keys(worker: Process, *secrets: str) -> list[int]:
    store = worker.store
    await store.write(lambda: store.keys.add(key_row(secret) for secret in secrets))
    return [row.id for row in await store.read(store.keys.everything)]


async def test_an_added_key_is_lent_here_at_once_and_there_soon(both: tuple[Process, Process]) -> None:
    here, there = both
    ids = await _add_keys(here, "sk-of-any-shape")

    await here.following.keys_changed(ids)

    assert here.pool.key_ids() == ids
    await until(lambda: there.pool.key_ids() == ids)
    hidden = there.redaction(None, "", {"event": "see sk-of-any-shape"})
    assert hidden["event"] == f"see {REDACTED}"


async def test_reading_all_keys_leaves_the_one_without_a_row(both: tuple[Process, Process]) -> None:
    here, _ = both
    use_paid_key(here.pool, "AIza-paid")
    ids = await _add_keys(here, "sk-ordinary")

    await here.following.reload_keys()

    assert here.pool.key_ids() == [paid_key_id("AIza-paid"), *ids]


async def test_a_disabled_and_a_removed_key_are_so_in_both(both: tuple[Process, Process]) -> None:
    here, there = both
    first, second = await _add_keys(here, "sk-first", "sk-second")
    await here.following.keys_changed([first, second])
    await until(lambda: len(there.pool.key_ids()) == 2)

    await here.store.write(lambda: here.store.keys.change([first], enabled=False))
    await here.store.write(lambda: here.store.keys.remove_named([second]))
    await here.following.keys_changed([first, second])

    for worker in (here, there):
        await until(partial(_holds, worker, [first]))
        explained = worker.pool.explain(first, 0.0)
        assert explained is not None
        assert explained.state == "disabled"


async def test_so_many_keys_that_the_others_had_better_read_them_all(both: tuple[Process, Process]) -> None:
    here, there = both
    told, untold = await _add_keys(here, "sk-told", "sk-untold")
    many = [told, *range(10**6, 10**6 + 130_000)]

    await here.following.keys_changed(many)

    assert here.pool.key_ids() == [told]  # those that were named, and are there
    await until(lambda: there.pool.key_ids() == [told, untold])


async def test_a_reset_lifts_in_both_what_either_of_them_learned(both: tuple[Process, Process]) -> None:
    here, there = both
    ids = await _add_keys(here, "sk-1", "sk-2")
    await here.following.keys_changed(ids)
    await until(partial(_holds, there, ids))
    for worker, key_id in zip(both, ids, strict=True):
        lease = worker.pool.lease("m", time.time(), pinned=key_id)
        assert isinstance(lease, Lease)
        worker.pool.report_failure(lease, Failure(FailureKind.KEY_LEAKED, 403), time.time())

    await here.following.keys_reset(ids)

    await until(lambda: there.pool.counts(time.time()).keys[KeyState.ACTIVE] == 2)
    assert here.pool.counts(time.time()).keys[KeyState.DEAD] == 1  # whoever tells has done it before


async def test_a_token_opens_both_until_it_is_disabled(both: tuple[Process, Process]) -> None:
    here, there = both
    await here.store.write(
        lambda: here.store.tokens.add([TokenRow("sk-alice", "…", name="Alice", requests_per_minute=5)])
    )
    await here.following.tokens_changed()
    await until(lambda: there.tokens.admit("sk-alice"))
    admitted = there.tokens.admit("sk-alice")
    assert admitted is not None
    assert admitted.limits is not None
    assert admitted.limits.requests_per_minute == 5

    await here.store.write(lambda: here.store.tokens.change([admitted.id or 0], enabled=False))
    await here.following.tokens_changed()

    assert here.tokens.admit("sk-alice") is None
    await until(lambda: there.tokens.admit("sk-alice") is None)


async def test_a_changed_setting_and_admin_token_hold_in_both(both: tuple[Process, Process]) -> None:
    here, there = both
    rows = [
        SettingValue("MAX_RETRIES", "9", None, "admin"),
        SettingValue("AUTH_TOKEN", '"sk-new-admin"', None, "admin", secret=True),
    ]
    await here.store.write(lambda: here.store.settings.put(rows))

    await here.following.settings_changed(["MAX_RETRIES", "AUTH_TOKEN"])

    for worker in (here, there):
        await until(partial(_retries, worker, 9))
        assert worker.tokens.admit("sk-admin") is None
        admin = worker.tokens.admit("sk-new-admin")
        assert admin is not None
        assert admin.is_admin


@pytest.mark.logs_errors("the stored settings are not usable")
async def test_settings_without_an_admin_token_are_not_taken_over(both: tuple[Process, Process]) -> None:
    here, _ = both

    await here.following.settings_changed(["AUTH_TOKEN"])  # no row has one

    assert here.live.current.auth_token == "sk-admin"


async def test_what_was_missed_is_read_anew(both: tuple[Process, Process]) -> None:
    here, there = both
    ids = await _add_keys(here, "sk-1", "sk-2")
    await here.store.write(lambda: here.store.keys.remove_named(ids[:1]))
    await there.following.keys_changed(ids)

    here.bus.publish("reload", "")

    await until(lambda: there.pool.key_ids() == ids[1:])


async def test_changes_that_cross_each_other_end_with_what_is_stored(both: tuple[Process, Process]) -> None:
    here, there = both
    (key_id,) = await _add_keys(here, "sk-1")

    async def change(worker: Process, weight: int) -> None:
        await worker.store.write(lambda: worker.store.keys.change([key_id], weight=weight))
        await worker.following.keys_changed([key_id])

    await asyncio.gather(*(change(worker, weight) for weight in range(1, 11) for worker in both))

    (row,) = await here.store.read(here.store.keys.everything)
    for worker in (here, there):
        await until(partial(_weighs, worker, key_id, row.weight))


def _holds(worker: Process, ids: list[int]) -> bool:
    return worker.pool.key_ids() == ids


def _retries(worker: Process, times: int) -> bool:
    return worker.live.current.max_retries == times


def _weighs(worker: Process, key_id: int, weight: int) -> bool:
    (roster,) = worker.pool._rosters.values()
    return roster.by_id[key_id].spec.weight == weight
