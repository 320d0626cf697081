"""Everything an operator reads and changes, in one place: what pages, API and command line stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.control.call_log import CallLog
from gateway.control.following import Following
from gateway.control.jobs import Jobs
from gateway.control.key_list import KeyList
from gateway.control.key_tasks import KeyTasks
from gateway.control.keys import KeyDesk
from gateway.control.limiter import Limiter
from gateway.control.move_desk import MoveDesk
from gateway.control.overview import Overview
from gateway.control.paid_key import paid_rows
from gateway.control.probe import Prober
from gateway.control.proxies import ProxyDesk
from gateway.control.reach import Reach
from gateway.control.retention import Retention
from gateway.control.setting_desk import SettingDesk
from gateway.control.survey import QuotaSurvey
from gateway.control.tasks import TaskRunner
from gateway.control.token_desk import TokenDesk
from gateway.control.tokens import TokenBook
from gateway.control.trail import Trail
from gateway.pool.key import GEMINI
from gateway.pool.pool import Pool
from gateway.relay.engine import Engine, Observer
from gateway.settings.live import LiveHolder
from gateway.store.store import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts. Their methods raise StoreError in words, and say what is wrong with a wish as `Refused`.

    key_list   reading keys · keys: changing them · key_tasks: long work on many
    """

    key_list: KeyList
    keys: KeyDesk
    key_tasks: KeyTasks
    tokens: TokenDesk
    settings: SettingDesk
    proxies: ProxyDesk
    calls: CallLog
    overview: Overview
    reach: Reach
    moving: MoveDesk
    tasks: TaskRunner
    trail: Trail

    async def stop(self) -> None:
        """End the long work that runs here."""
        await self.tasks.stop()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a desk stands on.

    environment    settings as the environment of this process has them
    streams_open   how many streams are being relayed now · waiting: calls that wait for a key
    """

    store: Store
    pool: Pool
    live: LiveHolder
    tokens: TokenBook
    limiter: Limiter
    following: Following
    observer: Observer
    prober: Prober
    engine: Engine
    survey: QuotaSurvey
    environment: Mapping[str, object]
    streams_open: Callable[[], int]
    waiting: Callable[[], int]
    wall_s: Callable[[], float]


def make_desk(ground: Ground) -> Desk:
    """Join the parts."""
    store, pool, live, wall_s = ground.store, ground.pool, ground.live, ground.wall_s
    following = ground.following
    trail = Trail(store, wall_s=wall_s)
    tasks = TaskRunner(store, wall_s=wall_s)
    key_list = KeyList(store, pool, rowless=lambda: paid_rows(live.current.paid_key), wall_s=wall_s)
    told = ground.observer.pool_changed
    keys = KeyDesk(store, pool, following=following, told=told, trail=trail, wall_s=wall_s)
    settings = SettingDesk(store, live, environment=ground.environment, following=following, trail=trail)
    reach = Reach(
        ground.engine.transport,
        provider=lambda: ground.engine.policy.providers[GEMINI],
        proxies=lambda: live.current.proxies,
        wall_s=wall_s,
    )
    return Desk(
        key_list=key_list,
        keys=keys,
        key_tasks=KeyTasks(store, keys, key_list, ground.prober, tasks),
        tokens=TokenDesk(
            store,
            ground.tokens,
            limiter=ground.limiter,
            live=live,
            following=following,
            trail=trail,
            wall_s=wall_s,
        ),
        settings=settings,
        proxies=ProxyDesk(settings, reach, live),
        calls=CallLog(store, trail=trail, runner=tasks),
        overview=Overview(
            store,
            pool,
            live=live,
            survey=ground.survey,
            streams_open=ground.streams_open,
            waiting=ground.waiting,
            wall_s=wall_s,
        ),
        reach=reach,
        moving=MoveDesk(store, live, environment=ground.environment, runner=tasks, wall_s=wall_s),
        tasks=tasks,
        trail=trail,
    )


def add_jobs(desk: Desk, ground: Ground, jobs: Jobs) -> None:
    """Have what is too old forgotten."""
    Retention(ground.store, ground.live, wall_s=ground.wall_s).add_to(jobs)
    jobs.add("forget deleted keys", desk.keys.undo.prune, every_s=60.0)
    jobs.add("forget deleted tokens", desk.tokens.undo.prune, every_s=60.0)
    jobs.add("prune tasks", desk.tasks.prune, every_s=3600.0)
    jobs.add("prune the audit", desk.trail.prune, every_s=6 * 3600.0)
