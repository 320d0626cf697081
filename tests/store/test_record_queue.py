"""The queue between the event loop and the writer."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.record_queue import RecordQueue
from gateway.store.records import CallRecord
from tests.store.samples import call_record


def _queue(capacity: int) -> RecordQueue:
    return RecordQueue(capacity, threading.Event())


def _records(count: int) -> list[CallRecord]:
    return [call_record(f"req-{number}") for number in range(count)]


def test_a_full_queue_drops_the_oldest_and_counts_them() -> None:
    queue, records = _queue(3), _records(5)

    for record in records:
        queue.put(record)

    assert (queue.depth, queue.dropped) == (3, 2)
    assert queue.take(10) == records[2:]


def test_a_queue_that_is_just_full_has_dropped_nothing() -> None:
    queue = _queue(3)

    for record in _records(3):
        queue.put(record)

    assert (queue.depth, queue.dropped) == (3, 0)


def test_records_in_flight_count_as_waiting() -> None:
    queue = _queue(10)
    for record in _records(5):
        queue.put(record)

    queue.take(3)

    assert queue.depth == 5


def test_a_batch_given_back_stands_before_what_came_later() -> None:
    queue, records = _queue(10), _records(6)
    for record in records[:4]:
        queue.put(record)
    batch = queue.take(4)
    for record in records[4:]:
        queue.put(record)

    queue.give_back(batch)

    assert queue.depth == 6
    assert queue.take(10) == records


def test_of_a_batch_given_back_the_oldest_go_when_there_is_no_room() -> None:
    queue, records = _queue(5), _records(8)
    for record in records[:4]:
        queue.put(record)
    batch = queue.take(4)
    for record in records[4:]:
        queue.put(record)

    queue.give_back(batch)

    assert (queue.depth, queue.dropped) == (5, 3)
    assert queue.take(10) == records[3:]


@pytest.mark.parametrize("later", [5, 9])
def test_a_batch_given_back_to_a_full_queue_goes_whole(later: int) -> None:
    queue, records = _queue(5), _records(2 + later)
    for record in records[:2]:
        queue.put(record)
    batch = queue.take(2)
    for record in records[2:]:
        queue.put(record)

    queue.give_back(batch)

    assert (queue.depth, queue.dropped) == (5, later - 5 + 2)
    assert queue.take(10) == records[-5:]


def test_a_put_wakes_a_sleeping_writer_once() -> None:
    wake = threading.Event()
    queue = RecordQueue(10, wake)
    assert queue.sleep_until_put()

    queue.put(call_record())
    woken = wake.is_set()
    wake.clear()
    queue.put(call_record())

    assert woken
    assert not wake.is_set()


def test_a_writer_does_not_go_to_sleep_over_a_record() -> None:
    queue = _queue(10)
    queue.put(call_record())

    assert not queue.sleep_until_put()


@given(st.lists(st.sampled_from(["put", "take", "written", "refused", "back"]), max_size=60))
def test_every_record_is_waiting_written_or_dropped(steps: list[str]) -> None:
    queue = _queue(4)
    batch: list[CallRecord] = []
    put = 0
    for step in steps:
        if step == "put":
            queue.put(call_record(f"req-{put}"))
            put += 1
        elif step == "take" and not batch:
            batch = queue.take(3)
        elif step == "written":
            queue.settle(written=len(batch))
            batch = []
        elif step == "refused":
            queue.settle(refused=len(batch))
            batch = []
        elif step == "back":
            queue.give_back(batch)
            batch = []

        assert put == queue.depth + queue.written + queue.dropped
        assert queue.depth - len(batch) <= 4


def test_putting_and_taking_at_once_loses_and_invents_nothing() -> None:
    queue, record, count = _queue(50), call_record(), 50_000
    over = threading.Event()
    taken = 0

    def take() -> None:
        nonlocal taken
        while not over.is_set() or queue.depth:
            batch = queue.take(7)
            if len(batch) % 2:
                queue.give_back(batch)
                batch = queue.take(7)
            queue.settle(written=len(batch))
            taken += len(batch)

    thread = threading.Thread(target=take)
    thread.start()
    for _ in range(count):
        queue.put(record)
    over.set()
    thread.join()

    assert taken == queue.written
    assert queue.written + queue.dropped == count
