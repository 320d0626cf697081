"""Finding keys: each filter, each order, page by page, on both databases."""

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, get_args

import pytest

from gateway.store.key_query import KeyQuery, KeySort, KeyStanding, Owners
from gateway.store.records import KeyRow
from gateway.store.store import Store
from tests.store.samples import attempt_record, call_record, key_row, until

NOW_MS = 1_700_000_000_000
EVERYTHING = KeyQuery(NOW_MS)


@pytest.fixture
def keys(store: Store) -> dict[str, int]:
    """Keys of every standing; names to ids."""
    rows = [
        key_row("sk-plain", alias="plain"),
        key_row("sk-noted-as-a-long-secret", alias="noted", note="from Alice's 100% account_1"),
        key_row("sk-tagged", alias="tagged", tags=["free", 'od"d']),
        key_row("sk-dead", alias="dead", dead_reason="key_leaked", tags=["free tier"]),
        key_row("sk-resting", alias="resting", project="p-1"),
        key_row("sk-rested", alias="rested"),
        key_row("sk-off", alias="off", enabled=False, dead_reason="key_invalid"),
        key_row("sk-vertex", alias="vertex", provider="vertex"),
    ]
    store.write_sync(lambda: store.keys.add(rows))
    ids = {row.alias: row.id for row in store.read_sync(store.keys.everything)}
    for alias, until_ms in (("resting", NOW_MS + 1), ("rested", NOW_MS)):
        store.write_sync(
            partial(store.keys.change, [ids[alias]], rest_reason="billing", rest_until_ms=until_ms)
        )
    store.write_sync(lambda: store.keys.change([ids["plain"]], seen_project="projects/7"))
    return ids


def _found(store: Store, keys: dict[str, int], query: KeyQuery) -> list[str]:
    names = {key_id: alias for alias, key_id in keys.items()}
    return [names[key_id] for key_id in store.read_sync(lambda: store.key_search.ids(query))]


@pytest.mark.parametrize(
    ("changes", "aliases"),
    [
        ({}, ["plain", "noted", "tagged", "dead", "resting", "rested", "off", "vertex"]),
        ({"provider": "vertex"}, ["vertex"]),
        ({"standings": ("dead",)}, ["dead"]),
        ({"standings": ("disabled",)}, ["off"]),
        ({"standings": ("resting",)}, ["resting"]),
        ({"standings": ("ready",), "provider": "gemini"}, ["plain", "noted", "tagged", "rested"]),
        ({"standings": ("dead", "resting")}, ["dead", "resting"]),
        ({"reason": "billing"}, ["resting"]),
        ({"reason": "key_leaked"}, ["dead"]),
        ({"tag": "free"}, ["tagged"]),
        ({"tag": 'od"d'}, ["tagged"]),
        ({"project": "p-1"}, ["resting"]),
        ({"project": "projects/7"}, ["plain"]),
        ({"text": "ALICE"}, ["noted"]),
        ({"text": "100%"}, ["noted"]),
        ({"text": "t_1"}, ["noted"]),
        ({"text": "e_t"}, []),
        ({"text": "free"}, ["tagged", "dead"]),
        ({"text": "projects/"}, ["plain"]),
        ({"text": "sk-noted-as-a-long-secret"}, ["noted"]),
        ({"text": "nothing' OR 1=1 --"}, []),
    ],
)
def test_each_filter_finds_its_keys(
    store: Store, keys: dict[str, int], changes: dict[str, object], aliases: list[str]
) -> None:
    assert _found(store, keys, replace(EVERYTHING, **changes)) == aliases  # type: ignore[arg-type]


def test_keys_are_found_by_whose_quota_they_use(store: Store, keys: dict[str, int]) -> None:
    some = Owners(frozenset({keys["noted"]}), frozenset({"p-1", "projects/7"}))

    assert _found(store, keys, replace(EVERYTHING, owners=some)) == ["plain", "noted", "resting"]
    assert _found(store, keys, replace(EVERYTHING, besides=some, provider="gemini")) == [
        "tagged",
        "dead",
        "rested",
        "off",
    ]
    assert _found(store, keys, replace(EVERYTHING, owners=Owners())) == []


def test_many_owners_are_no_trouble(store: Store, keys: dict[str, int]) -> None:
    many = Owners(
        frozenset(range(10**6, 10**6 + 100_000)) | {keys["dead"]},
        frozenset(f"p-{number}" for number in range(1000)),
    )

    assert _found(store, keys, replace(EVERYTHING, owners=many)) == ["dead", "resting"]


def test_standings_are_counted_under_the_other_filters(store: Store, keys: dict[str, int]) -> None:
    def count(query: KeyQuery) -> dict[KeyStanding, int]:
        return store.read_sync(lambda: store.key_search.count(query))

    assert count(EVERYTHING) == {"ready": 5, "resting": 1, "dead": 1, "disabled": 1}
    assert count(replace(EVERYTHING, text="free", standings=("dead",))) == {
        "ready": 1,
        "resting": 0,
        "dead": 1,
        "disabled": 0,
    }


def test_pages_follow_each_other_in_every_order(store: Store, keys: dict[str, int]) -> None:
    for alias, tries in (("dead", 3), ("plain", 5), ("vertex", 4)):
        attempts = tuple(
            attempt_record(
                number,
                key_id=keys[alias],
                failure_kind="rate_day" if alias == "dead" else None,
                started_at_ms=NOW_MS + keys[alias],
            )
            for number in range(1, tries + 1)
        )
        store.records.put(call_record(started_at_ms=NOW_MS, attempts=attempts))
    until(lambda: store.health().written == 3)
    today = replace(EVERYTHING, day=NOW_MS // 86_400_000, descending=True)

    assert _found(store, keys, replace(today, sort="used"))[:4] == ["plain", "vertex", "dead", "off"]
    assert _found(store, keys, replace(today, sort="failures"))[:2] == ["dead", "vertex"]
    assert _found(store, keys, replace(today, sort="last_used"))[:3] == ["vertex", "dead", "plain"]
    assert _found(store, keys, replace(today, sort="used", day=today.day + 1))[:2] == ["vertex", "off"]
    assert _found(store, keys, replace(EVERYTHING, sort="alias")) == sorted(keys)
    whole = store.read_sync(lambda: store.key_search.ids(replace(today, sort="used")))
    pages = [
        store.read_sync(partial(store.key_search.ids, replace(today, sort="used"), limit=3, offset=offset))
        for offset in (0, 3, 6)
    ]
    assert [key_id for page in pages for key_id in page] == whole


def _use(store: Store, tries: dict[int, int]) -> None:
    """Calls of today with so many attempts on each key, every second one a failure."""
    for at, (key_id, count) in enumerate(tries.items()):
        attempts = tuple(
            attempt_record(
                number,
                key_id=key_id,
                failure_kind="rate_day" if number % 2 else None,
                started_at_ms=NOW_MS + at,
            )
            for number in range(1, count + 1)
        )
        store.records.put(call_record(started_at_ms=NOW_MS, attempts=attempts))
    until(lambda: store.health().written == len(tries))


def test_every_key_is_on_one_page_in_every_order(store: Store, keys: dict[str, int]) -> None:
    gone, paid = keys["noted"], -5
    _use(store, {gone: 9, keys["vertex"]: 2, keys["plain"]: 4, paid: 6, keys["dead"]: 2, keys["tagged"]: 2})
    store.write_sync(lambda: store.deleted_keys.take([gone], "b-1", NOW_MS))
    filters: list[dict[str, Any]] = [
        {},
        {"provider": "gemini"},
        {"standings": ("ready",)},
        {"text": "d"},
        {"text": "d", "standings": ("ready", "dead")},
    ]
    search = store.key_search

    def look() -> None:
        for asked, sort, descending in product(filters, get_args(KeySort), (False, True)):
            query = KeyQuery(NOW_MS, NOW_MS // 86_400_000, sort=sort, descending=descending, **asked)
            whole = search.ids(query)
            first = search.page(query, size=2, page=1)
            pages = [search.page(query, size=2, page=page).ids for page in range(1, -(-first.total // 2) + 1)]

            assert first.total == len(whole) == len(set(whole)), query
            assert [key_id for page in pages for key_id in page] == whole, query
            assert not {gone, paid} & set(whole), query

    store.read_sync(look)


def test_a_page_beyond_the_last_is_the_last(store: Store, keys: dict[str, int]) -> None:
    found = store.read_sync(lambda: store.key_search.page(EVERYTHING, size=3, page=99))
    none = store.read_sync(lambda: store.key_search.page(replace(EVERYTHING, tag="x"), size=3, page=2))

    assert (found.page, list(found.ids)) == (3, [keys["off"], keys["vertex"]])
    assert (none.page, none.total, none.ids) == (1, 0, ())


def test_many_keys_that_match_are_counted_and_paged_by_the_database(store: Store) -> None:
    rows = [key_row(f"sk-{number}", note="many", enabled=number % 3 > 0) for number in range(4_800)]
    store.write_sync(lambda: store.keys.add(rows))
    query = KeyQuery(NOW_MS, text="many", standings=("disabled",), descending=True)

    found = store.read_sync(lambda: store.key_search.page(query, size=50, page=32))

    assert found.counts == {"ready": 3200, "resting": 0, "dead": 0, "disabled": 1600}
    assert (found.total, found.page) == (1600, 32)
    assert list(found.ids) == [1 + 3 * place for place in range(49, -1, -1)]


def test_the_use_of_a_key_that_is_gone_for_good_goes_too(store: Store, keys: dict[str, int]) -> None:
    deleted, brought_back, removed = keys["plain"], keys["noted"], keys["tagged"]
    _use(store, {deleted: 1, brought_back: 2, removed: 3})
    store.write_sync(lambda: store.deleted_keys.take([deleted], "b-1", 1000))
    store.write_sync(lambda: store.deleted_keys.take([brought_back], "b-2", 1000))

    store.write_sync(lambda: store.key_uses.prune_gone(before_ms=0))
    store.write_sync(lambda: store.deleted_keys.bring_back("b-2"))
    store.write_sync(lambda: store.deleted_keys.prune(2000))
    store.write_sync(lambda: store.keys.remove_named([removed]))

    ids = [deleted, brought_back, removed]
    assert list(store.read_sync(lambda: store.key_uses.of(ids, 0))) == [brought_back]


def test_tags_in_use_are_listed_once(store: Store, keys: dict[str, int]) -> None:
    long = [f"tag-{number:03d}" for number in range(90)]
    store.write_sync(lambda: store.keys.change([keys["plain"]], tags=long))

    assert store.read_sync(store.key_search.tags) == ["free", "free tier", 'od"d', *long]


def test_keys_are_found_by_their_hash_and_removed_by_id(store: Store, keys: dict[str, int]) -> None:
    from gateway.store.secrets import secret_hash

    hashes = [secret_hash(secret) for secret in ("sk-plain", "sk-vertex", "sk-nobody")]

    assert store.read_sync(lambda: store.keys.ids_of(hashes)) == {hashes[0]: keys["plain"]}
    assert store.write_sync(lambda: store.keys.remove_named([keys["plain"], 10**6])) == 1
    assert "plain" not in _found_aliases(store)


def _found_aliases(store: Store) -> list[str]:
    rows: list[KeyRow] = store.read_sync(store.keys.everything)
    return [row.alias for row in rows]
