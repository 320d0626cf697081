"""Batches of call records into the database, so that each is written once and none blocks the others.

A batch is taken when a transaction has begun and given back when the database goes away. One that is refused
is halved until the record at fault stands alone; one that the tables have no place for is given up whole, for
it would be refused for ever. Used by the writer's thread only.
"""

import threading
import time
from collections.abc import Callable

from gateway.log import get_logger
from gateway.store.call_writer import CallWriter, Numbered
from gateway.store.durations import Durations
from gateway.store.faults import CommitUncertain, Fault, driver_error, fault_of
from gateway.store.record_queue import RecordQueue
from gateway.store.records import CallRecord
from gateway.store.transactions import Transactions

log = get_logger("gateway.store")
BATCH = 2_000
"""Calls to a transaction. The sums of a key are written once in each: with a thousand keys they take two
fifths of the work of 500 calls, and less than a third of that of 2,000, which are written in some 50 ms."""
_TRIES = 2


class RecordWriter:
    """Empties the record queue.

    refusals        batches that held a record the database would not take
    last_write_ms   how long the last batch took
    """

    def __init__(
        self,
        records: RecordQueue,
        calls: CallWriter,
        transactions: Transactions,
        stopping: threading.Event,
        durations: Durations,
    ) -> None:
        self._records = records
        self._calls = calls
        self._transactions = transactions
        self._stopping = stopping
        self._durations = durations
        self._doubtful: Numbered | None = None
        self._unfit: str | None = None  # what the tables lack, since no record finds its place in them
        self.refusals = 0
        self.last_write_ms = 0.0

    def flush(self, in_time: Callable[[], bool]) -> None:
        """Write what waits, while there is time.

        Raises what the driver raised when the database is away; the records wait on.
        """
        while self._records.depth and in_time():
            started_s = time.perf_counter()
            self._transactions.begin(self._stopping)
            if self._doubtful is not None:
                self._settle_doubt(self._doubtful)
                continue
            try:
                with self._durations.timed("write"):
                    self._write(self._records.take(BATCH))
            except CommitUncertain:
                continue
            self.last_write_ms = (time.perf_counter() - started_s) * 1000

    def _settle_doubt(self, batch: Numbered) -> None:
        """A batch whose commit was cut off is in the database whole or not at all: look."""
        try:
            arrived = self._calls.is_there(batch)
        finally:
            self._transactions.abandon()
        self._doubtful = None
        if arrived:
            self._records.settle(written=len(batch))
        else:
            self._records.give_back([call for _, call in batch])

    def _write(self, batch: list[CallRecord]) -> None:
        """Write a batch in the transaction that is open, and in further ones if it must be halved."""
        parts = [batch]  # the next one is the last
        refused = 0
        told = self._unfit
        try:
            while parts:
                part = parts[-1]
                if self._is_taken(part):
                    self._records.settle(written=len(part))
                    parts.pop()
                elif len(part) == 1 or self._unfit is not None:
                    self._records.settle(refused=len(part))
                    refused += len(part)
                    parts.pop()
                else:
                    half = len(part) // 2
                    parts[-1:] = [part[half:], part[:half]]
        except BaseException:
            if self._doubtful is not None:
                parts.pop()
            self._records.give_back([call for part in reversed(parts) for call in part])
            raise
        finally:
            if refused:
                self.refusals += 1
                if self._unfit is None:
                    log.error("records_refused_by_database", count=refused)
                elif self._unfit != told:  # said once, not for every batch until the restart that mends it
                    log.error("records_do_not_fit_the_tables", count=refused, reason=self._unfit)

    def _is_taken(self, part: list[CallRecord]) -> bool:
        """Write a part in a transaction of its own; False when the database refuses what is in it.

        A part that twice breaks a connection on which a transaction had just begun is at fault itself: a
        server hangs up on a statement that is too long for it.
        """
        for tries_left in range(_TRIES - 1, -1, -1):
            if not self._transactions.is_inside():
                self._transactions.begin(self._stopping)
            numbered = self._calls.number(part)
            try:
                self._calls.insert(numbered)
                self._transactions.commit()
            except CommitUncertain:
                self._doubtful = numbered
                raise
            except Exception as error:
                fault = fault_of(error)
                self._transactions.abandon()
                if fault is Fault.AWAY or (fault is Fault.LOCKED and not tries_left):
                    raise
                self._unfit = str(driver_error(error).args[-1]) if fault is Fault.UNFIT else None
                if fault in (Fault.REFUSED, Fault.UNFIT):
                    return False
            else:
                self._unfit = None
                return True
        return False
