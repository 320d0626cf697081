"""Keys that are not used are asked about for free, one at a time, and come back when they may."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.building import open_store
from gateway.control.ledger import Ledger
from gateway.control.probe import Prober, last_result
from gateway.control.roster import load_keys
from gateway.control.tokens import TokenBook
from gateway.metrics.metrics import Metrics
from gateway.pool.changes import Change
from gateway.pool.key import GEMINI, VERTEX, KeyState
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import Failure, FailureKind
from gateway.relay.engine import CallPolicy, Engine
from gateway.settings.sources import read_sources
from gateway.store.records import KeyRow
from gateway.store.store import Store
from gateway.upstream.curl import CurlTransport
from gateway.upstream.providers import read_provider
from gateway.upstream.proxies import Egress
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.clock import FakeClock
from tests.fakes.upstream import FakeUpstream
from tests.upstream.peers import unused_port

HOUR_S = 3600.0
SECRETS = ("sk-one-secret", "sk-two-secret", "sk-three-secret")


class Scene:
    """A pool of three keys, a prober, and what it notes."""

    def __init__(self, store: Store, url: str, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.pool = Pool(PoolLimits(max_failures=1), lambda: 0.0)
        self.noted: list[Change] = []
        load_keys(store, self.pool)
        loop = asyncio.get_running_loop()
        self.engine = Engine(
            loop=loop,
            pool=self.pool,
            transport=CurlTransport(loop),
            egress=Egress((), pinned=False, random=lambda: 0.5, clock_s=clock),
            observer=Ledger(Metrics(), store, TokenBook()),
            policy=CallPolicy({GEMINI: read_provider(url)}, 0, 30.0, 5.0, 30.0),
            wall_s=clock,
            random=lambda: 0.5,
        )
        self.prober = self.another()

    def another(self, interval_s: float = HOUR_S) -> Prober:
        return Prober(self.engine, self.store, interval_s=lambda: interval_s, note=self._note, pause_s=0.001)

    def fails(self, kind: FailureKind) -> int:
        """Have a key fail a call; gives its id."""
        lease = self.pool.lease("gemini-2.5-flash", self.clock())
        assert isinstance(lease, Lease)
        self.engine.observer.pool_changed(self.pool.report_failure(lease, Failure(kind, 400), self.clock()))
        return lease.key.spec.id

    def state(self, key_id: int) -> KeyState:
        known = self.pool.explain(key_id, self.clock())
        assert known is not None
        return known.state

    async def dead_reason(self, key_id: int) -> str | None:
        await self.store.write(lambda: None)
        (row,) = await self.store.read(lambda: self.store.keys.named([key_id]))
        return row.dead_reason

    def _note(self, changes: Sequence[Change]) -> None:
        self.noted += changes


@pytest.fixture
async def scene(tmp_path: Path, fake_upstream: FakeUpstream, clock: FakeClock) -> AsyncIterator[Scene]:
    store = open_store(read_sources({"DATA_DIR": str(tmp_path), "AUTH_TOKEN": "sk-admin"})).store
    store.write_sync(lambda: store.keys.add([KeyRow(secret, f"alias-{secret[3:6]}") for secret in SECRETS]))
    made = Scene(store, fake_upstream.url, clock)
    yield made
    await made.engine.transport.close()
    store.close()


async def test_healthy_keys_are_not_asked_about(scene: Scene, fake_upstream: FakeUpstream) -> None:
    scene.fails(FailureKind.RATE_DAY)
    scene.fails(FailureKind.BILLING)
    scene.clock.advance(2 * HOUR_S)

    assert await scene.prober.sweep() == 0
    assert fake_upstream.requests == []


async def test_a_dead_key_that_answers_is_revived_and_says_so(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.models())
    key_id = scene.fails(FailureKind.KEY_INVALID)
    assert await scene.dead_reason(key_id) == "key_invalid"
    assert await scene.prober.sweep() == 0  # not before its time
    scene.clock.advance(HOUR_S)

    assert await scene.prober.sweep() == 1

    (seen,) = fake_upstream.requests
    assert (seen.method, seen.verb, seen.query, seen.key) == ("GET", "list", "pageSize=1", SECRETS[0])
    assert scene.state(key_id) is KeyState.ACTIVE
    assert await scene.dead_reason(key_id) is None
    result = await last_result(scene.store, "gemini", key_id)
    assert result is not None
    assert result.sentence == "The key answered and is in use again."


async def test_a_vertex_key_is_asked_by_counting_tokens(scene: Scene, fake_upstream: FakeUpstream) -> None:
    row = KeyRow("vertex-express-key", "vert…-key", provider=VERTEX)
    await scene.store.write(lambda: scene.store.keys.add([row]))
    load_keys(scene.store, scene.pool)
    lease = scene.pool.lease("gemini-3.5-flash", scene.clock(), provider=VERTEX)
    assert isinstance(lease, Lease)
    failure = Failure(FailureKind.KEY_INVALID, 400)
    scene.pool.report_failure(lease, failure, scene.clock())
    scene.clock.advance(HOUR_S)

    assert await scene.prober.sweep() == 1
    assert (fake_upstream.requests[0].verb, fake_upstream.requests[0].key) == ("countTokens", row.secret)
    assert scene.state(lease.key_id) is KeyState.ACTIVE


async def test_a_key_that_is_still_refused_says_why_and_is_asked_less_and_less_often(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.leaked())
    key_id = scene.fails(FailureKind.KEY_LEAKED)
    asked = []
    for hour in range(1, 100):
        scene.clock.advance(HOUR_S)
        if await scene.prober.sweep():
            asked.append(hour)

    assert asked == [1, 3, 7, 15, 31, 55, 79]
    assert scene.state(key_id) is KeyState.DEAD
    result = await last_result(scene.store, "gemini", key_id)
    assert result is not None
    assert result.passed is False
    assert "leaked" in result.sentence
    assert not any(secret in result.sentence for secret in SECRETS)


async def test_another_process_goes_on_where_the_last_one_stopped(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.leaked())
    scene.fails(FailureKind.KEY_LEAKED)
    scene.clock.advance(HOUR_S)
    assert await scene.prober.sweep() == 1

    scene.clock.advance(HOUR_S)
    assert await scene.another().sweep() == 0
    scene.clock.advance(HOUR_S)
    assert await scene.another().sweep() == 1


async def test_a_key_that_dies_again_is_not_asked_sooner(scene: Scene, fake_upstream: FakeUpstream) -> None:
    """Listing models may pass where generating does not."""
    fake_upstream.reply(gemini_replies.models())
    revived = 0
    for _ in range(60):
        if scene.pool.counts(scene.clock()).keys[KeyState.ACTIVE] == 3:
            scene.fails(FailureKind.PROJECT_DENIED)
        scene.clock.advance(HOUR_S)
        revived += await scene.prober.sweep()

    assert revived < 20


async def test_a_key_in_doubt_is_asked_after_a_minute(scene: Scene, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.models())
    key_id = scene.fails(FailureKind.UNKNOWN)
    assert scene.state(key_id) is KeyState.RESTING
    scene.clock.advance(61)

    assert await scene.prober.sweep() == 1
    assert scene.state(key_id) is KeyState.ACTIVE


async def test_a_key_in_doubt_that_is_refused_is_dead_and_everybody_is_told(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.api_key_invalid())
    key_id = scene.fails(FailureKind.UNKNOWN)
    scene.clock.advance(61)

    await scene.prober.sweep()

    assert scene.state(key_id) is KeyState.DEAD
    assert await scene.dead_reason(key_id) == "key_invalid"
    (noted,) = scene.noted
    assert noted.kind is FailureKind.KEY_INVALID


@pytest.mark.parametrize(
    "error", [gemini_errors.overloaded(), gemini_errors.location(), gemini_errors.rate_minute()]
)
async def test_an_answer_that_says_nothing_of_the_key_changes_nothing(
    scene: Scene, fake_upstream: FakeUpstream, error: gemini_errors.ErrorAnswer
) -> None:
    fake_upstream.error(error)
    key_id = scene.fails(FailureKind.KEY_INVALID)
    scene.clock.advance(HOUR_S)

    assert await scene.prober.sweep() == 1
    assert scene.state(key_id) is KeyState.DEAD


async def test_a_page_of_something_in_between_revives_nobody(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply("<html>Welcome to the hotel</html>", headers={"Content-Type": "text/html"})
    key_id = scene.fails(FailureKind.KEY_INVALID)
    scene.clock.advance(HOUR_S)

    await scene.prober.sweep()

    assert scene.state(key_id) is KeyState.DEAD


async def test_probes_go_one_at_a_time(scene: Scene, fake_upstream: FakeUpstream) -> None:
    gate = fake_upstream.gate()
    fake_upstream.reply(gemini_replies.models(), gate=gate)
    for _ in SECRETS:
        scene.fails(FailureKind.KEY_INVALID)
    scene.clock.advance(HOUR_S)

    sweeping = asyncio.create_task(scene.prober.sweep())
    await gate.wait_reached_async()
    assert len(fake_upstream.requests) == 1
    gate.release()

    assert await sweeping == 3
    assert {seen.key for seen in fake_upstream.requests} == set(SECRETS)


async def test_without_a_network_a_sweep_stops_soon_and_nothing_is_held_against_the_keys(
    scene: Scene,
) -> None:
    for _ in SECRETS:
        scene.fails(FailureKind.KEY_INVALID)
    scene.clock.advance(HOUR_S)
    scene.engine.policy = CallPolicy(
        {GEMINI: read_provider(f"http://127.0.0.1:{unused_port()}/v1beta")}, 0, 30.0, 5.0, 30.0
    )

    assert await scene.prober.sweep() == 3
    result = await last_result(scene.store, "gemini", 1)
    assert result is not None
    assert (result.passed, result.tries) == (None, 0)


async def test_an_interval_of_0_probes_nothing(scene: Scene, fake_upstream: FakeUpstream) -> None:
    scene.fails(FailureKind.KEY_INVALID)
    scene.clock.advance(100 * HOUR_S)
    off = scene.another(interval_s=0.0)

    assert off.every_s() == 0
    assert await off.sweep() == 0
    assert fake_upstream.requests == []


async def test_an_operator_may_ask_at_any_time_about_any_key(
    scene: Scene, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.key_blocked(), key=SECRETS[1])
    fake_upstream.reply(gemini_replies.models())

    good, blocked, none = [await scene.prober.check(key_id) for key_id in (1, 2, 999)]

    assert good is not None
    assert good.passed
    assert blocked is not None
    assert blocked.kind == "key_blocked"
    assert scene.state(2) is KeyState.DEAD
    assert none is None
