"""Transactions of one thread: begun on a connection that lives, ended in a way that is known.

What was found dead before it began is begun once more on a fresh connection; nothing else is ever repeated
here. Peewee keeps one connection a thread, so one object serves them all.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gateway.store.config import DatabaseConfig
from gateway.store.faults import CommitUncertain, Fault, driver_errors, fault_of
from gateway.store.orm import peewee

T = TypeVar("T")
_LOCK_TURN_S = 0.2
"""SQLite waits for a lock inside C and cannot be interrupted, so the writer waits in short turns."""
# To undo a statement that fails, SQLite notes the pages it changes, and from 64 KiB on in a file: fifty calls
# with their indexes had it write three times as much as the log did. A statement's pages fit into memory.
_WRITES = (f"busy_timeout = {round(_LOCK_TURN_S * 1000)}", "temp_store = MEMORY")
_READS = ("query_only = 1",)


class Transactions:
    """Begins and ends transactions. Its methods raise the driver's errors (`faults.driver_errors`)."""

    def __init__(self, database: peewee.Database, config: DatabaseConfig) -> None:
        self._database = database
        self._lock_s = config.lock_s
        self._is_sqlite = config.kind == "sqlite"

    def begin(self, stopping: threading.Event) -> None:
        """Open a transaction that writes. A lock is waited for until `stopping`, and not for ever."""
        fresh = self._connect(writes=True)
        patience_ends_s = time.monotonic() + self._lock_s
        while True:
            try:
                self._database.transaction().__enter__()
            except driver_errors() as error:
                fault = fault_of(error)
                if fault is Fault.LOCKED:
                    if time.monotonic() >= patience_ends_s or stopping.wait(0.01):
                        raise
                    continue
                self.close()
                if fault is not Fault.LOST or fresh:
                    raise
                fresh = self._connect(writes=True)
            else:
                return

    def commit(self) -> None:
        """Make it hold. Raises CommitUncertain when the connection broke meanwhile."""
        self._database.pop_transaction()
        try:
            self._database.commit()
        except driver_errors() as error:
            self.close()
            if fault_of(error) in (Fault.LOST, Fault.AWAY):
                raise CommitUncertain from error
            raise

    def abandon(self) -> None:
        """Undo what was begun; a connection that cannot even do that is closed."""
        self._forget()
        try:
            self._database.rollback()
        except driver_errors():
            self.close()

    def read(self, query: Callable[[], T]) -> T:
        """Run a query that sees the database at one moment and cannot change it."""
        if self._database.in_transaction():
            return query()  # inside a change: it sees what that has done so far
        fresh = self._connect(writes=False)
        try:
            self._begin_reading()
        except driver_errors() as error:
            self.close()
            if fresh or fault_of(error) is not Fault.LOST:
                raise
            self._connect(writes=False)
            self._begin_reading()
        try:
            return query()
        finally:
            self.abandon()

    def close(self) -> None:
        """Close this thread's connection, whatever its state."""
        self._forget()
        with contextlib.suppress(*driver_errors()):  # it may be gone already; peewee forgets it all the same
            self._database.close()

    def is_inside(self) -> bool:
        """Whether this thread is inside a change."""
        return bool(self._database.in_transaction())

    def _connect(self, *, writes: bool) -> bool:
        """Connect unless connected; True for a new connection."""
        fresh = self._database.connect(reuse_if_open=True)
        if fresh and self._is_sqlite:
            for pragma in _WRITES if writes else _READS:
                self._database.execute_sql(f"PRAGMA {pragma}")
        return bool(fresh)

    def _begin_reading(self) -> None:
        if self._is_sqlite:
            self._database.execute_sql("BEGIN")
            return
        self._database.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._database.execute_sql("START TRANSACTION READ ONLY")

    def _forget(self) -> None:
        while self._database.in_transaction():
            self._database.pop_transaction()
