"""Services from settings: the one place where every part is made and joined."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.control.background import Background
from gateway.control.bus import Bus
from gateway.control.configuration import Configuration, configure
from gateway.control.desk import Ground, add_jobs, make_desk
from gateway.control.following import Following
from gateway.control.freed_memory import FreedMemory
from gateway.control.jobs import Jobs
from gateway.control.kept_responses import KeptResponses
from gateway.control.leases import LeaseKeeper
from gateway.control.ledger import Ledger
from gateway.control.limiter import RESYNC_S, SHARE_S, Limiter
from gateway.control.limiter import TOPIC as USE
from gateway.control.loop_lag import LoopLag
from gateway.control.memory import PoolMemory
from gateway.control.model_list import ModelList
from gateway.control.object_sweep import ObjectSweep
from gateway.control.objects import ObjectBook
from gateway.control.paid_key import paid_rows, use_paid_key
from gateway.control.policy import (
    answer_shape,
    call_policy,
    chat_options,
    file_cleanup_s,
    image_host,
    key_order,
    native_options,
)
from gateway.control.probe import Prober
from gateway.control.readings import PoolReadings, watch_calls, watch_outcomes, watch_store
from gateway.control.roster import load_keys, load_tokens
from gateway.control.survey import EVERY_S, QuotaSurvey
from gateway.control.tokens import TokenBook
from gateway.gather import watch_workers
from gateway.log import Redaction, get_logger, set_level
from gateway.metrics.metrics import Metrics
from gateway.pool.calendar import quota_day
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.programs.ffmpeg import Ffmpeg, find_ffmpeg
from gateway.relay.engine import Engine
from gateway.resources import free_bytes, give_back_free_memory
from gateway.services import Services
from gateway.settings.live import LiveHolder
from gateway.settings.model import BootSettings, LiveSettings
from gateway.settings.sources import Sources
from gateway.store.config import DatabaseConfig
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from gateway.upstream.downloads import Downloads
from gateway.upstream.hosting import Hosting
from gateway.upstream.proxies import Egress
from gateway.upstream.public_addresses import is_public

log = get_logger("gateway.start")


@dataclass(frozen=True, slots=True)
class Opened:
    """The store, opened and configured; still without a loop."""

    store: Store
    configuration: Configuration


def open_store(sources: Sources) -> Opened:
    """Open the database and merge the environment into it. Raises StartupError; blocks."""
    boot = sources.boot
    store = Store.open(database_config(boot), cipher=Cipher(boot.encryption_key), day_of=quota_day)
    try:
        return Opened(store, configure(store, sources))
    except BaseException:
        store.close()
        raise


def database_config(boot: BootSettings) -> DatabaseConfig:
    """Where the settings say the database is."""
    if boot.database_type == "sqlite":
        return DatabaseConfig("sqlite", path=boot.data_dir / boot.sqlite_database)
    return DatabaseConfig(
        "mysql",
        host=boot.mysql_host,
        port=boot.mysql_port,
        user=boot.mysql_user,
        password=boot.mysql_password,
        database=boot.mysql_database,
        socket=boot.mysql_socket,
    )


def build_services(
    sources: Sources, opened: Opened, redaction: Redaction, loop: asyncio.AbstractEventLoop
) -> Services:
    """Make every part and join them. Blocks while keys and tokens are loaded."""
    settings = opened.configuration.settings
    store = opened.store
    metrics = Metrics()
    jitter = random.Random().random  # noqa: S311 - spreads load, guards nothing
    pool = Pool(PoolLimits(max_failures=settings.max_failures), jitter, order=key_order(settings))
    bus = Bus(store)
    bus.mark()  # before anything is read: what changes from now on is heard
    keys = load_keys(store, pool)
    use_paid_key(pool, settings.paid_key)
    tokens = TokenBook()
    live = LiveHolder(settings)
    limiter = Limiter(store, zone=lambda: live.current.timezone, publish=lambda told: bus.publish(USE, *told))
    rows = load_tokens(store, tokens, limiter, admin_secret=settings.auth_token)
    secrets_of_rows = [*(key.secret for key in keys), *(row.secret for row in rows)]
    redaction.know([settings.auth_token, settings.metrics_token, settings.paid_key, *secrets_of_rows])
    ledger = Ledger(metrics, store, tokens, limiter=limiter)
    new_id = RequestIds()  # made after the fork: no two workers give the same
    engine = Engine(
        loop=loop,
        pool=pool,
        transport=CurlTransport(loop),
        egress=make_egress(settings),
        observer=ledger,
        policy=call_policy(settings),
        wall_s=time.time,
        random=jitter,
    )
    background = make_background(
        store, engine, bus, live, jitter=jitter, lag=LoopLag(loop, metrics.loop_lag.observe)
    )
    background.memory.restore()
    engine.continued = background.objects.note_continuation
    following = Following(
        store, bus, pool=pool, tokens=tokens, limiter=limiter, live=live, redaction=redaction
    )
    survey = QuotaSurvey(pool, engine.wall_s)
    ground = Ground(
        store=store,
        pool=pool,
        live=live,
        tokens=tokens,
        limiter=limiter,
        following=following,
        observer=ledger,
        prober=background.prober,
        engine=engine,
        survey=survey,
        environment=sources.live,
        streams_open=lambda: ledger.streams_open,
        waiting=engine.lobby.__len__,
        wall_s=engine.wall_s,
    )
    desk = make_desk(ground)
    services = Services(
        boot=sources.boot,
        live=live,
        store=store,
        pool=pool,
        engine=engine,
        tokens=tokens,
        limiter=limiter,
        ledger=ledger,
        metrics=metrics,
        redaction=redaction,
        chat_options=chat_options(settings, new_id, engine.signatures),
        shape=None,
        native_options=native_options(settings),
        new_id=new_id,
        model_list=ModelList(engine, new_id),
        downloads=make_downloads(live, loop),
        host=make_hosting(engine, new_id),
        ffmpeg=Ffmpeg(find_ffmpeg()),
        background=background,
        kept_responses=background.kept_responses,
        following=following,
        desk=desk,
    )
    shape_answers(services, settings)
    live.subscribe(lambda old, new: follow_settings(services, old, new))
    following.listen()
    share_token_use(background, limiter)
    add_jobs(desk, ground, background.jobs)
    watch(services, survey)
    log.info("ready", keys=len(keys), tokens=len(rows))
    return services


_PLACES = tuple(f"{place:02x}" for place in range(255, -1, -1))


class RequestIds:
    """Gives ids of 24 hex digits, 256 at a time: when (in sixteenths of a second), which of them, and chance.

    In the order of time, so that the database adds them at one end of its index; ids of pure chance go
    anywhere in it, which costs a third of all that writing a call costs. 52 bits of each are chance.

    wall_s   epoch seconds
    """

    __slots__ = ("_left", "_wall_s")

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        self._wall_s = wall_s
        self._left: list[str] = []

    def __call__(self) -> str:
        if not self._left:
            when = f"{int(self._wall_s() * 16):09x}"
            chances = secrets.token_bytes(7 * 256).hex(" ", 7).split()
            self._left = [
                f"{when}{place}{chance[1:]}" for place, chance in zip(_PLACES, chances, strict=True)
            ]
        return self._left.pop()


def make_egress(settings: LiveSettings) -> Egress:
    """The ways out that the settings name."""
    return Egress(
        settings.proxies,
        pinned=settings.proxies_use_consistency_hash_by_api_key,
        random=random.Random().random,  # noqa: S311 - spreads load, guards nothing
        clock_s=time.monotonic,
    )


def make_downloads(live: LiveHolder, loop: asyncio.AbstractEventLoop) -> Downloads:
    """What fetches for clients, on connections of its own: those to Gemini may lead where clients may not."""

    def may_call(address: str) -> bool:
        return live.current.remote_media_allow_private or is_public(address)

    return Downloads(CurlTransport(loop, TransportOptions(may_connect=may_call)), may_call=may_call)


def shape_answers(services: Services, settings: LiveSettings) -> None:
    """Do with answers, and with pictures, what the settings say."""
    host = image_host(settings)
    if host is not None:
        services.redaction.also_know(host.secrets)
    services.host.use(host)
    services.shape = answer_shape(settings, None if host is None else services.host)


def make_hosting(engine: Engine, new_id: Callable[[], str]) -> Hosting:
    """What puts pictures on a host, once it is told on which."""
    return Hosting(
        engine.transport,
        choose_proxy=lambda name: engine.egress.choose(name, ()),
        wall_s=engine.wall_s,
        new_id=new_id,
    )


def follow_settings(services: Services, old: LiveSettings, new: LiveSettings) -> None:
    """Make changed settings act at once; running calls keep what they began with."""
    engine = services.engine
    engine.policy = call_policy(new)
    if _ways_out(new) != _ways_out(old):  # else what is known of the proxies would be forgotten
        engine.egress = make_egress(new)
    if new.base_url != old.base_url:
        services.model_list.forget()
    if new.paid_key != old.paid_key:
        services.redaction.also_know([new.paid_key])
        use_paid_key(services.pool, new.paid_key, instead_of=old.paid_key)
    services.chat_options = chat_options(new, services.new_id, services.engine.signatures)
    shape_answers(services, new)
    services.native_options = native_options(new)
    services.pool.set_max_failures(new.max_failures)
    if key_order(new) != services.pool.order:
        services.pool.set_order(key_order(new))
    set_level(new.log_level)


def _ways_out(settings: LiveSettings) -> object:
    return settings.proxies, settings.proxies_use_consistency_hash_by_api_key


def make_background(
    store: Store,
    engine: Engine,
    bus: Bus,
    live: LiveHolder,
    *,
    jitter: Callable[[], float],
    lag: LoopLag,
) -> Background:
    """What the process does beside its calls."""
    memory = PoolMemory(store, engine.pool, share=lambda texts: bus.publish("pool", *texts))
    keeper = LeaseKeeper(store, "jobs", bus.origin)
    prober = Prober(
        engine,
        store,
        interval_s=lambda: live.current.check_interval_hours * 3600.0,
        note=memory.note,
        test_model=lambda: live.current.test_model,
        rowless=lambda: paid_rows(live.current.paid_key),
    )
    objects = ObjectBook(store)
    sweep = ObjectSweep(engine, store, objects, interval_s=lambda: file_cleanup_s(live.current))
    return Background(
        bus=bus,
        memory=memory,
        keeper=keeper,
        jobs=Jobs(keeper, jitter),
        prober=prober,
        objects=objects,
        sweep=sweep,
        kept_responses=KeptResponses(store, live),
        lag=lag,
        freed=FreedMemory(engine.loop, free_bytes, give_back_free_memory),
    )


def share_token_use(background: Background, limiter: Limiter) -> None:
    """Have every process count what limited tokens use in the others."""
    background.bus.listen(USE, limiter.heard, reload=limiter.resync)

    async def share() -> None:
        limiter.share()

    background.jobs.add("share token use", share, every_s=SHARE_S, alone=False)
    background.jobs.add("sum up token use", limiter.resync, every_s=RESYNC_S, alone=False)


def watch(services: Services, survey: QuotaSurvey) -> None:
    """Have the metrics read what others count."""
    metrics, engine, live = services.metrics, services.engine, services.live

    def most_keys() -> int:
        return live.current.metrics_max_keys

    readings = PoolReadings(
        metrics, engine.pool, survey, wall_s=engine.wall_s, most_keys=most_keys, tokens=services.tokens
    )
    readings.watch()
    watch_store(metrics, services.store)
    watch_calls(metrics, services.ledger, engine.lobby.__len__, engine.transport)
    watch_outcomes(metrics, pictures=services.host.counts, responses=services.kept_responses.counts)
    watch_workers(metrics, 1)
    services.background.jobs.add("survey the pool", readings.refresh, every_s=EVERY_S, alone=False)
