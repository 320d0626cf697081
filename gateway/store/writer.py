"""The one thread that writes: jobs as they come, call records in batches, through every outage.

Records wait in a bounded queue that the event loop fills without waiting; when it is full the oldest go and
are counted. A failing database never ends the thread: it tries again with back-off and says so once.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import peewee

from gateway.errors import StoreUnavailable
from gateway.store.calls import CallWriter
from gateway.store.engine import LOST
from gateway.store.records import CallRecord

log = logging.getLogger("gateway.store")

T = TypeVar("T")
FLUSH_EVERY_S = 0.25
BATCH = 500
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class RecordQueue:
    """Call records waiting to be written; filled on the loop's thread, emptied on the writer's.

    dropped   records lost because the queue was full or the database would not take them
    written   records in the database
    """

    def __init__(self, capacity: int) -> None:
        # Appending to a full deque drops the oldest; deque operations are atomic between threads.
        self._waiting: deque[CallRecord] = deque(maxlen=capacity)
        self._capacity = capacity
        self.dropped = 0
        self.written = 0

    def put(self, record: CallRecord) -> None:
        if len(self._waiting) >= self._capacity:
            self.dropped += 1
        self._waiting.append(record)

    def take(self, most: int) -> list[CallRecord]:
        taken: list[CallRecord] = []
        while len(taken) < most:
            try:
                taken.append(self._waiting.popleft())
            except IndexError:
                break
        return taken

    def __len__(self) -> int:
        return len(self._waiting)


class Writer:
    """Owns the writing connection.

    failures        batches and jobs the database refused
    last_write_ms   how long the last batch took
    healthy         False during an outage
    """

    def __init__(self, database: peewee.Database, records: RecordQueue) -> None:
        self._database = database
        self._records = records
        self._calls = CallWriter(database)
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._stop_at_s: float | None = None
        self._pause_s = 0.0
        self.failures = 0
        self.last_write_ms = 0.0
        self.healthy = True
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        """Run a job on the writer's thread, in one transaction."""
        future: Future[T] = Future()
        if self._stop_at_s is not None:
            future.set_exception(StoreUnavailable("The store is closed."))
            return future
        self._jobs.put((job, future))
        self._wake.set()
        return future

    def stop(self, timeout_s: float) -> None:
        """Write what waits, within the time given, and end the thread."""
        self._stop_at_s = time.monotonic() + timeout_s
        self._wake.set()
        self._thread.join(timeout_s + 1.0)

    def _run(self) -> None:
        while True:
            if not self._jobs.qsize() and len(self._records) < BATCH:
                self._wake.wait(FLUSH_EVERY_S)
            self._wake.clear()
            self._run_jobs()
            self._write_records()
            if self._stop_at_s is not None and self._finished():
                break
        self._fail_jobs()
        self._database.close()

    def _finished(self) -> bool:
        late = self._stop_at_s is not None and time.monotonic() >= self._stop_at_s
        if late and len(self._records):
            log.error("records_lost_at_stop count=%d", len(self._records))
        return late or (not len(self._records) and not self._jobs.qsize())

    def _run_jobs(self) -> None:
        while True:
            try:
                job, future = self._jobs.get_nowait()
            except queue.Empty:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._attempt_job(job))
            except BaseException as error:  # noqa: BLE001 - the waiting caller gets it, whatever it is
                self.failures += 1
                future.set_exception(error)

    def _attempt_job(self, job: Callable[[], T]) -> T:
        try:
            return self._in_transaction(job)
        except LOST:
            # A connection that sat idle may be gone: one fresh one before the caller hears of it.
            self._database.close()
            return self._in_transaction(job)

    def _in_transaction(self, job: Callable[[], T]) -> T:
        self._database.connect(reuse_if_open=True)
        with self._database.atomic():
            return job()

    def _write_records(self) -> None:
        while batch := self._records.take(BATCH):
            if not self._write(batch) and self._stop_at_s is not None and time.monotonic() >= self._stop_at_s:
                return

    def _write(self, batch: list[CallRecord]) -> bool:
        """Write a batch, however long the database is away; False when time to stop came first."""
        while True:
            started_s = time.perf_counter()
            try:
                self._database.connect(reuse_if_open=True)
                self._calls.insert(batch)
            except LOST as error:
                if not self._outage(error):
                    self._records.dropped += len(batch)
                    return False
            except Exception:  # noqa: BLE001 - a record the database refuses must not block the rest
                self._write_one_by_one(batch)
                return True
            else:
                self.last_write_ms = (time.perf_counter() - started_s) * 1000
                self._records.written += len(batch)
                self._recovered()
                return True

    def _write_one_by_one(self, batch: list[CallRecord]) -> None:
        refused = 0
        for record in batch:
            try:
                self._calls.insert([record])
                self._records.written += 1
            except Exception:  # noqa: BLE001 - counted and dropped: nothing else can be done with it
                refused += 1
        self.failures += 1
        self._records.dropped += refused
        log.error("records_refused_by_database count=%d", refused)

    def _outage(self, error: BaseException) -> bool:
        """Wait before the next try; False when the time to stop has come."""
        self.failures += 1
        if self.healthy:
            self.healthy = False
            log.error("database_unavailable error=%s", type(error).__name__)
        try:
            self._database.close()
        except LOST:
            log.debug("closing a lost connection failed")
        self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        if self._stop_at_s is not None and time.monotonic() + self._pause_s > self._stop_at_s:
            return False
        time.sleep(self._pause_s)
        return True

    def _recovered(self) -> None:
        self._pause_s = 0.0
        if not self.healthy:
            self.healthy = True
            log.warning("database_available_again dropped=%d", self._records.dropped)

    def _fail_jobs(self) -> None:
        while True:
            try:
                _, future = self._jobs.get_nowait()
            except queue.Empty:
                return
            future.set_exception(StoreUnavailable("The store is closed."))
