"""Limits of access tokens: the words and statuses, days of the time zone, sums of all processes."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.control.limiter import Limiter, day_of
from gateway.control.token_limits import TokenLimits
from gateway.control.tokens import Token
from gateway.store.store import Store
from tests.control.waiting import until
from tests.store.conftest import OpenStore
from tests.store.samples import call_record

NOON_S = 1_700_006_400.0
SHANGHAI = "Asia/Shanghai"


class Clock:
    """A wall clock that a test sets."""

    def __init__(self, now_s: float = NOON_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


def limiter(store: Store, clock: Clock, told: list[str] | None = None, **limits: object) -> Limiter:
    """A limiter that knows token 7."""
    made = Limiter(
        store,
        zone=lambda: SHANGHAI,
        publish=lambda texts: (told if told is not None else []).extend(texts),
        wall_s=clock,
    )
    made.keep([(7, TokenLimits(**limits))])  # type: ignore[arg-type]  # a test names what it limits
    return made


def token(**limits: object) -> Token:
    return Token(7, "alice", limits=TokenLimits(**limits))  # type: ignore[arg-type]


def test_a_token_without_limits_passes(store: Store) -> None:
    made = limiter(store, Clock())

    assert made.admit(Token(7, "alice")) is None
    assert made.admit(token(models=("gemini-3-pro",))) is None


def test_an_expired_token_opens_nothing(store: Store) -> None:
    clock = Clock()
    made = limiter(store, clock)

    assert made.admit(token(expires_s=NOON_S + 1)) is None
    clock.now_s += 1
    problem = made.admit(token(expires_s=NOON_S + 1))

    assert problem is not None
    assert (problem.status, problem.kind) == (401, "invalid_api_key")


def test_the_requests_of_a_minute_end_in_429_with_the_seconds_to_wait(store: Store) -> None:
    clock = Clock(NOON_S - NOON_S % 60 + 15)
    made = limiter(store, clock, requests_per_minute=1)
    alice = token(requests_per_minute=1)

    first, second = made.admit(alice), made.admit(alice)

    assert first is None
    assert second is not None
    assert (second.status, second.retry_after_s) == (429, 45)
    assert "1 requests a minute" in second.message
    assert made.used(7) == (1, 0)


def test_the_tokens_of_a_day_end_at_midnight_of_the_time_zone(store: Store) -> None:
    clock = Clock()
    made = limiter(store, clock, tokens_per_day=100)
    alice = token(tokens_per_day=100)

    made.spent(7, 100)
    made.spent(8, 100)
    made.spent(None, 100)
    problem = made.admit(alice)

    assert problem is not None
    midnight = datetime.fromtimestamp(NOON_S + (problem.retry_after_s or 0), ZoneInfo(SHANGHAI))
    assert (midnight.hour, midnight.minute) == (0, 0)
    clock.now_s += problem.retry_after_s or 0
    assert made.admit(alice) is None


def test_processes_add_what_the_others_tell(store: Store) -> None:
    clock, told = Clock(), list[str]()
    here = limiter(store, clock, requests_per_minute=2, tokens_per_day=100)
    there = limiter(store, clock, told, requests_per_minute=2, tokens_per_day=100)
    there.admit(token(requests_per_minute=2))
    there.spent(7, 60)

    there.share()
    there.share()
    here.heard([*told, "of another release", '{"other":1}'])

    assert len(told) == 1
    assert here.used(7) == (1, 60)


async def test_the_days_sum_is_read_at_start_and_now_and_then(store: Store) -> None:
    clock = Clock(time.time())
    for _ in range(3):
        store.records.put(
            call_record(token_id=7, started_at_ms=int(clock.now_s * 1000), duration_ms=0, total_tokens=40)
        )
    await until(lambda: store.health().written == 3)
    made = limiter(store, clock, tokens_per_day=100)

    await made.resync()
    assert made.used(7) == (0, 120)
    assert made.admit(token(tokens_per_day=100)) is not None


@pytest.mark.parametrize(
    ("moment", "hours"),
    [("2026-03-29T12:00", 23), ("2026-10-25T12:00", 25), ("2026-10-25T02:30", 25), ("2026-07-01T00:00", 24)],
)
def test_days_are_as_long_as_they_are(moment: str, hours: int) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin"))

    day = day_of(at.timestamp(), "Europe/Berlin")

    assert (day.ends_s - day.starts_s) / 3600 == hours
    assert day.starts_s <= at.timestamp() < day.ends_s
