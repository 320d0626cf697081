"""The rows of access tokens on both databases."""

from gateway.store.records import TokenRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store


def test_tokens_come_back_in_order_and_duplicates_are_passed_over(store: Store) -> None:
    rows = [TokenRow(secret=secret, alias="…", name=secret.upper()) for secret in ("tok-b", "tok-a", "tok-b")]

    added = store.write_sync(lambda: store.tokens.add(rows))
    found = store.read_sync(store.tokens.everything)

    assert added == 2
    assert [(row.secret, row.name, row.enabled) for row in found] == [
        ("tok-b", "TOK-B", True),
        ("tok-a", "TOK-A", True),
    ]


def test_tokens_are_removed_by_their_hash_and_their_ids_stay_theirs(store: Store) -> None:
    store.write_sync(lambda: store.tokens.add([TokenRow(secret="tok-1", alias="…")]))
    (first,) = store.read_sync(store.tokens.everything)

    removed = store.write_sync(lambda: store.tokens.remove([secret_hash("tok-1"), secret_hash("tok-2")]))
    store.write_sync(lambda: store.tokens.add([TokenRow(secret="tok-1", alias="…", origin="environment")]))

    assert removed == 1
    assert store.read_sync(store.tokens.origins) == [(secret_hash("tok-1"), "environment")]
    assert store.read_sync(store.tokens.everything)[0].id > first.id
