"""Objects that only one key knows: found in memory, else in the store, before a call is sent."""

import asyncio

import pytest

from gateway.control.objects import ObjectBook
from gateway.store.records import ObjectPlace
from gateway.store.store import Store
from tests.control.waiting import until
from tests.fakes.clock import FakeClock
from tests.store.conftest import OpenStore, Outage


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


async def settled(store: Store) -> None:
    await store.write(lambda: None)


async def test_an_object_is_known_at_once_here_and_soon_in_every_process(
    store: Store, open_store: OpenStore
) -> None:
    ours, theirs = ObjectBook(store), ObjectBook(open_store())

    noted = ours.remember("files/abc", 7, project="projects/1", token_id=3)
    found = ours.known("files/abc")
    await settled(store)

    assert found is not None
    assert found == noted
    assert (found.key_id, found.project, found.token_id) == (7, "projects/1", 3)
    assert theirs.known("files/abc") is None
    assert await theirs.look_up(["files/abc", "files/unknown"]) == {"files/abc": found}
    assert theirs.known("files/abc") == found


async def test_what_memory_knows_is_not_asked_of_the_store(store: Store) -> None:
    book = ObjectBook(store)
    book.remember("files/abc", 7)
    store.close()

    assert list(await book.look_up(["files/abc"])) == ["files/abc"]


async def test_a_dropped_object_is_forgotten_here_and_in_the_store(store: Store) -> None:
    book = ObjectBook(store)
    book.remember("files/abc", 7)

    book.drop("files/abc")
    await settled(store)

    assert book.known("files/abc") is None
    assert await book.look_up(["files/abc"]) == {}


async def test_memory_is_bounded_and_what_left_it_is_still_found(store: Store) -> None:
    book = ObjectBook(store, max_entries=2)
    book.remember("files/1", 1)
    book.remember("files/2", 2)
    book.known("files/1")
    book.remember("files/3", 3)
    await settled(store)

    assert len(book) == 2
    assert book.known("files/2") is None
    assert (await book.look_up(["files/2"]))["files/2"].key_id == 2


async def test_an_object_ends_a_little_after_its_time(store: Store, clock: FakeClock) -> None:
    book = ObjectBook(store, wall_s=clock)
    book.remember("files/abc", 7, expires_s=clock.now_s + 60)
    book.remember("files/def", 7)
    await settled(store)

    clock.advance(120)  # its own key answers this with the right words
    assert book.known("files/abc") is not None
    clock.advance(4_000)
    assert book.known("files/abc") is None
    assert await book.look_up(["files/abc"]) == {}
    assert await book.prune() == 1
    assert book.known("files/def") is not None
    clock.advance(50 * 3600)
    assert book.known("files/def") is None


@pytest.mark.parametrize("name", ["", "files/" + "x" * 600, "files/\ud800", "files/a\0b"])
async def test_a_name_that_cannot_be_one_is_not_asked_for_nor_kept(store: Store, name: str) -> None:
    book = ObjectBook(store)

    book.remember(name, 7)

    assert await book.look_up([name]) == {}
    assert len(book) == 0


@pytest.mark.logs_errors("the store says that the database is away")
async def test_a_call_goes_on_without_a_store_that_is_away(store: Store, outage: Outage) -> None:
    book = ObjectBook(store)
    outage.begin()
    book.remember("files/abc", 7)
    await until(lambda: not store.health().ok)

    async with asyncio.timeout(5):
        found = await book.look_up(["files/abc", "files/def"])
    outage.end()

    assert list(found) == ["files/abc"]


async def test_what_has_settled_is_found_by_every_process(store: Store, open_store: OpenStore) -> None:
    ours, theirs = ObjectBook(store), ObjectBook(open_store())

    ours.remember("uploads/1", 7, details="https://upstream/upload")
    await ours.settle()

    found = (await theirs.look_up(["uploads/1"]))["uploads/1"]
    assert found.details == "https://upstream/upload"


async def test_a_store_that_is_away_is_not_waited_for(store: Store) -> None:
    book = ObjectBook(store)
    store.close()

    book.remember("uploads/1", 7)
    await book.settle()

    assert book.known("uploads/1") is not None


async def test_a_token_s_objects_are_told_by_pages(store: Store, clock: FakeClock) -> None:
    book = ObjectBook(store, wall_s=clock)
    for number in range(5):
        clock.advance(1)
        book.remember(f"files/{number}", 7, token_id=number % 2)
    await book.settle()

    first = await book.page("files", limit=2)
    second = await book.page("files", limit=2, behind=ObjectPlace(first[-1].created_at_ms, first[-1].name))

    assert [row.name for row in first + second] == ["files/4", "files/3", "files/2", "files/1"]
    oldest = await book.page("files", limit=2, oldest_first=True)
    next_ones = await book.page(
        "files",
        limit=2,
        oldest_first=True,
        behind=ObjectPlace(oldest[-1].created_at_ms, oldest[-1].name),
    )
    assert [row.name for row in oldest + next_ones] == ["files/0", "files/1", "files/2", "files/3"]
    assert [row.name for row in await book.page("files", limit=9, token_id=1)] == ["files/3", "files/1"]
    assert await book.count("files") == 5


async def test_files_whose_time_is_over_are_found(store: Store, clock: FakeClock) -> None:
    book = ObjectBook(store, wall_s=clock)
    book.remember("files/old", 7, expires_s=clock.now_s + 10)
    book.remember("files/new", 7)
    await book.settle()
    clock.advance(4_000)

    assert [row.name for row in await book.expired("files", limit=9)] == ["files/old"]


async def test_what_an_answer_spoke_of_is_found_at_once_unless_the_store_knows_better(
    store: Store, open_store: OpenStore
) -> None:
    ours, theirs = ObjectBook(store), ObjectBook(open_store())
    theirs.remember("files/theirs", 1, token_id=1)
    await theirs.settle()

    ours.learn("files/new", 2, token_id=2)
    ours.learn("files/theirs", 2, token_id=2)

    found = await ours.look_up(["files/new", "files/theirs"])
    assert (found["files/new"].key_id, found["files/theirs"].key_id) == (2, 1)
    await ours.settle()
    assert (await theirs.look_up(["files/new"]))["files/new"].key_id == 2
    assert (await ObjectBook(store).look_up(["files/theirs"]))["files/theirs"].key_id == 1


async def test_a_shortened_object_expires_soon(store: Store, clock: FakeClock) -> None:
    book = ObjectBook(store, wall_s=clock)
    book.remember("uploads/1", 7)
    entry = book.known("uploads/1")
    assert entry is not None

    book.shorten(entry, 10)
    clock.advance(3_500)
    assert book.known("uploads/1") is not None
    clock.advance(200)

    assert book.known("uploads/1") is None
