"""What happened to keys and who changed what, kept and found again."""

from dataclasses import replace
from functools import partial

from gateway.store.records import AuditRow, KeyEvent
from gateway.store.store import Store

EVENT = KeyEvent(1, 1000, "resting", "billing", "no credit", 9000, "pool")
ENTRY = AuditRow(1000, "admin", "127.0.0.1", "change", "setting MAX_RETRIES", '{"from":"3","to":"4"}')


def test_a_keys_last_events_come_newest_first(store: Store) -> None:
    second = KeyEvent(1, 2000, "active")
    store.write_sync(lambda: store.key_events.add([EVENT, KeyEvent(2, 1500, "dead"), second]))

    assert store.read_sync(lambda: store.key_events.latest(1, 10)) == [second, EVENT]
    assert store.read_sync(lambda: store.key_events.latest(1, 1)) == [second]
    assert store.read_sync(lambda: store.key_events.latest(9, 1)) == []


def test_an_event_with_odd_or_endless_words_is_kept_as_far_as_it_fits(store: Store) -> None:
    store.write_sync(
        lambda: store.key_events.add([KeyEvent(1, 1, "e" * 99, "k" * 99, "m\0\ud800" * 999, None, "a" * 99)])
    )

    (found,) = store.read_sync(lambda: store.key_events.latest(1, 1))
    assert (len(found.event), len(found.kind or ""), len(found.message), len(found.actor)) == (
        20,
        32,
        500,
        40,
    )


def test_old_events_go_in_small_batches(store: Store) -> None:
    store.write_sync(lambda: store.key_events.add([KeyEvent(1, at_ms, "dead") for at_ms in range(10)]))

    assert store.write_sync(lambda: store.key_events.prune(5, 3)) == 3
    assert store.write_sync(lambda: store.key_events.prune(5, 3)) == 2
    assert store.write_sync(lambda: store.key_events.prune(5, 3)) == 0
    assert [each.at_ms for each in store.read_sync(lambda: store.key_events.latest(1, 99))] == [9, 8, 7, 6, 5]


def test_the_audit_is_read_newest_first_page_by_page_and_by_subject(store: Store) -> None:
    for number in range(3):
        entry = AuditRow(number, "admin", "", "change", f"setting {number % 2}", "{}")
        store.write_sync(partial(store.audit.add, entry))

    first, *others = store.read_sync(lambda: store.audit.latest(2))
    assert [each.at_ms for each in (first, *others)] == [2, 1]
    rest = store.read_sync(lambda: store.audit.latest(2, before_id=others[-1].id))
    assert [each.at_ms for each in rest] == [0]
    of_one = store.read_sync(lambda: store.audit.latest(9, subject="setting 0"))
    assert [each.at_ms for each in of_one] == [2, 0]


def test_an_entry_comes_back_as_it_was_made_until_it_is_old(store: Store) -> None:
    store.write_sync(lambda: store.audit.add(ENTRY))

    (found,) = store.read_sync(lambda: store.audit.latest(1))
    assert found == replace(ENTRY, id=found.id)
    assert store.write_sync(lambda: store.audit.prune(1001)) == 1
    assert store.read_sync(lambda: store.audit.latest(1)) == []
