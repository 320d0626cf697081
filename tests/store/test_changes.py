"""The rows of changes on both databases."""

import pymysql

from gateway.store.config import DatabaseConfig
from gateway.store.records import ChangeRow
from gateway.store.store import Store
from tests.store.conftest import query


def _add(store: Store, origin: str, *told: tuple[str, str]) -> None:
    store.write_sync(lambda: store.changes.add(origin, told))


def _after(store: Store, change_id: int, limit: int = 100) -> list[ChangeRow]:
    return store.read_sync(lambda: store.changes.after(change_id, limit))


def test_changes_come_back_in_their_order_behind_an_id(store: Store) -> None:
    _add(store, "a", ("keys", "1 % ? 密"), ("pool", "2"))
    _add(store, "b", ("keys", "3"))

    rows = _after(store, 0)

    assert [(row.origin, row.topic, row.payload) for row in rows] == [
        ("a", "keys", "1 % ? 密"),
        ("a", "pool", "2"),
        ("b", "keys", "3"),
    ]
    assert [row.payload for row in _after(store, rows[0].id, limit=1)] == ["2"]
    assert store.read_sync(store.changes.last_id) == rows[-1].id
    assert store.read_sync(lambda: store.changes.named([rows[2].id, 999])) == [rows[2]]


def test_an_empty_table_has_no_last_change(store: Store) -> None:
    assert store.read_sync(store.changes.last_id) == 0
    assert store.write_sync(lambda: store.changes.prune(0)) == 0


def test_the_age_of_a_change_is_told_by_the_databases_clock(store: Store, config: DatabaseConfig) -> None:
    _add(store, "a", ("keys", "1"))

    now_sql = "UNIX_TIMESTAMP(NOW(3))" if config.kind == "mysql" else "strftime('%s', 'now')"
    ((age_s,),) = query(config, f"SELECT {now_sql} - at_ms / 1000.0 FROM `change`")

    assert -1.5 < float(age_s) < 10


def test_pruning_takes_the_old_and_leaves_the_new_and_always_the_last(
    store: Store, config: DatabaseConfig
) -> None:
    _add(store, "a", *(("keys", str(number)) for number in range(5)))
    first_id = _after(store, 0)[0].id
    query(config, "UPDATE `change` SET at_ms = at_ms - 60000 WHERE id <> ?", first_id + 3)

    assert store.write_sync(lambda: store.changes.prune(30_000, limit=2)) == 2
    assert store.write_sync(lambda: store.changes.prune(30_000)) == 1
    assert store.write_sync(lambda: store.changes.prune(30_000)) == 0

    assert [row.payload for row in _after(store, 0)] == ["3", "4"]


def test_an_id_is_never_given_again(store: Store) -> None:
    _add(store, "a", ("keys", "1"), ("keys", "2"))
    last_id = store.read_sync(store.changes.last_id)

    store.write_sync(lambda: store.changes.prune(-60_000))
    _add(store, "a", ("keys", "3"))

    assert store.read_sync(store.changes.last_id) > last_id


def test_on_mysql_a_change_may_appear_below_one_that_was_seen(mysql: DatabaseConfig) -> None:
    """What the look-back of the bus is for."""
    store = Store.open(mysql)
    slow = pymysql.connect(
        host=mysql.host, port=mysql.port, user=mysql.user, database=mysql.database, autocommit=False
    )
    try:
        with slow.cursor() as cursor:
            cursor.execute(
                "INSERT INTO `change` (at_ms, origin, topic, payload) VALUES (0, 'slow', 'keys', 'late')"
            )
        _add(store, "b", ("keys", "soon"))
        assert [row.payload for row in _after(store, 0)] == ["soon"]
        slow.commit()
        assert [row.payload for row in _after(store, 0)] == ["late", "soon"]
    finally:
        slow.close()
        store.close()
