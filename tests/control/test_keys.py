"""What an operator does to keys: added, edited, reset, deleted and brought back, listed and explained."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.control import tasks, undo
from gateway.control.key_edits import KeyEdit, NewKeys
from gateway.control.key_tasks import UNDO, Selection
from gateway.control.key_views import KeyFilter
from gateway.control.keys import Added
from gateway.control.results import Refused
from gateway.control.tasks import Task
from gateway.control.undo import Deleted
from gateway.pool.calendar import quota_day
from gateway.pool.key import KeyState
from gateway.pool.lease import Lease
from gateway.protocols.failures import Failure, FailureKind
from gateway.services import Services
from tests.control.gateways import ADMIN, built, fake_key, now_ms
from tests.control.waiting import until
from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.store.conftest import OpenStore
from tests.store.samples import attempt_record, call_record, key_row

MODEL = "gemini-3.5-flash"


@pytest.fixture
async def services(open_store: OpenStore, fake_upstream: FakeUpstream) -> AsyncIterator[Services]:
    async with built(open_store(day_of=quota_day), BASE_URL=fake_upstream.url) as made:
        yield made


async def add(services: Services, count: int = 3, **common: Any) -> list[int]:
    text = "\n".join(fake_key(number) for number in range(count))
    added = await services.desk.keys.add(text, NewKeys(**common), ADMIN)
    assert isinstance(added, Added)
    return list(added.ids)


async def add_one(services: Services, number: int) -> int:
    added = await services.desk.keys.add(fake_key(number), NewKeys(), ADMIN)
    assert isinstance(added, Added)
    return added.ids[0]


def fail(services: Services, kind: FailureKind, key_id: int, **more: Any) -> None:
    """Have a call with a key fail as the pool hears it."""
    now_s = services.engine.wall_s()
    lease = services.pool.lease(MODEL, now_s, pinned=key_id)
    assert isinstance(lease, Lease)
    changes = services.pool.report_failure(lease, Failure(kind, 400, **more), now_s)
    services.ledger.pool_changed(changes)


async def settled(services: Services) -> None:
    await services.store.write(lambda: None)


async def matching(services: Services, **asked: Any) -> list[int]:
    page = await services.desk.key_list.page(KeyFilter(**asked))
    return [key.id for key in page.keys]


async def over(services: Services, task: Task | Refused) -> Task:
    assert isinstance(task, Task)
    while not task.is_over:
        await asyncio.sleep(0.01)
        found = await services.desk.tasks.find(task.id)
        assert found is not None
        task = found
    return task


async def test_calls_go_on_while_a_large_text_is_looked_at(services: Services) -> None:
    text = "\n".join(fake_key(number) for number in range(30_000))
    turns = 0

    async def calls() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(calls())
    preview = await services.desk.keys.preview(text)
    others.cancel()

    assert preview.new == 30_000
    assert turns > 10  # on the loop itself it would be one or two


async def test_a_preview_changes_nothing_and_adding_does_what_it_said(services: Services) -> None:
    await add(services, 2)
    text = f"{fake_key(1)} {fake_key(2)} {fake_key(2)}\nAIzaSyTooShort"

    preview = await services.desk.keys.preview(text)
    before = await matching(services)
    added = await services.desk.keys.add(text, NewKeys(tags=("free",), note="n"), ADMIN)

    assert (preview.new, len(preview.known), preview.repeated, len(preview.malformed)) == (1, 1, 1, 1)
    assert len(before) == 2
    assert isinstance(added, Added)
    assert (len(added.ids), added.known) == (1, 1)
    (key,) = await services.desk.key_list.named(added.ids)
    assert (key.tags, key.note, key.state, key.origin) == (("free",), "n", "active", "admin")
    assert isinstance(services.pool.lease(MODEL, 0.0, pinned=added.ids[0]), Lease)


@pytest.mark.parametrize(
    ("text", "new", "field"),
    [
        ("", NewKeys(), "text"),
        ("k" * 20, NewKeys(provider="other"), "provider"),
        ("k" * 20, NewKeys(weight=0), "weight"),
        ("k" * 20, NewKeys(weight=101), "weight"),
        ("k" * 20, NewKeys(tags=("",)), "tags"),
        ("k" * 20, NewKeys(tags=("a\nb",)), "tags"),
        ("k" * 20, NewKeys(tags=tuple(map(str, range(21)))), "tags"),
        ("k" * 20, NewKeys(note="n" * 2001), "note"),
        ("k" * 20, NewKeys(project=" p"), "project"),
    ],
)
async def test_what_is_wrong_is_said_by_its_field_and_nothing_is_added(
    services: Services, text: str, new: NewKeys, field: str
) -> None:
    refused = await services.desk.keys.add(text, new, ADMIN)

    assert isinstance(refused, Refused)
    assert [error.field for error in refused.errors] == [field]
    assert await matching(services) == []


async def test_an_edit_acts_at_once_and_is_remembered(services: Services) -> None:
    first, second, third = await add(services, tags=("free",))

    await services.desk.keys.change([first, second], KeyEdit(enabled=False), ADMIN)
    edit = KeyEdit(add_tags=("new",), remove_tags=("free",), note="why", project="p-1", weight=5)
    await services.desk.keys.change([second, third], edit, ADMIN)
    await services.desk.keys.change([third], KeyEdit(project=""), ADMIN)

    views = await services.desk.key_list.named([first, second, third])
    assert [(key.state, key.tags) for key in views] == [
        ("disabled", ("free",)),
        ("disabled", ("new",)),
        ("active", ("new",)),
    ]
    assert [key.project for key in views] == [None, "p-1", None]
    assert (views[2].note, views[2].weight) == ("why", 5)
    detail = await services.desk.key_list.detail(second)
    assert detail is not None
    assert [event.event for event in detail.events] == ["changed", "disabled", "added"]
    trail = await services.desk.trail.latest(10)
    assert [entry.action for entry in trail] == ["changed", "changed", "disabled", "added"]
    assert trail[0].subject == f"key {third}"


async def test_a_key_that_died_or_rests_is_found_and_reset(services: Services) -> None:
    dead, resting, limited, well = await add(services, 4)
    fail(services, FailureKind.KEY_LEAKED, dead, message="leaked")
    fail(services, FailureKind.BILLING, resting)
    fail(services, FailureKind.RATE_DAY, limited)
    await settled(services)

    assert await matching(services, state="dead") == [dead]
    assert await matching(services, state="resting") == [resting]
    assert await matching(services, state="exhausted") == [limited]
    assert await matching(services, model=MODEL) == [limited]
    assert await matching(services, model=MODEL, state="ready") == [well]
    assert await matching(services, model="other", state="ready") == [limited, well]
    assert await matching(services, model=MODEL, state="unavailable") == []
    assert await matching(services, reason="key_leaked") == [dead]
    page = await services.desk.key_list.page(KeyFilter())
    assert page.counts == {"ready": 2, "resting": 1, "dead": 1, "disabled": 0}
    assert "leaked" in page.keys[0].sentence
    assert [bucket.model for bucket in page.keys[2].resting] == [MODEL]

    await services.desk.keys.reset([dead, resting, limited], ADMIN)

    assert await matching(services, state="ready", model=MODEL) == [dead, resting, limited, well]
    detail = await services.desk.key_list.detail(dead)
    assert detail is not None
    assert {"dead", "active", "reset"} <= {event.event for event in detail.events}


async def test_deleted_keys_are_not_lent_and_come_back(services: Services) -> None:
    first, second, _ = await add(services)

    deleted = await services.desk.keys.delete([first, second], ADMIN)
    gone = services.pool.explain(first, 0.0)
    back = await services.desk.keys.undo_delete(deleted.batch, ADMIN)

    assert isinstance(deleted, Deleted)
    assert (deleted.count, gone, back) == (2, None, 2)
    assert services.pool.explain(first, 0.0) is not None
    assert len(await matching(services)) == 3
    assert await services.desk.keys.undo_delete("no-such-batch", ADMIN) == 0


async def test_secrets_are_shown_only_when_asked_for_and_that_is_noted(services: Services) -> None:
    ids = await add(services)

    page = await services.desk.key_list.page(KeyFilter())
    revealed = await services.desk.keys.reveal(ids[:1], ADMIN)

    assert fake_key(0) not in repr(page)
    assert isinstance(revealed, list)
    assert [each.secret for each in revealed] == [fake_key(0)]
    assert fake_key(0) not in repr(revealed)
    (entry, *_) = await services.desk.trail.latest(1)
    assert (entry.action, fake_key(0) in entry.detail) == ("revealed", False)
    assert isinstance(await services.desk.keys.reveal(list(range(1001)), ADMIN), Refused)


async def test_a_page_shows_the_use_of_its_keys(services: Services) -> None:
    ids = await add(services)
    for kind in (None, "rate_minute", "client_error"):
        attempt = attempt_record(1, key_id=ids[1], failure_kind=kind, started_at_ms=now_ms())
        services.store.records.put(call_record(started_at_ms=now_ms(), duration_ms=0, attempts=(attempt,)))
    await until(lambda: services.store.health().written == 3)

    page = await services.desk.key_list.page(KeyFilter(sort="used", descending=True), page_size=2)

    assert (page.total, page.pages, [key.id for key in page.keys]) == (3, 2, [ids[1], ids[2]])
    used = page.keys[0]
    assert (used.use.attempts, used.use.failures) == (3, 1)
    assert used.success_rate == pytest.approx(2 / 3)
    assert [(hour.attempts, hour.failures) for hour in used.hours] == [(3, 1)]
    assert page.keys[1].success_rate is None
    last = await services.desk.key_list.page(KeyFilter(), page=99, page_size=2)
    assert (last.page, [key.id for key in last.keys]) == (2, [ids[2]])


async def test_checking_many_keys_groups_them_by_what_came_out(
    services: Services, fake_upstream: FakeUpstream
) -> None:
    ids = await add(services, 5)
    fake_upstream.error(gemini_errors.leaked(), key=fake_key(3))
    fake_upstream.error(gemini_errors.api_key_invalid(), key=fake_key(4))

    task = await services.desk.key_tasks.begin("check", Selection(matching=KeyFilter()), ADMIN)
    done = await over(services, task)

    assert {group.outcome: group.ids for group in done.groups} == {
        "ok": tuple(ids[:3]),
        "key_leaked": (ids[3],),
        "key_invalid": (ids[4],),
    }
    await settled(services)
    assert await matching(services, state="dead") == ids[3:]
    assert {seen.path.partition("?")[0] for seen in fake_upstream.requests} == {"/v1beta/models"}
    detail = await services.desk.key_list.detail(ids[3])
    assert detail is not None
    assert detail.probe is not None
    assert detail.probe.kind == "key_leaked"


async def test_everything_that_matches_is_deleted_a_part_at_a_time_and_comes_back_whole(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_FOUND_AT_ONCE", 2)
    monkeypatch.setattr(undo, "_AT_ONCE", 2)
    ids = await add(services, 5, tags=("old",))
    other = await add_one(services, 77)
    parts: list[list[int]] = []
    take = services.desk.keys.undo.take

    def taking(part: Sequence[int], batch: str) -> int:
        parts.append(list(part))
        if len(parts) == 1:  # meanwhile somebody adds another one of these
            services.store.keys.add([key_row("sk-late", tags=("old",))])
        return take(part, batch)

    monkeypatch.setattr(services.desk.keys.undo, "take", taking)
    begun = await services.desk.key_tasks.begin("delete", Selection(matching=KeyFilter(tag="old")), ADMIN)
    done = await over(services, begun)

    assert parts == [ids[:2], ids[2:4], ids[4:]]
    assert (done.state, done.done, done.total) == ("done", 5, 5)
    left = [key.alias for key in (await services.desk.key_list.page(KeyFilter(tag="old"))).keys]
    assert left == ["key-…"], "only what was there when it began"
    (group,) = done.groups
    assert await services.desk.keys.undo_delete(group.outcome.removeprefix(UNDO), ADMIN) == 5
    assert await matching(services) == [*ids, other, *await matching(services, text="key-…")]
    assert services.pool.counts(services.engine.wall_s()).keys[KeyState.ACTIVE] == 6


async def test_keys_that_stop_to_match_when_they_are_changed_are_all_changed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_FOUND_AT_ONCE", 2)
    ids = await add(services, 5, enabled=False)

    begun = await services.desk.key_tasks.begin(
        "enable", Selection(matching=KeyFilter(state="disabled")), ADMIN
    )
    done = await over(services, begun)

    assert (done.done, done.total) == (5, 5)
    assert await matching(services, state="ready") == ids


async def test_a_check_by_a_generation_asks_the_test_model(
    services: Services, fake_upstream: FakeUpstream
) -> None:
    (key_id,) = await add(services, 1)
    fail(services, FailureKind.KEY_LEAKED, key_id)

    task = await services.desk.key_tasks.begin("generate", Selection((key_id,)), ADMIN)
    done = await over(services, task)

    assert [group.outcome for group in done.groups] == ["ok"]
    (seen,) = fake_upstream.requests
    assert (seen.model, seen.verb) == (services.live.current.test_model, "generateContent")
    assert await matching(services, state="ready") == [key_id]


async def test_keys_are_found_by_how_they_failed_lately_whatever_they_do_now(services: Services) -> None:
    ids = await add(services, 3)
    day_ms = 24 * 3_600_000
    for key_id, kind, age_ms in ((ids[0], "rate_day", 0), (ids[1], "rate_day", 2 * day_ms)):
        at_ms = now_ms() - age_ms
        attempt = attempt_record(1, key_id=key_id, failure_kind=kind, started_at_ms=at_ms)
        services.store.records.put(call_record(started_at_ms=at_ms, duration_ms=0, attempts=(attempt,)))
    await until(lambda: services.store.health().written == 2)

    assert await matching(services, failed="rate_day") == [ids[0]]
    assert await matching(services, failed="rate_day", state="dead") == []
    assert await matching(services, failed="key_leaked") == []


async def test_keys_that_are_checked_first_are_used_when_they_work(
    services: Services, fake_upstream: FakeUpstream
) -> None:
    ids = await add(services, 3, enabled=False)
    fake_upstream.error(gemini_errors.api_key_invalid(), key=fake_key(1))
    assert await matching(services, state="disabled") == ids

    task = await services.desk.key_tasks.begin("admit", Selection(tuple(ids)), ADMIN)
    done = await over(services, task)
    await settled(services)

    assert {group.outcome: group.ids for group in done.groups} == {
        "ok": (ids[0], ids[2]),
        "key_invalid": (ids[1],),
    }
    assert await matching(services, state="ready") == [ids[0], ids[2]]
    assert await matching(services, state="disabled") == [ids[1]]


async def test_bulk_work_reaches_everything_a_filter_matches(services: Services) -> None:
    ids = await add(services, 7, tags=("free",))
    await services.desk.keys.change(ids[:2], KeyEdit(remove_tags=("free",)), ADMIN)
    free = Selection(matching=KeyFilter(tag="free"))

    await over(services, await services.desk.key_tasks.begin("disable", free, ADMIN))
    assert await matching(services, state="disabled") == ids[2:]
    edited = await services.desk.key_tasks.begin("edit", free, ADMIN, edit=KeyEdit(add_tags=("x",)))
    await over(services, edited)
    deleting = await over(services, await services.desk.key_tasks.begin("delete", free, ADMIN))

    (group,) = deleting.groups
    entries = [(entry.action, entry.detail) for entry in await services.desk.trail.latest(3)]
    assert [action for action, _ in entries] == ["deleted", "changed", "disabled"]
    assert '"keys":5' in entries[0][1]
    assert await matching(services) == ids[:2]
    assert await services.desk.keys.undo_delete(group.outcome.removeprefix("undo "), ADMIN) == 5
    assert await matching(services, tag="x") == ids[2:]


@pytest.mark.parametrize(
    ("action", "edit", "field"),
    [
        ("explode", None, "action"),
        ("edit", None, "edit"),
        ("edit", KeyEdit(weight=0), "weight"),
        ("check", None, "ids"),
    ],
)
async def test_bulk_work_that_makes_no_sense_is_refused(
    services: Services, action: Any, edit: KeyEdit | None, field: str
) -> None:
    refused = await services.desk.key_tasks.begin(action, Selection(()), ADMIN, edit=edit)

    assert isinstance(refused, Refused)
    assert refused.errors[0].field == field


async def test_bulk_work_in_many_parts_is_one_entry_of_the_audit(services: Services) -> None:
    ids = await add(services, 1_300)

    await over(services, await services.desk.key_tasks.begin("disable", Selection(tuple(ids)), ADMIN))

    disabled, added = await services.desk.trail.latest(9)
    assert (disabled.action, disabled.subject, disabled.detail) == (
        "disabled",
        "keys",
        '{"keys":1300,"enabled":false}',
    )
    assert added.action == "added"


async def test_an_export_gives_every_key_in_the_clear(services: Services) -> None:
    await add(services, 3)

    parts = [part async for part in services.desk.key_tasks.export(Selection())]

    assert [row.secret for part in parts for row in part] == [fake_key(number) for number in range(3)]


async def test_keys_of_every_provider_are_managed_alike(services: Services) -> None:
    await add(services, 1)
    await add(services, 1, provider="vertex")
    await add(services, 1, provider="paid")

    assert len(await matching(services)) == 3
    (vertex,) = await matching(services, provider="vertex")
    await services.desk.keys.change([vertex], KeyEdit(enabled=False), ADMIN)
    assert await matching(services, state="disabled") == [vertex]
