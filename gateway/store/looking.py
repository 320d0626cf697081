"""A look at a database that changes nothing: whether it lets us in, how old its schema is, what it holds."""

from dataclasses import dataclass

from gateway.store.config import DatabaseConfig
from gateway.store.engine import check_place, make_database
from gateway.store.faults import driver_errors
from gateway.store.gemini_balance import GeminiBalance
from gateway.store.key_query import KeyQuery, KeyStanding
from gateway.store.key_search import KeySearch
from gateway.store.orm import peewee
from gateway.store.records import SettingValue
from gateway.store.refusals import refusal
from gateway.store.schema import make_runner
from gateway.store.secrets import Cipher
from gateway.store.settings import Settings
from gateway.store.tables import make_tables


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    pending    migrations that the next start will run; all of them when there is nothing yet
    newer      migrations this version does not know: a newer one has been here
    keys       by standing · tokens: how many; both empty while the schema is not up to date
    gemini_balance   its tables are there too
    """

    is_new: bool
    pending: tuple[str, ...]
    newer: tuple[str, ...]
    keys: dict[KeyStanding, int]
    tokens: int
    settings: dict[str, SettingValue]
    gemini_balance: bool = False


def look(config: DatabaseConfig, cipher: Cipher, now_ms: int) -> Seen:
    """Look at a database. Raises StoreUnavailable in words."""
    check_place(config)
    if config.path is not None and not config.path.exists():
        return Seen(is_new=True, pending=(), newer=(), keys={}, tokens=0, settings={})
    database = make_database(config)
    try:
        database.connect()
        return _look(database, cipher, now_ms)
    except driver_errors() as error:
        raise refusal(config, error) from error
    finally:
        database.close()


def _look(database: peewee.Database, cipher: Cipher, now_ms: int) -> Seen:
    runner = make_runner(database)
    applied, known = set(runner.applied()), [migration.name for migration in runner.migrations()]
    pending = tuple(name for name in known if name not in applied)
    newer = tuple(sorted(applied - set(known)))
    if pending or newer:
        return Seen(not applied, pending, newer, {}, 0, {}, GeminiBalance(database).is_there())
    tables = make_tables(database)
    return Seen(
        is_new=False,
        pending=(),
        newer=(),
        keys=KeySearch(tables).count(KeyQuery(now_ms)),
        tokens=int(tables.access_token.select().count()),
        settings=Settings(tables, cipher).all(),
    )
