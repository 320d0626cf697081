"""Services from settings: the one place where every part is made and joined."""

import asyncio
import random
import secrets
import time
from dataclasses import dataclass

from gateway.control.configuration import Configuration, configure
from gateway.control.ledger import Ledger
from gateway.control.policy import call_policy, chat_options
from gateway.control.roster import load_keys, load_tokens
from gateway.control.tokens import TokenBook
from gateway.log import Redaction, get_logger, set_level
from gateway.metrics import Metrics
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.relay.engine import Engine
from gateway.services import Services
from gateway.settings.live import LiveHolder
from gateway.settings.model import BootSettings, LiveSettings
from gateway.settings.sources import Sources
from gateway.store.config import DatabaseConfig
from gateway.store.secrets import Cipher
from gateway.store.store import Store
from gateway.totals import Over
from gateway.upstream.curl import CurlTransport
from gateway.upstream.proxies import Egress

log = get_logger("gateway.start")


@dataclass(frozen=True, slots=True)
class Opened:
    """The store, opened and configured; still without a loop."""

    store: Store
    configuration: Configuration


def open_store(sources: Sources) -> Opened:
    """Open the database and merge the environment into it. Raises StartupError; blocks."""
    boot = sources.boot
    store = Store.open(database_config(boot), cipher=Cipher(boot.encryption_key))
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
    pool = Pool(PoolLimits(max_failures=settings.max_failures), jitter)
    keys = load_keys(store, pool)
    tokens = TokenBook()
    rows = load_tokens(store, tokens, admin_secret=settings.auth_token)
    secrets_of_rows = [*(key.secret for key in keys), *(row.secret for row in rows)]
    redaction.know([settings.auth_token, settings.metrics_token, *secrets_of_rows])
    ledger = Ledger(metrics, store)
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
    services = Services(
        boot=sources.boot,
        live=LiveHolder(settings),
        store=store,
        pool=pool,
        engine=engine,
        tokens=tokens,
        ledger=ledger,
        metrics=metrics,
        redaction=redaction,
        chat_options=chat_options(settings, new_id),
        new_id=new_id,
    )
    services.live.subscribe(lambda _, new: follow_settings(services, new))
    watch(services)
    log.info("ready", keys=len(keys), tokens=len(rows))
    return services


def new_id() -> str:
    """24 hex digits nobody can guess."""
    return secrets.token_hex(12)


def make_egress(settings: LiveSettings) -> Egress:
    """The ways out that the settings name."""
    return Egress(
        settings.proxies,
        pinned=settings.proxies_use_consistency_hash_by_api_key,
        random=random.Random().random,  # noqa: S311 - spreads load, guards nothing
        clock_s=time.monotonic,
    )


def follow_settings(services: Services, settings: LiveSettings) -> None:
    """Make changed settings act at once; running calls keep what they began with."""
    services.engine.policy = call_policy(settings)
    services.engine.egress = make_egress(settings)
    services.chat_options = chat_options(settings, services.new_id)
    set_level(settings.log_level)


def watch(services: Services) -> None:
    """Have the metrics read what others count."""
    metrics, store, engine = services.metrics, services.store, services.engine
    metrics.watch(
        "gateway_keys",
        "Keys by state.",
        "state",
        lambda: {
            state.value: float(count) for state, count in services.pool.counts(engine.wall_s()).keys.items()
        },
        over=Over.OWN,
    )
    metrics.watch(
        "gateway_streams_open",
        "Streams being relayed.",
        "",
        lambda: {"": float(services.ledger.streams_open)},
    )
    metrics.watch(
        "gateway_record_queue_depth",
        "Call records waiting to be written.",
        "",
        lambda: {"": float(store.health().depth)},
    )
    metrics.watch(
        "gateway_records_dropped",
        "Call records lost: the queue was full or the database refused them.",
        "",
        lambda: {"": float(store.health().dropped)},
        counter=True,
    )
    metrics.watch(
        "gateway_store_failures",
        "Writes the database refused.",
        "",
        lambda: {"": float(store.health().failures)},
        counter=True,
    )
    if isinstance(engine.transport, CurlTransport):
        transport = engine.transport
        metrics.watch(
            "gateway_upstream_connections_opened",
            "Connections opened to the upstream.",
            "",
            lambda: {"": float(transport.connections_opened)},
            counter=True,
        )
        metrics.watch(
            "gateway_upstream_requests",
            "Requests sent to the upstream.",
            "",
            lambda: {"": float(transport.requests_sent)},
            counter=True,
        )
