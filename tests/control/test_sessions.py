"""Who is signed in: over workers, restarts, changed tokens, and a database that is away."""

from contextlib import closing

import pytest

from gateway.control.sessions import SessionBook
from gateway.errors import StoreUnavailable
from gateway.settings.live import LiveHolder
from gateway.settings.model import LiveSettings
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.fakes.clock import FakeClock
from tests.store.conftest import OpenStore
from tests.store.wire import Wire

LIFETIME_S = 3600


def _live(token: str = "sk-admin") -> LiveHolder:
    return LiveHolder(LiveSettings(auth_token=token, admin_session_expire=LIFETIME_S))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def live() -> LiveHolder:
    return _live()


@pytest.fixture
def book(store: Store, live: LiveHolder, clock: FakeClock) -> SessionBook:
    return SessionBook(store, live, wall_s=clock, clock_s=clock)


def _rows(store: Store) -> int:
    sql = "SELECT COUNT(*) FROM session"
    ((count,),) = store.read_sync(lambda: store.sessions._table._meta.database.execute_sql(sql).fetchall())
    return int(count)


async def test_a_session_lasts_as_long_as_it_is_used(
    book: SessionBook, store: Store, clock: FakeClock
) -> None:
    token = await book.begin()
    for _ in range(5):
        clock.advance(LIFETIME_S * 0.8)
        assert await book.find(token) is not None
        await store.write(lambda: None)  # behind the write that made it longer
    clock.advance(LIFETIME_S + 1)

    assert await book.find(token) is None


async def test_the_cookie_is_renewed_only_when_part_of_the_life_is_over(
    book: SessionBook, clock: FakeClock
) -> None:
    token = await book.begin()
    clock.advance(LIFETIME_S * 0.05)
    young = await book.find(token)
    clock.advance(LIFETIME_S * 0.1)
    older = await book.find(token)

    assert young is not None
    assert older is not None
    assert (young.lifetime_s, older.lifetime_s) == (None, LIFETIME_S)


async def test_a_new_token_of_the_administrator_ends_all_sessions(
    book: SessionBook, live: LiveHolder
) -> None:
    token = await book.begin()
    live.swap(live.current.model_copy(update={"auth_token": "sk-another"}))

    assert await book.find(token) is None
    assert book.is_right("sk-another")
    assert not book.is_right("sk-admin")


async def test_another_worker_knows_a_session_and_soon_its_end(
    store: Store, live: LiveHolder, clock: FakeClock
) -> None:
    here = SessionBook(store, live, wall_s=clock, clock_s=clock)
    there = SessionBook(store, live, wall_s=clock, clock_s=clock)
    token = await here.begin()
    assert await there.find(token) is not None
    await here.end(token)

    assert await here.find(token) is None
    clock.advance(2.1)
    assert await there.find(token) is None


async def test_ending_all_ends_all(book: SessionBook, clock: FakeClock) -> None:
    tokens = [await book.begin() for _ in range(3)]

    assert await book.end_all() == 3
    assert [await book.find(token) for token in tokens] == [None, None, None]


async def test_what_expired_leaves_the_database_with_the_next_sign_in(
    book: SessionBook, store: Store, clock: FakeClock
) -> None:
    await book.begin()
    clock.advance(LIFETIME_S + 1)
    await book.begin()

    assert _rows(store) == 1


async def test_the_database_knows_neither_the_session_nor_the_token(book: SessionBook, store: Store) -> None:
    token = await book.begin()
    database = store.sessions._table._meta.database
    (row,) = store.read_sync(lambda: database.execute_sql("SELECT * FROM session").fetchall())

    assert token not in str(row)
    assert "sk-admin" not in str(row)


async def test_while_the_database_is_away_a_session_seen_lately_is_believed(
    wired: DatabaseConfig, wire: Wire, clock: FakeClock
) -> None:
    with closing(Store.open(wired)) as store:
        book = SessionBook(store, _live(), wall_s=clock, clock_s=clock)
        token = await book.begin()
        clock.advance(60)
        wire.refuse()

        assert await book.find(token) is not None
        clock.advance(600)
        with pytest.raises(StoreUnavailable):
            await book.find(token)


async def test_no_token_is_no_session(book: SessionBook) -> None:
    assert await book.find("") is None
    assert await book.find("made up") is None


@pytest.mark.parametrize("secret", ["", "sk-admin ", "SK-ADMIN", "\ud800"])
def test_only_the_token_itself_is_right(store: Store, secret: str) -> None:
    assert not SessionBook(store, _live()).is_right(secret)
    assert not SessionBook(store, _live("")).is_right(secret)


async def test_what_a_page_does_by_itself_makes_no_session_longer(
    book: SessionBook, store: Store, clock: FakeClock
) -> None:
    token = await book.begin()
    for _ in range(3):
        clock.advance(LIFETIME_S * 0.4)
        await book.find(token, extend=False)
        await store.write(lambda: None)

    assert await book.find(token) is None
