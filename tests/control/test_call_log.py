"""The log of calls as an operator reads, exports and empties it; and what is forgotten by itself."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.control import call_log, tasks
from gateway.control.call_log import CallLog
from gateway.control.results import Refused
from gateway.control.retention import Retention
from gateway.control.tasks import Task
from gateway.services import Services
from gateway.store.call_query import CallQuery
from gateway.store.config import DatabaseConfig
from gateway.store.records import StoredCall
from tests.control.gateways import ADMIN, built, now_ms
from tests.control.waiting import until
from tests.store.conftest import OpenStore, query
from tests.store.samples import call_record

DAY_MS = 86_400_000


@pytest.fixture
async def services(open_store: OpenStore) -> AsyncIterator[Services]:
    async with built(open_store(), ALLOWED_TOKENS="sk-alice") as made:
        yield made


async def write(services: Services, count: int = 1, *, days_ago: float = 0, **fields: Any) -> None:
    written = services.store.health().written
    for number in range(count):
        at_ms = now_ms() - int(days_ago * DAY_MS) - count + number
        record = call_record(f"req-{number}", started_at_ms=at_ms, duration_ms=0, **fields)
        services.store.records.put(record)
    await until(lambda: services.store.health().written == written + count)


async def all_calls(services: Services) -> list[StoredCall]:
    return [call async for part in services.desk.calls.export(CallQuery()) for call in part]


async def over(services: Services, task: Task | Refused) -> Task:
    assert isinstance(task, Task)
    async with asyncio.timeout(15):
        while True:
            found = await services.desk.tasks.find(task.id)
            assert found is not None
            if found.is_over:
                return found
            await asyncio.sleep(0.01)


async def test_pages_lead_through_the_log_from_the_newest_call_to_the_oldest(services: Services) -> None:
    await write(services, 25)

    first = await services.desk.calls.page(CallQuery(), limit=10)
    second = await services.desk.calls.page(CallQuery(), limit=10, before_id=first.next_before_id)
    third = await services.desk.calls.page(CallQuery(), limit=10, before_id=second.next_before_id)

    ids = [call.call.request_id for page in (first, second, third) for call in page.calls]
    assert ids == [f"req-{number}" for number in reversed(range(25))]
    assert third.next_before_id is None
    exact = await services.desk.calls.page(CallQuery(), limit=25)
    assert exact.next_before_id is None


async def test_pages_lead_back_to_the_newest_calls(services: Services) -> None:
    await write(services, 25)
    desk = services.desk.calls
    first = await desk.page(CallQuery(), limit=10)
    second = await desk.page(CallQuery(), limit=10, before_id=first.next_before_id)
    third = await desk.page(CallQuery(), limit=10, before_id=second.next_before_id)
    assert second.newer_after_id is not None
    assert third.newer_after_id is not None

    back = await desk.page_after(CallQuery(), third.newer_after_id, limit=10)
    top = await desk.page_after(CallQuery(), second.newer_after_id, limit=10)

    assert (back.calls, back.next_before_id) == (second.calls, second.next_before_id)
    assert (top.calls, top.newer_after_id) == (first.calls, None)
    assert await desk.newer(CallQuery(), second.newer_after_id, 99) == 10
    assert await desk.newer(CallQuery(), second.newer_after_id, 5) == 5
    assert await desk.count(CallQuery(), 20) == 20
    assert await desk.count(CallQuery(min_attempts=1), 20) is None
    assert await desk.count(CallQuery(model="m", status=200), 20) is None


async def test_what_no_index_knows_is_looked_for_a_stretch_at_a_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "LOOK_ROWS", 4)
    monkeypatch.setattr(call_log, "LOOKS", 5)
    await write(services, 1, days_ago=1, total_tokens=9000)
    await write(services, 30, total_tokens=10)
    await write(services, 1, total_tokens=9000)
    asked = CallQuery(min_total_tokens=9000)

    near = await services.desk.calls.page(asked)
    far = await services.desk.calls.page(asked, before_id=near.next_before_id)
    back = await services.desk.calls.page_after(asked, far.calls[0].id)
    exported = [part async for part in services.desk.calls.export(asked)]

    assert [len(page.calls) for page in (near, far, back)] == [1, 1, 0]
    assert near.next_before_id is not None
    assert far.next_before_id is None
    assert back.newer_after_id is not None, "it goes on from there"
    assert len((await services.desk.calls.page_after(asked, back.newer_after_id)).calls) == 1
    assert [len(part) for part in exported] == [1, 1]


async def test_a_page_is_looked_for_only_so_long(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "LOOK_ROWS", 4)
    await write(services, 1, days_ago=1, total_tokens=9000)
    await write(services, 30, total_tokens=10)
    seconds = itertools.count(0.0, 0.025)
    desk = CallLog(
        services.store, trail=services.desk.trail, runner=services.desk.tasks, clock_s=seconds.__next__
    )

    page = await desk.page(CallQuery(min_total_tokens=9000))
    pages = [page]
    while page.next_before_id is not None:
        page = await desk.page(CallQuery(min_total_tokens=9000), before_id=page.next_before_id)
        pages.append(page)

    # Two looks a page, of four calls each: the clock says 0.025 and 0.05 after them.
    assert [len(each.calls) for each in pages] == [0, 0, 0, 1]


async def test_one_call_is_read_with_what_was_kept_of_it(services: Services) -> None:
    await write(services, error_body=b"why", request_body=b"{}")
    (listed,) = (await services.desk.calls.page(CallQuery())).calls

    read = await services.desk.calls.read(listed.id)
    by_name = await services.desk.calls.read_by_request_id("req-0")

    assert listed.call.error_body is None
    assert read == by_name
    assert read is not None
    assert (read.call.error_body, read.call.request_body) == (b"why", b"{}")
    assert await services.desk.calls.read(5) is None


async def test_an_export_gives_every_call_that_matches_part_by_part(services: Services) -> None:
    await write(services, 1200)
    await write(services, 3, status=503, outcome="upstream_error")

    parts = [part async for part in services.desk.calls.export(CallQuery(status=200))]
    some = [part async for part in services.desk.calls.export(CallQuery(), most=700)]

    assert [len(part) for part in parts] == [200] * 6
    assert sum(len(part) for part in some) == 700


async def test_selected_and_matching_calls_are_deleted_and_the_sums_stay(services: Services) -> None:
    await write(services, 5)
    await write(services, 450, status=503, outcome="upstream_error")
    (newest,) = (await services.desk.calls.page(CallQuery(status=200), limit=1)).calls

    removed = await services.desk.calls.delete([newest.id, 5], ADMIN)
    done = await over(
        services, await services.desk.calls.delete_matching(CallQuery(outcomes=("upstream_error",)), ADMIN)
    )
    nothing = await services.desk.calls.delete_matching(CallQuery(status=503), ADMIN)

    assert removed == 1
    assert (done.state, done.done) == ("done", 450)
    assert isinstance(nothing, Refused)
    assert len(await all_calls(services)) == 4
    numbers = await services.desk.overview.numbers("24h")
    assert numbers.total.calls == 455
    assert [entry.action for entry in await services.desk.trail.latest(9)] == ["deleted", "deleted"]


async def test_what_no_index_knows_is_deleted_a_part_at_a_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "LOOK_ROWS", 4)
    monkeypatch.setattr(call_log, "LOOKS", 2)
    monkeypatch.setattr(tasks, "_FOUND_AT_ONCE", 3)
    for total_tokens in (9000, 10) * 3:
        await write(services, 7, total_tokens=total_tokens)

    asked = CallQuery(min_total_tokens=9000)
    done = await over(services, await services.desk.calls.delete_matching(asked, ADMIN))

    assert (done.state, done.done, done.total) == ("done", 21, 21)
    assert {call.call.total_tokens for call in await all_calls(services)} == {10}
    assert len(await all_calls(services)) == 21


async def test_old_calls_and_old_errors_are_forgotten_by_the_settings(services: Services) -> None:
    await write(services, 450, days_ago=31)
    await write(services, 3, days_ago=8, error_body=b"why")
    await write(services, 2, error_body=b"why")
    retention = Retention(services.store, services.live, pause_s=0)

    assert await retention.prune_calls() == 450
    assert await retention.prune_bodies() == 3
    assert await retention.prune_calls() == await retention.prune_bodies() == 0

    kept = [await services.desk.calls.read(call.id) for call in await all_calls(services)]
    assert [call is not None and call.call.error_body for call in kept] == [b"why", b"why", None, None, None]


async def test_what_is_not_to_be_deleted_stays(services: Services) -> None:
    await services.desk.settings.change(
        {"AUTO_DELETE_REQUEST_LOGS_ENABLED": False, "AUTO_DELETE_ERROR_LOGS_ENABLED": "false"}, ADMIN
    )
    await write(services, 1, days_ago=400, error_body=b"why")
    retention = Retention(services.store, services.live, pause_s=0)

    assert await retention.prune_calls() == await retention.prune_bodies() == 0
    assert len(await all_calls(services)) == 1


async def test_sums_that_no_chart_shows_are_forgotten(services: Services) -> None:
    await write(services, 1, days_ago=401)
    await write(services, 1, days_ago=36)
    await write(services, 1)

    await Retention(services.store, services.live, pause_s=0).prune_sums()

    usage, uses = services.store.usage, services.store.key_uses
    ends_ms = now_ms() + DAY_MS
    hours = await services.store.read(lambda: usage.by_hour(0, ends_ms))
    minutes = await services.store.read(lambda: usage.by_minutes(0, ends_ms))
    by_key = await services.store.read(lambda: uses.hours([2], 0))
    assert (len(hours), len(minutes), len(by_key[2])) == (2, 1, 1)


async def test_what_a_replica_of_the_version_before_counted_is_in_the_overview_soon(
    services: Services, config: DatabaseConfig
) -> None:
    await write(services, 3, days_ago=1)
    await write(services, 2)
    query(config, "DELETE FROM usage_model")  # that version does not know it
    retention = Retention(services.store, services.live, pause_s=0)

    assert await retention.mend_sums() == 1  # the hour under way comes later
    assert await retention.mend_sums() == 0

    assert (await services.desk.overview.numbers("7d")).total.calls == 3
