"""The rows of objects that are bound to a key, on both databases."""

from gateway.store.records import BoundObject
from gateway.store.store import Store

FILE = BoundObject("files/abc", 7, "projects/1", 3, created_at_ms=5, expires_at_ms=1_000)


def _put(store: Store, *rows: BoundObject) -> None:
    store.write_sync(lambda: store.objects.put(rows))


def _find(store: Store, *names: str) -> list[BoundObject]:
    return sorted(store.read_sync(lambda: store.objects.find(names)), key=lambda row: row.name)


def test_an_object_comes_back_as_it_was_put(store: Store) -> None:
    bare = BoundObject("cachedContents/x", 8)
    _put(store, FILE, bare)

    assert _find(store, "files/abc", "cachedContents/x", "files/other") == [bare, FILE]
    assert _find(store) == []


def test_names_are_told_apart_by_case_and_may_be_long(store: Store) -> None:
    _put(store, FILE, BoundObject("files/ABC", 9), BoundObject("interactions/" + "i" * 499, 10))

    assert _find(store, "files/ABC") == [BoundObject("files/ABC", 9)]
    assert _find(store, "interactions/" + "i" * 499)[0].key_id == 10


def test_an_object_is_put_again_over_the_old_one(store: Store) -> None:
    _put(store, FILE)
    _put(store, BoundObject("files/abc", 8))

    assert _find(store, "files/abc") == [BoundObject("files/abc", 8)]


def test_what_has_expired_is_pruned_and_what_is_removed_is_gone(store: Store) -> None:
    _put(store, FILE, BoundObject("files/later", 7, expires_at_ms=2_000), BoundObject("files/ever", 7))

    assert store.write_sync(lambda: store.objects.prune(1_500)) == 1
    assert store.write_sync(lambda: store.objects.remove(["files/later", "files/abc"])) == 1
    assert [row.name for row in _find(store, "files/abc", "files/later", "files/ever")] == ["files/ever"]
