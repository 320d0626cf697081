"""Is it working right now? By the keys, and by the calls of the last minutes."""

from contextlib import closing

import pytest

from gateway.control.pulse import Pulse, Recent, take_pulse
from gateway.protocols.failures import FailureKind
from gateway.store.config import DatabaseConfig
from gateway.store.store import Store
from tests.control.waiting import until
from tests.pool.builders import NOON_S, failure, key, lent, pool_of
from tests.store.conftest import OpenStore
from tests.store.samples import call_record
from tests.store.wire import Wire

NOON_MS = int(NOON_S * 1000)
FINE = Recent(100, 0, 300.0)


@pytest.mark.parametrize(
    ("pulse", "mark"),
    [
        (Pulse(3, 1, 1, 0, FINE), "ready"),
        (Pulse(3, 0, 0, 0, Recent(100, 19, None)), "ready"),
        (Pulse(3, 0, 0, 0, Recent(100, 20, None)), "resting"),
        (Pulse(3, 0, 0, 0, Recent(4, 4, None)), "ready"),
        (Pulse(3, 0, 0, 0, None), "resting"),
        (Pulse(0, 2, 5, 0, FINE), "resting"),
        (Pulse(0, 0, 5, 1, FINE), "dead"),
        (Pulse(0, 0, 0, 1, FINE), "disabled"),
        (Pulse(0, 0, 0, 0, FINE), "disabled"),
    ],
)
def test_the_mark_is_that_of_the_worst_that_matters(pulse: Pulse, mark: str) -> None:
    assert pulse.mark == mark


async def test_keys_are_counted_by_state_and_calls_of_five_minutes_by_end(open_store: OpenStore) -> None:
    store = open_store()
    pool = pool_of(1, 2, key(3, enabled=False), key(4, provider="vertex"))
    pool.report_failure(lent(pool), failure(FailureKind.KEY_INVALID), NOON_S)
    for ago_s, outcome in ((10, "success"), (20, "no_key"), (30, "client_error"), (1000, "broken")):
        started_ms = NOON_MS - ago_s * 1000
        store.records.put(
            call_record(started_at_ms=started_ms, duration_ms=0, outcome=outcome, first_token_ms=150)
        )
    await until(lambda: store.health().written == 4)

    pulse = await take_pulse(store, pool, lambda: NOON_S)

    assert (pulse.ready, pulse.resting, pulse.dead, pulse.disabled, pulse.keys) == (2, 0, 1, 1, 4)
    assert pulse.recent is not None
    assert (pulse.recent.calls, pulse.recent.failed) == (3, 1)
    assert pulse.recent.first_token_ms == pytest.approx(150)


async def test_while_the_database_is_away_the_keys_are_still_told(wired: DatabaseConfig, wire: Wire) -> None:
    with closing(Store.open(wired)) as store:
        wire.refuse()
        pulse = await take_pulse(store, pool_of(1, 2), lambda: NOON_S)

    assert (pulse.ready, pulse.recent) == (2, None)
