"""The rows of access tokens on both databases."""

import pytest

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


def test_a_tokens_limits_come_back_and_are_changed_and_taken_off(store: Store) -> None:
    limits = {
        "requests_per_minute": 3,
        "tokens_per_day": 2**40,
        "models": ("gemini-2.5-*", "模"),
        "expires_at_ms": 9,
    }
    store.write_sync(lambda: store.tokens.add([TokenRow(secret="tok-1", alias="…", **limits)]))  # type: ignore[arg-type]
    (limited,) = store.read_sync(store.tokens.everything)

    store.write_sync(
        lambda: store.tokens.change([limited.id], models=None, expires_at_ms=None, name="x", enabled=False)
    )

    (changed,) = store.read_sync(lambda: store.tokens.named([limited.id, 99]))
    assert {name: getattr(limited, name) for name in limits} == limits
    assert (changed.models, changed.expires_at_ms, changed.requests_per_minute) == (None, None, 3)
    assert (changed.name, changed.enabled) == ("x", False)
    assert store.read_sync(lambda: store.tokens.ids_of([secret_hash("tok-1"), "no"])) == {
        secret_hash("tok-1"): limited.id
    }


def test_a_tokens_secret_is_nobodys_to_change(store: Store) -> None:
    with pytest.raises(ValueError, match="secret"):
        store.write_sync(lambda: store.tokens.change([1], secret="other"))
