"""Rows of admin sessions, on both databases."""

from gateway.store.records import SessionRow
from gateway.store.store import Store

ROW = SessionRow("a" * 64, "b" * 64, created_at_ms=1_000, expires_at_ms=5_000)
OTHER = SessionRow("c" * 64, "d" * 64, created_at_ms=2_000, expires_at_ms=9_000)


def _find(store: Store, row: SessionRow) -> SessionRow | None:
    return store.read_sync(lambda: store.sessions.find(row.token_hash))


def test_a_session_is_found_by_the_hash_of_its_token(store: Store) -> None:
    store.write_sync(lambda: store.sessions.add(ROW))

    assert _find(store, ROW) == ROW
    assert _find(store, OTHER) is None


def test_a_session_comes_to_end_later_and_never_sooner(store: Store) -> None:
    store.write_sync(lambda: store.sessions.add(ROW))
    store.write_sync(lambda: store.sessions.extend(ROW.token_hash, 7_000))
    store.write_sync(lambda: store.sessions.extend(ROW.token_hash, 6_000))

    found = _find(store, ROW)
    assert found is not None
    assert found.expires_at_ms == 7_000


def test_ending_one_leaves_the_others(store: Store) -> None:
    store.write_sync(lambda: store.sessions.add(ROW))
    store.write_sync(lambda: store.sessions.add(OTHER))
    store.write_sync(lambda: store.sessions.remove(ROW.token_hash))

    assert (_find(store, ROW), _find(store, OTHER)) == (None, OTHER)
    assert store.write_sync(store.sessions.remove_all) == 1
    assert _find(store, OTHER) is None


def test_what_has_expired_is_forgotten(store: Store) -> None:
    store.write_sync(lambda: store.sessions.add(ROW))
    store.write_sync(lambda: store.sessions.add(OTHER))

    assert store.write_sync(lambda: store.sessions.prune(6_000)) == 1
    assert (_find(store, ROW), _find(store, OTHER)) == (None, OTHER)


def test_no_repr_tells_what_a_token_is_checked_with() -> None:
    assert ROW.mark not in repr(ROW)
