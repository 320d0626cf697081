"""The rows of objects that are bound to a key, on both databases."""

from cryptography.fernet import Fernet

from gateway.store.config import DatabaseConfig
from gateway.store.records import BoundObject, ObjectPlace
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query

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


def test_what_was_said_of_an_object_comes_back_and_is_hidden_at_rest(
    open_store: OpenStore, config: DatabaseConfig
) -> None:
    store = open_store(cipher=Cipher([Fernet.generate_key().decode()]))
    session = BoundObject("uploads/1", 7, details="https://upstream/upload?upload_id=secret")
    _put(store, session)

    assert _find(store, "uploads/1") == [session]
    assert "secret" not in repr(session)
    (stored,) = query(config, "SELECT details FROM bound_object")[0]
    assert stored.startswith("fernet:")


def test_a_collection_is_told_by_pages_the_newest_first(store: Store) -> None:
    _put(
        store,
        *(
            BoundObject(f"files/{n}", 7, token_id=n % 2, created_at_ms=n // 2, expires_at_ms=99)
            for n in range(9)
        ),
        BoundObject("filesystem/1", 7),
        BoundObject("files0", 7),
        BoundObject("files/over", 7, created_at_ms=5, expires_at_ms=9),
        BoundObject("files/ever", 7, created_at_ms=0),
    )

    def page(behind: ObjectPlace | None, token_id: int | None = None) -> list[BoundObject]:
        return store.read_sync(
            lambda: store.objects.page("files", now_ms=10, limit=4, token_id=token_id, behind=behind)
        )

    names: list[str] = []
    behind: ObjectPlace | None = None
    while rows := page(behind):
        names += [row.name for row in rows]
        behind = ObjectPlace(rows[-1].created_at_ms, rows[-1].name)

    assert names == [f"files/{n}" for n in (8, 7, 6, 5, 4, 3, 2)] + ["files/ever", "files/1", "files/0"]
    assert [row.name for row in page(None, token_id=1)] == ["files/7", "files/5", "files/3", "files/1"]


def test_expired_objects_are_found_and_counted(store: Store) -> None:
    _put(
        store,
        FILE,
        BoundObject("files/old", 7, expires_at_ms=500),
        BoundObject("batches/b", 7, expires_at_ms=1),
    )

    expired = store.read_sync(lambda: store.objects.expired("files", 2_000, 10))

    assert [row.name for row in expired] == ["files/old", "files/abc"]
    assert store.read_sync(lambda: store.objects.count("files")) == 2
