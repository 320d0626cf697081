"""Deleted keys that come back as they were, and long work that is read by any process."""

from dataclasses import replace

from gateway.store.records import KeyRow, TaskRow
from gateway.store.store import Store
from tests.store.samples import key_row

TASK = TaskRow("t-1", "check keys", "running", 3, 10, 1000, 2000, "admin", stop_asked=False, outcome="{}")


def _all(store: Store) -> list[KeyRow]:
    return store.read_sync(store.keys.everything)


def _delete(store: Store, ids: list[int], batch: str, now_ms: int = 1000) -> int:
    return store.write_sync(lambda: store.deleted_keys.take(ids, batch, now_ms))


def test_deleted_keys_come_back_whole_with_their_ids(store: Store) -> None:
    rows = [key_row(f"sk-{number}", note="n", tags=("a",), dead_reason="billing") for number in range(900)]
    store.write_sync(lambda: store.keys.add(rows))
    before = _all(store)

    deleted = _delete(store, [row.id for row in before[:899]], "b-1")
    left = _all(store)
    back = store.write_sync(lambda: store.deleted_keys.bring_back("b-1"))

    assert deleted == 899
    assert left == before[899:]
    assert sorted(back) == [row.id for row in before[:899]]
    assert _all(store) == before
    assert store.write_sync(lambda: store.deleted_keys.bring_back("b-1")) == []


def test_deleted_keys_come_back_a_part_at_a_time(store: Store) -> None:
    store.write_sync(lambda: store.keys.add([key_row(f"sk-{number}") for number in range(7)]))
    before = _all(store)
    ids = [row.id for row in before]
    _delete(store, ids[4:] + ids[:4], "b-1")
    store.write_sync(lambda: store.keys.add([key_row("sk-3", note="new")]))

    parts = [store.write_sync(lambda: store.deleted_keys.bring_back("b-1", 3)) for _ in range(4)]

    assert parts == [ids[:3], ids[4:6], ids[6:], []]
    assert not store.read_sync(lambda: store.deleted_keys.holds("b-1"))
    assert [row.secret for row in _all(store) if row.note == ""] == [
        row.secret for row in before if row.secret != "sk-3"
    ]


def test_a_key_that_was_added_again_meanwhile_stays_as_it_is(store: Store) -> None:
    store.write_sync(lambda: store.keys.add([key_row("sk-1", note="old"), key_row("sk-2")]))
    _delete(store, [row.id for row in _all(store)], "b-1")
    store.write_sync(lambda: store.keys.add([key_row("sk-1", note="new")]))

    store.write_sync(lambda: store.deleted_keys.bring_back("b-1"))

    assert {(row.secret, row.note) for row in _all(store)} == {("sk-1", "new"), ("sk-2", "")}


def test_what_was_deleted_long_ago_is_gone(store: Store) -> None:
    store.write_sync(lambda: store.keys.add([key_row("sk-1"), key_row("sk-2")]))
    first, second = _all(store)
    _delete(store, [first.id], "old", 1000)
    _delete(store, [second.id], "new", 2000)

    assert store.write_sync(lambda: store.deleted_keys.prune(2000)) == 1
    assert store.write_sync(lambda: store.deleted_keys.bring_back("old")) == []
    assert store.write_sync(lambda: store.deleted_keys.bring_back("new")) == [second.id]


def test_a_task_is_read_as_it_was_written_last(store: Store) -> None:
    store.write_sync(lambda: store.tasks.put(TASK))
    store.write_sync(lambda: store.tasks.put(replace(TASK, done=4)))
    store.write_sync(lambda: store.tasks.put(replace(TASK, id="t-2", started_at_ms=1500)))

    assert store.read_sync(lambda: store.tasks.find("t-1")) == replace(TASK, done=4)
    assert store.read_sync(lambda: store.tasks.find("t-9")) is None
    assert [each.id for each in store.read_sync(lambda: store.tasks.latest(9))] == ["t-2", "t-1"]
    assert store.write_sync(lambda: store.tasks.prune(1500)) == 1
    assert [each.id for each in store.read_sync(lambda: store.tasks.latest(9))] == ["t-2"]


def test_a_wish_to_stop_is_not_overwritten_by_progress(store: Store) -> None:
    store.write_sync(lambda: store.tasks.put(TASK))

    assert store.write_sync(lambda: store.tasks.ask_to_stop("t-1"))
    assert store.write_sync(lambda: store.tasks.ask_to_stop("t-1"))
    assert not store.write_sync(lambda: store.tasks.ask_to_stop("t-9"))
    store.write_sync(lambda: store.tasks.put(replace(TASK, done=5)))

    found = store.read_sync(lambda: store.tasks.find("t-1"))
    assert found == replace(TASK, done=5, stop_asked=True)
