"""The one thread that writes: jobs as they come, call records in batches, through every outage.

Jobs fail in words while the database is away; records wait within their bound. Nothing ends the thread but
`stop`, and nothing it waits for keeps it from hearing that.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from gateway.errors import StoreUnavailable
from gateway.log import get_logger
from gateway.store.call_writer import CallWriter
from gateway.store.config import DatabaseConfig
from gateway.store.durations import Durations
from gateway.store.faults import CommitUncertain, driver_errors
from gateway.store.orm import peewee
from gateway.store.outage import Outage
from gateway.store.record_queue import RecordQueue
from gateway.store.record_writer import RecordWriter
from gateway.store.refusals import job_failure, refusal
from gateway.store.rollup import DayOf
from gateway.store.transactions import Transactions

log = get_logger("gateway.store")

T = TypeVar("T")
FLUSH_EVERY_S = 0.5
"""How long records gather: a transaction itself costs some 40 µs a call when there are 100 a second."""
_CLOSED = "The store is closed."
_GRACE_S = 1.0
"""How long past its time the thread may take for a statement that is under way."""


class Writer:
    """Owns the writing connection, and the records that wait for it."""

    def __init__(
        self,
        database: peewee.Database,
        config: DatabaseConfig,
        capacity: int,
        day_of: DayOf,
        durations: Durations,
    ) -> None:
        self._config = config
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._stop_at_s = 0.0
        self._ended = False
        self.records = RecordQueue(capacity, self._wake)
        self._transactions = Transactions(database, config)
        calls = CallWriter(database, day_of)
        self._durations = durations
        self._batches = RecordWriter(self.records, calls, self._transactions, self._stopping, durations)
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._outage = Outage()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    @property
    def healthy(self) -> bool:
        """False during an outage."""
        return self._outage.words is None

    @property
    def failures(self) -> int:
        """Tries, jobs and batches that the database failed or refused."""
        return self._failures + self._batches.refusals

    @property
    def last_write_ms(self) -> float:
        """How long the last batch took."""
        return self._batches.last_write_ms

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        """Run a job on the writer's thread, in one transaction.

        The future fails with StoreUnavailable at once while the database is away, and with StoreError when
        the database refuses what the job does; what the job itself raises comes out as it is.
        """
        future: Future[T] = Future()
        away = _CLOSED if self._stopping.is_set() else self._outage.words
        if away is not None:
            future.set_exception(StoreUnavailable(away))
            return future
        self._jobs.put((job, future))
        self._wake.set()
        if self._ended:
            self._fail_jobs(_CLOSED)
        return future

    def stop(self, timeout_s: float) -> None:
        """Write what waits, within the time given, and end the thread."""
        self._stop_at_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout_s + _GRACE_S)
        if self._thread.is_alive():
            log.error("writer_does_not_end", waiting_records=self.records.depth)
            self._ended = True
            self._fail_jobs(_CLOSED)

    def _run(self) -> None:
        try:
            while not self._is_done():
                self._rest()
                self._run_jobs()
                self._write_records()
        finally:
            self._ended = True
            self._fail_jobs(_CLOSED)
            self._transactions.close()

    def _rest(self) -> None:
        """Sleep until there is something to do, and a little longer for records to gather.

        Idle, the thread does not wake at all.
        """
        wake = self._wake
        wake.clear()
        if not self._outage_is_waited_out() or not self._jobs.empty() or self._stopping.is_set():
            return
        if self.records.sleep_until_put():
            wake.wait()
            wake.clear()
        if self._jobs.empty() and not self._stopping.is_set():
            wake.wait(FLUSH_EVERY_S)

    def _outage_is_waited_out(self) -> bool:
        """Wait before the next try; True when there is no outage at all."""
        if self._outage.words is None:
            return True
        pause_s = self._outage.pause_s
        if self._stopping.is_set():
            pause_s = min(pause_s, max(self._stop_at_s - time.monotonic(), 0.0))
        self._wake.wait(pause_s)
        return False

    def _run_jobs(self) -> None:
        while self._outage.words is None:
            try:
                job, future = self._jobs.get_nowait()
            except queue.Empty:
                return
            if future.set_running_or_notify_cancel():
                with self._durations.timed("write"):
                    self._run_job(job, future)
            del job, future
        self._fail_jobs(self._outage.words)

    def _run_job(self, job: Callable[[], Any], future: "Future[Any]") -> None:
        try:
            self._transactions.begin(self._stopping)
        except driver_errors() as error:
            reason = self._is_away(error)
            future.set_exception(reason)
            return
        try:
            result = job()
            self._transactions.commit()
        except BaseException as error:  # noqa: BLE001 - the waiting caller gets it, whatever it is
            self._transactions.abandon()
            self._failures += 1
            is_the_databases = isinstance(error, (CommitUncertain, *driver_errors()))
            failure = job_failure(self._config, error) if is_the_databases else error
            failure.__cause__ = error if failure is not error else error.__cause__
            future.set_exception(failure)
        else:
            future.set_result(result)

    def _write_records(self) -> None:
        try:
            if self.records.depth:
                self._batches.flush(self._is_in_time)
            elif self._outage.words is not None:
                self._transactions.begin(self._stopping)
                self._transactions.abandon()
        except driver_errors() as error:
            self._is_away(error)
        except Exception as error:  # a mistake of ours must not end the thread
            log.exception("writing_records_failed")
            self._is_away(error)
        else:
            if self._is_in_time():
                self._outage.over(dropped=self.records.dropped)

    def _is_away(self, error: BaseException) -> StoreUnavailable:
        """Note that the database does not serve us; jobs fail from now on until it does again."""
        self._failures += 1
        self._transactions.close()
        reason = refusal(self._config, error)
        self._outage.failed(reason)
        return reason

    def _is_in_time(self) -> bool:
        return not self._stopping.is_set() or time.monotonic() < self._stop_at_s

    def _is_done(self) -> bool:
        if not self._stopping.is_set() or not self._jobs.empty():
            return False
        if self.records.depth and not self._is_in_time():
            log.error("records_lost_at_stop", count=self.records.drop_all())
        return not self.records.depth

    def _fail_jobs(self, words: str) -> None:
        while True:
            try:
                _, future = self._jobs.get_nowait()
            except queue.Empty:
                return
            if future.set_running_or_notify_cancel():
                future.set_exception(StoreUnavailable(words))
