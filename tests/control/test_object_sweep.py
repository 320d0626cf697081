"""Files whose time is over are deleted at Google by the key that owns them, and forgotten either way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.building import open_store
from gateway.control.ledger import Ledger
from gateway.control.object_sweep import ObjectSweep
from gateway.control.objects import ObjectBook
from gateway.control.roster import load_keys
from gateway.control.tokens import TokenBook
from gateway.metrics.metrics import Metrics
from gateway.pool.key import GEMINI
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
from tests.fakes import gemini_errors
from tests.fakes.clock import FakeClock
from tests.fakes.upstream import FakeUpstream
from tests.upstream.peers import unused_port

SECRETS = ("sk-one-secret", "sk-two-secret")
DAYS_S = 3 * 86_400.0


class Scene:
    """Two keys, and what they own."""

    def __init__(self, store: Store, url: str, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.pool = Pool(PoolLimits(max_failures=1), lambda: 0.0)
        self.keys = load_keys(store, self.pool)
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
        self.objects = ObjectBook(store, wall_s=clock)

    def sweep(self, interval_s: float = 3600.0) -> ObjectSweep:
        return ObjectSweep(self.engine, self.store, self.objects, interval_s=lambda: interval_s)

    async def later(self, seconds: float) -> None:
        await self.objects.settle()
        self.clock.advance(seconds)

    async def names(self) -> set[str]:
        await self.objects.settle()
        rows = await self.store.read(lambda: self.store.objects.find(["files/a", "files/b", "batches/c"]))
        return {row.name for row in rows}


@pytest.fixture
async def scene(tmp_path: Path, fake_upstream: FakeUpstream, clock: FakeClock) -> AsyncIterator[Scene]:
    store = open_store(read_sources({"DATA_DIR": str(tmp_path), "AUTH_TOKEN": "sk-admin"})).store
    store.write_sync(lambda: store.keys.add([KeyRow(secret, f"alias-{secret[3:6]}") for secret in SECRETS]))
    made = Scene(store, fake_upstream.url, clock)
    yield made
    await made.engine.transport.close()
    store.close()


async def test_old_files_are_deleted_with_their_own_keys(scene: Scene, fake_upstream: FakeUpstream) -> None:
    first, second = scene.keys
    scene.objects.remember("files/a", first.id)
    scene.objects.remember("files/b", second.id)
    await scene.later(DAYS_S)
    scene.objects.remember("files/new", first.id)

    assert await scene.sweep().delete_files() == 2

    asked = {(seen.method, seen.path, seen.key) for seen in fake_upstream.requests}
    assert asked == {
        ("DELETE", "/v1beta/files/a", SECRETS[0]),
        ("DELETE", "/v1beta/files/b", SECRETS[1]),
    }
    assert await scene.names() == set()
    assert scene.objects.known("files/new") is not None
    assert await scene.sweep().delete_files() == 0


async def test_what_google_says_to_it_does_not_matter(scene: Scene, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.file_forbidden("a"))
    scene.objects.remember("files/a", scene.keys[0].id)
    await scene.later(DAYS_S)

    assert await scene.sweep().delete_files() == 1
    assert await scene.names() == set()


async def test_the_key_of_a_file_may_be_gone_or_dead(scene: Scene, fake_upstream: FakeUpstream) -> None:
    lease = scene.pool.lease("gemini-2.5-flash", scene.clock())
    assert isinstance(lease, Lease)
    scene.pool.report_failure(lease, Failure(FailureKind.KEY_INVALID, 400), scene.clock())
    scene.objects.remember("files/a", lease.key_id)
    scene.objects.remember("files/b", 999)
    await scene.later(DAYS_S)

    assert await scene.sweep().delete_files() == 2
    assert fake_upstream.requests == []
    assert await scene.names() == set()


async def test_while_google_is_away_files_are_kept(scene: Scene) -> None:
    away = read_provider(f"http://127.0.0.1:{unused_port()}/v1beta")
    scene.engine.policy = CallPolicy({GEMINI: away}, 0, 30.0, 5.0, 30.0)
    for name in ("files/a", "files/b"):
        scene.objects.remember(name, scene.keys[0].id, expires_s=scene.clock())
    await scene.later(2 * 3600.0)

    assert await asyncio.wait_for(scene.sweep().delete_files(), 10) == 0
    assert await scene.names() == {"files/a", "files/b"}
    await scene.sweep().prune()
    assert await scene.names() == {"files/a", "files/b"}
    await scene.later(2 * 3600.0)
    await scene.sweep().prune()
    assert await scene.names() == set()


@pytest.mark.parametrize(("interval_s", "left"), [(3600.0, {"files/a"}), (0.0, set())])
async def test_what_is_not_to_be_deleted_at_google_is_just_forgotten(
    scene: Scene, interval_s: float, left: set[str]
) -> None:
    now_s = scene.clock()
    scene.objects.remember("files/a", scene.keys[0].id, expires_s=now_s)
    scene.objects.remember("batches/c", scene.keys[0].id, expires_s=now_s)
    await scene.later(2 * 3600.0)

    await scene.sweep(interval_s).prune()

    assert await scene.names() == left
