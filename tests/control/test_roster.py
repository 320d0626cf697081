"""From rows to the pool and to the token book."""

from pathlib import Path

from gateway.building import open_store
from gateway.control.limiter import Limiter
from gateway.control.roster import key_spec, load_keys, load_tokens
from gateway.control.tokens import TokenBook
from gateway.pool.key import KeyState
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.settings.sources import read_sources
from gateway.store.records import KeyRow, TokenRow
from gateway.store.store import Store


def opened(folder: Path) -> Store:
    return open_store(read_sources({"DATA_DIR": str(folder), "AUTH_TOKEN": "sk-admin"})).store


def test_every_stored_key_is_in_the_pool_in_its_state(tmp_path: Path) -> None:
    store = opened(tmp_path)
    rows = [
        KeyRow("secret-1", "one"),
        KeyRow("secret-2", "two", enabled=False),
        KeyRow("secret-3", "three", dead_reason="key_leaked", dead_since_ms=1_000),
    ]
    pool = Pool(PoolLimits(), lambda: 0.5)
    try:
        store.write_sync(lambda: store.keys.add(rows))
        loaded = load_keys(store, pool)
    finally:
        store.close()

    assert [row.secret for row in loaded] == ["secret-1", "secret-2", "secret-3"]
    counts = pool.counts(now_s=2.0).keys
    assert counts[KeyState.ACTIVE] == 1
    assert counts[KeyState.DISABLED] == 1
    assert counts[KeyState.DEAD] == 1


def test_times_of_rows_are_milliseconds_and_those_of_the_pool_seconds() -> None:
    spec = key_spec(KeyRow("secret", "alias", id=7, dead_reason="key_leaked", dead_since_ms=1_500))

    assert (spec.id, spec.secret, spec.dead_since_s) == (7, "secret", 1.5)
    assert "secret" not in repr(spec).replace("secret=", "")


def test_only_tokens_that_are_enabled_are_admitted(tmp_path: Path) -> None:
    store, book = opened(tmp_path), TokenBook()
    rows = [TokenRow("sk-alice", "s…e", name="Alice"), TokenRow("sk-bob", "s…b", enabled=False)]
    try:
        store.write_sync(lambda: store.tokens.add(rows))
        limiter = Limiter(store, zone=lambda: "UTC", publish=lambda _: None)
        loaded = load_tokens(store, book, limiter, admin_secret="sk-admin")
    finally:
        store.close()

    alice = book.admit("sk-alice")
    assert len(loaded) == 2
    assert alice is not None
    assert alice.name == "Alice"
    assert book.admit("sk-bob") is None
    assert book.admit("sk-admin") is not None
