"""The rows of kept responses, on both databases."""

import pytest
from cryptography.fernet import Fernet

from gateway.errors import StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.records import KeptResponse, ResponseLink
from gateway.store.responses import ID_CHARS
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query

BODY = '{"said":"%s ? 🙂"}'.encode()


def _row(
    name: str, previous: str | None = None, *, body: bytes = BODY, token_id: int | None = 3, at_ms: int = 5
) -> KeptResponse:
    return KeptResponse(ResponseLink(name, previous, token_id, at_ms, len(body)), body)


def _put(store: Store, *rows: KeptResponse) -> None:
    store.write_sync(lambda: store.responses.put(rows))


def _bodies(store: Store, *ids: str) -> dict[str, bytes]:
    return store.read_sync(lambda: dict(store.responses.bodies(ids)))


def test_a_response_comes_back_as_it_was_put(store: Store) -> None:
    of_admin = _row("resp_" + "x" * (ID_CHARS - 5), "resp_a", body=b"", token_id=None)
    _put(store, _row("resp_a"), of_admin)

    links = store.read_sync(lambda: store.responses.links(["resp_a", of_admin.link.id, "resp_none"]))

    assert sorted(links) == [_row("resp_a").link, of_admin.link]
    assert _bodies(store, "resp_a", of_admin.link.id, "resp_A") == {"resp_a": BODY, of_admin.link.id: b""}
    assert "said" not in repr(_row("resp_a"))


def test_many_are_asked_for_at_once(store: Store) -> None:
    ids = [f"resp_{n}" for n in range(50)]
    _put(store, *(_row(each, body=each.encode()) for each in ids))

    assert len(store.read_sync(lambda: store.responses.links(ids))) == 50
    assert _bodies(store, *ids) == {each: each.encode() for each in ids}


def test_one_that_is_there_is_not_written_over(store: Store) -> None:
    _put(store, _row("resp_a"))
    _put(store, _row("resp_a", body=b"another's", token_id=4), _row("resp_b"))

    assert _bodies(store, "resp_a") == {"resp_a": BODY}
    assert len(_bodies(store, "resp_b")) == 1


def test_a_body_may_be_as_long_as_a_picture(store: Store, config: DatabaseConfig) -> None:
    body = bytes(range(256)) * 16 * 1024 + Fernet.generate_key() * 40_000
    _put(store, _row("resp_a", body=body))

    assert _bodies(store, "resp_a") == {"resp_a": body}


def test_text_is_compressed_and_its_size_told(store: Store, config: DatabaseConfig) -> None:
    _put(store, _row("resp_a", body=b"the same again and again, " * 1000), _row("resp_b"))

    stored = query(config, "SELECT packed_bytes, LENGTH(body) FROM kept_response")

    assert all(told == there for told, there in stored)
    assert store.read_sync(store.responses.total_bytes) == sum(told for told, _ in stored) < 1000


def test_a_body_is_hidden_at_rest(open_store: OpenStore, config: DatabaseConfig) -> None:
    key = Fernet.generate_key().decode()
    store = open_store(cipher=Cipher([key]))
    _put(store, _row("resp_a"))

    ((stored,),) = query(config, "SELECT body FROM kept_response")

    assert stored.startswith("fernet:")
    assert _bodies(store, "resp_a") == {"resp_a": BODY}
    with pytest.raises(StoreUnavailable, match="ENCRYPTION_KEY"):
        _bodies(open_store(), "resp_a")


def test_a_chain_leads_to_the_first_to_a_gap_or_to_the_bound(store: Store) -> None:
    _put(
        store,
        _row("resp_1"),
        _row("resp_2", "resp_1"),
        _row("resp_3", "resp_2"),
        _row("resp_branch", "resp_1"),
        _row("resp_lost", "resp_gone"),
        _row("resp_ring", "resp_ring"),
    )

    def chain(name: str, most: int = 10) -> list[str]:
        return [link.id for link in store.read_sync(lambda: store.responses.chain(name, most))]

    assert chain("resp_3") == ["resp_3", "resp_2", "resp_1"]
    assert chain("resp_3", 2) == ["resp_3", "resp_2"]
    assert chain("resp_branch") == ["resp_branch", "resp_1"]
    assert chain("resp_lost") == ["resp_lost"]
    assert chain("resp_ring", 3) == ["resp_ring"] * 3
    assert chain("resp_none") == []


def test_the_oldest_are_told_in_their_order_and_removed(store: Store) -> None:
    _put(store, *(_row(f"resp_{n}", at_ms=100 - n) for n in range(5)))

    def oldest(most: int, before_ms: int | None = None) -> list[str]:
        return [
            each for each, _ in store.read_sync(lambda: store.responses.oldest(most, before_ms=before_ms))
        ]

    assert oldest(2) == ["resp_4", "resp_3"]
    assert oldest(10, 98) == ["resp_4", "resp_3"]
    assert store.write_sync(lambda: store.responses.remove(["resp_4", "resp_none"])) == 1
    assert store.write_sync(lambda: store.responses.remove([])) == 0
    assert oldest(2) == ["resp_3", "resp_2"]


def test_nothing_kept_takes_nothing(store: Store) -> None:
    assert store.read_sync(store.responses.total_bytes) == 0
    assert store.read_sync(lambda: store.responses.oldest(5)) == []
