"""The store: one database, one writing thread, a few reading ones.

Opened once by __main__; nothing here is called between a client's first byte and its last except
`records.put`, which only appends to a queue.
"""

import asyncio
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from gateway.errors import StoreUnavailable
from gateway.log import get_logger
from gateway.store.audit import AuditTrail
from gateway.store.call_search import CallSearch
from gateway.store.calls import Calls
from gateway.store.changes import Changes
from gateway.store.config import DatabaseConfig
from gateway.store.deleted_rows import KEYS, TOKENS, DeletedRows
from gateway.store.durations import Durations, Listener
from gateway.store.engine import check_place, make_database
from gateway.store.faults import driver_errors
from gateway.store.gemini_balance import GeminiBalance
from gateway.store.imported import Imported
from gateway.store.key_events import KeyEvents
from gateway.store.key_search import KeySearch
from gateway.store.key_use import KeyUses
from gateway.store.keys import Keys
from gateway.store.leases import Leases
from gateway.store.objects import Objects
from gateway.store.orm import peewee
from gateway.store.pool_states import PoolStates
from gateway.store.readers import Readers
from gateway.store.refusals import job_failure, refusal
from gateway.store.rekey import Rekeying
from gateway.store.responses import Responses
from gateway.store.rollup import DayOf, utc_day
from gateway.store.schema import migrate
from gateway.store.secrets import Cipher
from gateway.store.sessions import Sessions
from gateway.store.settings import Settings
from gateway.store.tables import make_tables
from gateway.store.tasks import Tasks
from gateway.store.tokens import Tokens
from gateway.store.transactions import Transactions
from gateway.store.usage import Usage
from gateway.store.writer import Writer

log = get_logger("gateway.store")

T = TypeVar("T")
READERS = 2
QUEUE_CAPACITY = 10_000
_READERS_STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What the store tells of itself.

    depth           records waiting, those being written among them
    dropped         records lost: queue full, refused by the database, or left over at the end
    failures        tries, jobs and batches that the database failed or refused
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

    Both raise StoreUnavailable, in words, when the database is away, and StoreError when it refuses a
    statement. A change is made once or not at all; only when its commit is cut off is that not known, and
    then the words say so.
    """

    def __init__(
        self,
        database: peewee.Database,
        config: DatabaseConfig,
        cipher: Cipher,
        *,
        capacity: int,
        day_of: DayOf,
    ) -> None:
        self._config = config
        tables = self._tables = make_tables(database)
        self._cipher = cipher
        self.keys = Keys(tables, cipher)
        self.tokens = Tokens(tables, cipher)
        self.settings = Settings(tables, cipher)
        self.calls = Calls(tables)
        self.call_search = CallSearch(tables)
        self.key_search = KeySearch(tables)
        self.key_uses = KeyUses(tables)
        self.key_events = KeyEvents(tables)
        self.usage = Usage(tables)
        self.deleted_keys = DeletedRows(tables, KEYS)
        self.deleted_tokens = DeletedRows(tables, TOKENS)
        self.tasks = Tasks(tables)
        self.audit = AuditTrail(tables)
        self.changes = Changes(tables)
        self.leases = Leases(tables)
        self.pool_states = PoolStates(tables)
        self.objects = Objects(tables, cipher)
        self.responses = Responses(tables, cipher)
        self.sessions = Sessions(tables)
        self.imported = Imported(tables, day_of)
        self.gemini_balance = GeminiBalance(database)
        self._durations = Durations()
        self._writer = Writer(database, config, capacity, day_of, self._durations)
        self.records = self._writer.records
        self._transactions = Transactions(database, config)
        self._readers = Readers(self._timed, self._transactions.close, READERS)
        self._closed = threading.Event()

    @classmethod
    def open(
        cls,
        config: DatabaseConfig,
        *,
        cipher: Cipher | None = None,
        capacity: int = QUEUE_CAPACITY,
        day_of: DayOf = utc_day,
    ) -> "Store":
        """Connect, bring the schema up to date, start the threads.

        day_of   the day that a key's use of an hour counts for

        Raises StoreUnavailable in words a person understands. Blocks; called before the loop runs.
        """
        check_place(config)
        try:
            migrate(config)
        except driver_errors() as error:
            raise refusal(config, error) from error
        store = cls(make_database(config), config, cipher or Cipher(), capacity=capacity, day_of=day_of)
        store._writer.start()
        store._readers.start()
        return store

    @property
    def place(self) -> str:
        """Where the data is, without secrets."""
        return self._config.place

    def rekeying(self, seals: Cipher, secret: Collection[str]) -> Rekeying:
        """What writes every stored secret anew; `secret` names the settings that are."""
        return Rekeying(self._tables, opens=self._cipher, seals=seals, secret=secret)

    def read_sync(self, query: Callable[[], T]) -> T:
        """Run a query on this thread; before the loop runs."""
        inside = self._transactions.is_inside()
        try:
            return self._worded(query)
        finally:
            if not inside:
                self._transactions.close()

    def write_sync(self, job: Callable[[], T]) -> T:
        """Run a change on the writer's thread and wait for it; before the loop runs."""
        return self._writer.submit(job).result()

    async def read(self, query: Callable[[], T]) -> T:
        """Run a query on a reading thread."""
        return await asyncio.wrap_future(self._readers.submit(query))

    async def write(self, job: Callable[[], T]) -> T:
        """Run a change on the writer's thread, in one transaction."""
        return await asyncio.wrap_future(self._writer.submit(job))

    def write_later(self, job: Callable[[], object]) -> None:
        """Run a change on the writer's thread without waiting; a failure is logged and counted."""
        self._writer.submit(job).add_done_callback(_log_failure)

    def health(self) -> StoreHealth:
        """How things stand. Cheap; any thread."""
        return StoreHealth(
            ok=self._writer.healthy,
            depth=self.records.depth,
            dropped=self.records.dropped,
            written=self.records.written,
            failures=self._writer.failures,
            last_write_ms=self._writer.last_write_ms,
        )

    def tell_durations(self, listener: Listener) -> None:
        """Have a listener hear how long queries and transactions take, on the store's threads."""
        self._durations.listener = listener

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, within the time given, and close every connection. Blocks."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._writer.stop(timeout_s)
        self._readers.stop(_READERS_STOP_S)

    def _timed(self, query: Callable[[], T]) -> T:
        """Run a query of a reading thread."""
        with self._durations.timed("read"):
            return self._worded(query)

    def _worded(self, query: Callable[[], T]) -> T:
        try:
            return self._transactions.read(query)
        except driver_errors() as error:
            raise job_failure(self._config, error) from error


def _log_failure(change: "Future[object]") -> None:
    error = change.exception()
    if error is None:
        return
    if isinstance(error, StoreUnavailable):
        log.warning("change_not_stored", reason=str(error))
    else:
        log.error("change_not_stored", exc_info=error)
