"""The rows of what the pool remembers, on both databases."""

from gateway.store.config import DatabaseConfig
from gateway.store.records import PoolStateName, PoolStateRow
from gateway.store.store import Store
from tests.store.conftest import query
from tests.store.samples import key_row

BUCKET = PoolStateName("gemini", "project=7", "gemini-2.5-flash", "bucket")


def _put(store: Store, *rows: PoolStateRow) -> None:
    store.write_sync(lambda: store.pool_states.put_many(rows))


def test_the_last_state_of_a_name_is_the_one_that_is_kept(store: Store) -> None:
    _put(store, PoolStateRow(BUCKET, '{"a":1}'), PoolStateRow(BUCKET._replace(kind="limits"), "3"))
    _put(store, PoolStateRow(BUCKET, '{"a":"%s ? 🙂"}'))

    assert sorted(store.read_sync(store.pool_states.all)) == ["3", '{"a":"%s ? 🙂"}']
    assert store.read_sync(lambda: store.pool_states.all(besides="limits")) == ['{"a":"%s ? 🙂"}']
    assert store.read_sync(lambda: store.pool_states.all_of("limits")) == ["3"]
    assert store.read_sync(lambda: store.pool_states.find(BUCKET)) == '{"a":"%s ? 🙂"}'


def test_names_are_told_apart_by_case_and_beyond_a_columns_length(store: Store) -> None:
    long = "m" * 300
    names = [BUCKET._replace(model=model) for model in ("Model", "model", long + "a", long + "b")]

    _put(store, *(PoolStateRow(name, str(number)) for number, name in enumerate(names)))

    assert sorted(store.read_sync(store.pool_states.all)) == ["0", "1", "2", "3"]
    assert store.read_sync(lambda: store.pool_states.find(names[3])) == "3"
    store.write_sync(lambda: store.pool_states.remove_many([names[3], names[0]]))
    assert sorted(store.read_sync(store.pool_states.all)) == ["1", "2"]


def test_thousands_are_written_at_once(store: Store) -> None:
    _put(store, *(PoolStateRow(BUCKET._replace(owner=f"key={number}"), "x") for number in range(3000)))

    assert len(store.read_sync(store.pool_states.all)) == 3000


def test_what_was_not_written_for_long_goes(store: Store, config: DatabaseConfig) -> None:
    old, kept = BUCKET._replace(owner="key=1"), BUCKET._replace(owner="key=2", kind="key")
    _put(store, PoolStateRow(BUCKET, "new"), PoolStateRow(old, "old"), PoolStateRow(kept, "key"))
    query(config, "UPDATE pool_state SET updated_at_ms = 5 WHERE owner <> 'project=7'")

    assert store.write_sync(lambda: store.pool_states.prune(1000, kinds=("bucket", "limits"))) == 1
    assert sorted(store.read_sync(store.pool_states.all)) == ["key", "new"]


def test_a_keys_state_goes_with_the_key(store: Store) -> None:
    store.write_sync(lambda: store.keys.add([key_row("sk-1")]))
    (row,) = store.read_sync(store.keys.everything)
    here = PoolStateName("gemini", f"key={row.id}", "", "key")
    _put(store, PoolStateRow(here, "here"), PoolStateRow(here._replace(owner="key=999"), "gone"))

    assert store.write_sync(lambda: store.pool_states.prune_keys("key")) == 1
    assert store.read_sync(store.pool_states.all) == ["here"]
