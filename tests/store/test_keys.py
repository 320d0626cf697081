"""The rows of keys on both databases."""

import pytest
from cryptography.fernet import Fernet

from gateway.errors import StoreError, StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.records import KeyRow
from gateway.store.secrets import Cipher, secret_hash
from gateway.store.store import Store
from tests.store.conftest import OpenStore, query
from tests.store.samples import key_row


def _add(store: Store, *rows: KeyRow) -> int:
    return store.write_sync(lambda: store.keys.add(rows))


def _all(store: Store) -> list[KeyRow]:
    return store.read_sync(store.keys.everything)


def test_a_key_comes_back_as_it_was_added(store: Store) -> None:
    row = key_row(
        "密钥 \0 fernet:x",
        alias="密钥…",
        provider="vertex",
        origin="import",
        project="p-1",
        note="a 'note' with \\ and %s ? 🙂",
        tags=("a", "b c"),
        weight=3,
        enabled=False,
        dead_reason="key_invalid",
        dead_since_ms=5,
        created_at_ms=7,
    )

    _add(store, row)
    (found,) = _all(store)

    assert found.id > 0
    assert found.updated_at_ms > 7
    assert found == KeyRow(
        **{name: getattr(row, name) for name in KeyRow.__slots__}
        | {"id": found.id, "updated_at_ms": found.updated_at_ms}
    )


def test_keys_come_back_in_the_order_they_were_added(store: Store) -> None:
    secrets = [f"sk-{number * 7919 % 1000}" for number in range(1000)]

    _add(store, *(key_row(secret) for secret in secrets))

    assert [row.secret for row in _all(store)] == secrets


def test_adding_tells_how_many_are_new_and_leaves_the_others(store: Store) -> None:
    _add(store, key_row("sk-1", note="first"))

    added = _add(store, key_row("sk-1", note="second"), key_row("sk-2"), key_row("sk-2"))

    assert added == 1
    assert [(row.secret, row.note) for row in _all(store)] == [("sk-1", "first"), ("sk-2", "")]


def test_one_secret_may_be_a_key_of_two_providers(store: Store) -> None:
    assert _add(store, key_row("sk-1", provider="gemini"), key_row("sk-1", provider="paid")) == 2

    removed = store.write_sync(lambda: store.keys.remove([secret_hash("sk-1")]))

    assert removed == 1
    assert [row.provider for row in _all(store)] == ["paid"]
    assert store.read_sync(store.keys.origins) == []
    assert store.read_sync(lambda: store.keys.origins("paid")) == [(secret_hash("sk-1"), "admin")]


def test_secrets_that_differ_only_in_case_are_two_keys(store: Store) -> None:
    assert _add(store, key_row("sk-a"), key_row("sk-A")) == 2


def test_the_id_of_a_removed_key_is_never_given_again(store: Store) -> None:
    _add(store, key_row("sk-1"), key_row("sk-2"))
    old = {row.id for row in _all(store)}

    store.write_sync(lambda: store.keys.remove([secret_hash("sk-1"), secret_hash("sk-2")]))
    _add(store, key_row("sk-3"))

    (new,) = _all(store)
    assert new.id > max(old)


def test_keys_are_changed_by_id(store: Store) -> None:
    _add(store, key_row("sk-1"), key_row("sk-2"))
    first, second = _all(store)

    changed = store.write_sync(
        lambda: store.keys.change([first.id], dead_reason="key_leaked", dead_since_ms=9, tags=["x"])
    )

    assert changed == 1
    found = _all(store)
    assert (found[0].dead_reason, found[0].dead_since_ms, found[0].tags) == ("key_leaked", 9, ("x",))
    assert found[1] == second


def test_keys_are_read_by_id(store: Store) -> None:
    _add(store, *(key_row(f"sk-{number}") for number in range(900)))
    rows = _all(store)

    found = store.read_sync(lambda: store.keys.named([row.id for row in rows[:899]] + [10_000_000]))

    assert found == rows[:899]
    assert store.read_sync(lambda: store.keys.named([])) == []


def test_a_column_that_is_nobodys_to_change_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="secret"):
        store.write_sync(lambda: store.keys.change([1], secret="other"))


def test_a_batch_with_a_key_that_is_no_text_adds_nothing_and_says_so(store: Store) -> None:
    with pytest.raises(StoreError, match="no text"):
        _add(store, key_row("sk-1"), key_row("sk-\ud800"))

    assert _all(store) == []


def test_a_value_that_does_not_fit_is_an_error_of_the_store(
    store: Store, config: DatabaseConfig, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(StoreError if config.kind == "mysql" else OverflowError):
        _add(store, key_row("sk-1", weight=2**70))

    assert store.health().ok


def test_sealed_keys_are_found_by_their_hash_and_open_after_a_rotation(
    open_store: OpenStore, config: DatabaseConfig
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    first = open_store(cipher=Cipher([old]))
    _add(first, key_row("sk-1"))
    first.close()

    rotated = open_store(cipher=Cipher([new, old]))
    added = _add(rotated, key_row("sk-1"), key_row("sk-2"))

    assert added == 1
    assert [row.secret for row in _all(rotated)] == ["sk-1", "sk-2"]
    assert not any("sk-" in stored for (stored,) in query(config, "SELECT secret FROM api_key"))


@pytest.mark.parametrize("keys", [[], [Fernet.generate_key().decode()]])
def test_sealed_keys_without_their_key_are_an_error_in_words(open_store: OpenStore, keys: list[str]) -> None:
    first = open_store(cipher=Cipher([Fernet.generate_key().decode()]))
    _add(first, key_row("sk-1"))
    first.close()

    second = open_store(cipher=Cipher(keys))

    with pytest.raises(StoreUnavailable, match="ENCRYPTION_KEY"):
        _all(second)
