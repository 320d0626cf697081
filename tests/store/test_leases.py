"""Leases on both databases: one holder at a time, by the database's clock."""

import threading
from concurrent.futures import ThreadPoolExecutor

from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query
from tests.store.samples import until


def _take(store: Store, holder: str, ttl_ms: int = 60_000) -> bool:
    return store.write_sync(lambda: store.leases.take("jobs", holder, ttl_ms))


def test_a_lease_has_one_holder_who_may_renew_it(store: Store) -> None:
    assert _take(store, "a")
    assert _take(store, "a")
    assert not _take(store, "b")
    assert store.read_sync(lambda: store.leases.holder("jobs")) == "a"


def test_other_leases_are_other_things(store: Store) -> None:
    assert _take(store, "a")
    assert store.write_sync(lambda: store.leases.take("other", "b", 60_000))


def test_a_lease_that_has_run_out_is_anybodys(store: Store) -> None:
    assert _take(store, "a", ttl_ms=50)

    until(lambda: _take(store, "b"), within_s=5)
    assert not _take(store, "a")


def test_a_lease_given_back_is_free_and_only_its_holder_gives_it_back(store: Store) -> None:
    _take(store, "a")

    store.write_sync(lambda: store.leases.release("jobs", "b"))
    assert not _take(store, "b")
    store.write_sync(lambda: store.leases.release("jobs", "a"))
    assert _take(store, "b")


def test_how_long_it_lasts_is_told_by_the_databases_clock(store: Store, config: DatabaseConfig) -> None:
    _take(store, "a", ttl_ms=60_000)

    now_sql = "UNIX_TIMESTAMP(NOW(3))" if config.kind == "mysql" else "strftime('%s', 'now')"
    ((left_s,),) = query(config, f"SELECT until_ms / 1000.0 - {now_sql} FROM lease")

    assert 50 < float(left_s) < 61.5


def test_of_many_that_ask_at_once_one_gets_it(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(4)]
    together = threading.Barrier(len(stores))

    def ask(number: int) -> bool:
        together.wait(10)
        return _take(stores[number], f"holder-{number}")

    with ThreadPoolExecutor(len(stores)) as threads:
        granted = list(threads.map(ask, range(len(stores))))

    assert granted.count(True) == 1
