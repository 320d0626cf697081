"""The store: one database, one writing thread, a few reading ones.

Opened once by __main__; nothing here is called between a client's first byte and its last except
`records.put`, which only appends to a queue.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import peewee

from gateway.store.calls import Calls
from gateway.store.config import DatabaseConfig
from gateway.store.engine import LOST, check_place, make_database, refusal
from gateway.store.keys import Keys
from gateway.store.schema import migrate
from gateway.store.secrets import Cipher
from gateway.store.settings import Settings
from gateway.store.tables import make_tables
from gateway.store.tokens import Tokens
from gateway.store.writer import RecordQueue, Writer

T = TypeVar("T")
READERS = 2
QUEUE_CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What the store tells of itself.

    depth           records waiting
    last_write_ms   how long the last batch took
    """

    ok: bool
    depth: int
    dropped: int
    written: int
    failures: int
    last_write_ms: float


class Store:
    """The database. The repositories' methods run inside `read` and `write`:

    await store.read(store.keys.everything)
    await store.write(lambda: store.keys.add(rows))
    """

    def __init__(
        self, database: peewee.Database, config: DatabaseConfig, cipher: Cipher, capacity: int
    ) -> None:
        self._database = database
        self._config = config
        tables = make_tables(database)
        self.keys = Keys(tables, cipher)
        self.tokens = Tokens(tables, cipher)
        self.settings = Settings(tables, cipher)
        self.calls = Calls(tables)
        self.records = RecordQueue(capacity)
        self._writer = Writer(database, self.records)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = threading.Event()

    @classmethod
    def open(
        cls, config: DatabaseConfig, *, cipher: Cipher | None = None, capacity: int = QUEUE_CAPACITY
    ) -> "Store":
        """Connect, bring the schema up to date, start the threads.

        Raises StoreUnavailable in words a person understands. Blocks; called before the loop runs.
        """
        check_place(config)
        database = make_database(config)
        try:
            database.connect()
            migrate(database, config)
        except peewee.DatabaseError as error:
            raise refusal(config, error) from error
        finally:
            if not database.is_closed():
                database.close()
        store = cls(database, config, cipher or Cipher(), capacity)
        store._writer.start()
        return store

    @property
    def place(self) -> str:
        """Where the data is, without secrets."""
        return self._config.place

    def read_sync(self, query: Callable[[], T]) -> T:
        """Run a query on this thread; before the loop runs."""
        try:
            return self._read(query)
        finally:
            self._database.close()

    def write_sync(self, job: Callable[[], T]) -> T:
        """Run a change on the writer's thread and wait for it; before the loop runs."""
        return self._writer.submit(job).result()

    async def read(self, query: Callable[[], T]) -> T:
        """Run a query on a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    async def write(self, job: Callable[[], T]) -> T:
        """Run a change on the writer's thread, in one transaction."""
        return await asyncio.wrap_future(self._writer.submit(job))

    def write_later(self, job: Callable[[], object]) -> None:
        """Run a change on the writer's thread without waiting; failures are counted there."""
        self._writer.submit(job)

    def health(self) -> StoreHealth:
        return StoreHealth(
            ok=self._writer.healthy,
            depth=len(self.records),
            dropped=self.records.dropped,
            written=self.records.written,
            failures=self._writer.failures,
            last_write_ms=self._writer.last_write_ms,
        )

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, within the time given, and close every connection. Blocks."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._writer.stop(timeout_s)
        barrier = threading.Barrier(READERS)
        for _ in range(READERS):
            self._readers.submit(self._close_reader, barrier)
        self._readers.shutdown(wait=True)

    def _read(self, query: Callable[[], T]) -> T:
        self._database.connect(reuse_if_open=True)
        try:
            return query()
        except LOST:
            # A connection that sat idle may be gone: one fresh one before the caller hears of it.
            self._database.close()
            self._database.connect()
            return query()

    def _close_reader(self, barrier: threading.Barrier) -> None:
        # Each thread has its own connection; the barrier makes each take exactly one of these calls.
        try:
            barrier.wait(timeout=5.0)
        except threading.BrokenBarrierError:
            return
        self._database.close()
