"""`python -m tests.load.pages`: what the heavy pages of the admin cost at 100,000 keys and a million calls.

The database is made once and kept. A whole gateway runs in this process; a browser without a window asks it
for each page, again and again. What is told of a page is its best time from request to answer, which a busy
machine spoils least, and the processor time that the gateway and, on this machine, MariaDB spent on it.
"""

import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

from gateway.log import configure
from gateway.store.config import DatabaseConfig
from tests.admin.browsing import ADMIN_TOKEN, Browser
from tests.integration.running import RunningGateway
from tests.load.plenty import Plenty, fill

_FOLDER = Path("build/plenty")
_NOWHERE = "http://127.0.0.1:9/v1beta"
_KEPT_S = 4.2
"""The admin keeps the answers of the overview so long; asked later, the database is asked again."""
PAGES = (
    ("keys", "/keys"),
    ("keys, the last page", "/keys?page={last}"),
    ("keys, 500 rows", "/keys?size=500"),
    ("keys, text that a few have", "/keys?text=seller+77+"),
    ("keys, text that none has", "/keys?text=nothing-like-it"),
    ("keys, text that a third has", "/keys?text=spring"),
    ("keys, one tag", "/keys?tag=batch-7"),
    ("keys, one project", "/keys?project=project-40"),
    ("keys, dead", "/keys?state=dead"),
    ("keys, resting, the last page", "/keys?state=resting&page={last}"),
    ("keys, failed by a day's quota", "/keys?failed=rate_day"),
    ("keys by name, a middle page", "/keys?sort=alias&page={middle}"),
    ("keys by use, the first page", "/keys?sort=used&descending=1"),
    ("keys by last use, the first page", "/keys?sort=last_used&descending=1"),
    ("keys by last use, a middle page", "/keys?sort=last_used&descending=1&page={middle}"),
    ("keys by failures, the last page", "/keys?sort=failures&page={last}"),
    ("a key", "/keys/5"),
    ("keys, live rows", "/keys/rows?ids={ids}"),
    ("overview", "/"),
    ("overview, 1 h", "/?range=1h"),
    ("overview, 7 d", "/?range=7d"),
    ("overview, keys out of quota", "/?ailment=quota"),
    ("tokens", "/tokens"),
    ("a token", "/tokens/3"),
    ("calls", "/calls"),
    ("calls that failed", "/calls?ending=failed"),
    ("calls of a model that failed", "/calls?model=gemini-2.5-flash&ending=failed"),
    ("calls of a token and a model", "/calls?token=3&model=gemini-2.5-pro"),
    ("calls of three rare conditions", "/calls?token=3&model=gemini-3-flash-preview&ending=failed"),
    ("calls slower than any", "/calls?slower=600"),
    ("calls of a model slower than any", "/calls?slower=600&model=gemini-2.5-flash"),
    ("failed calls slower than any", "/calls?slower=600&ending=failed"),
    ("API: calls of a key", "/api/admin/calls?key_id=5"),
)


def main() -> None:
    """Make the database if it is not there, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.pages", description=__doc__)
    parser.add_argument("--mysql", help="mysql://user:password@host:port/database; else a SQLite file")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="pages whose name has this")
    arguments = parser.parse_args()
    config = _mysql(arguments.mysql) if arguments.mysql else _sqlite()
    if _is_new(config):
        started_s = time.monotonic()
        fill(config, Plenty(arguments.keys, arguments.calls))
        sys.stdout.write(f"{config.place} filled in {time.monotonic() - started_s:.0f} s\n")
    settings = {"API_KEYS": "", **_settings(config)}
    configure(level="CRITICAL", log_format="console")
    with RunningGateway(_FOLDER.resolve(), _NOWHERE, settings) as gateway:
        while not gateway.url:  # a busy machine takes its time to load so many keys
            time.sleep(0.1)
        last = -(-arguments.keys // 50)
        places = {"last": last, "middle": last // 2, "ids": ",".join(map(str, range(1, 51)))}
        columns = ("first", "best", "median", "CPU", "server", "both")
        sys.stdout.write(f"{'page':<40}{''.join(f'{each:>9}' for each in columns)}  ms\n")
        for name, path in PAGES:
            if arguments.only in name:
                _measure(gateway, name, path.format_map(places), arguments.rounds, config)


def _measure(gateway: RunningGateway, name: str, path: str, rounds: int, config: DatabaseConfig) -> None:
    browser = Browser(gateway, Authorization=f"Bearer {ADMIN_TOKEN}")
    browser.sign_in()
    is_kept = path.startswith("/?") or path == "/"
    times_ms, cpu_ms, server_ms, status = [], [], [], 0
    for each in range(rounds):
        if is_kept and each:
            time.sleep(_KEPT_S)
        theirs_ms, before_s = _server_ms(config), time.process_time()
        mine_s, started_s = time.thread_time(), time.perf_counter()
        status = browser.get(path).status
        times_ms.append((time.perf_counter() - started_s) * 1000)
        cpu_ms.append((time.process_time() - before_s - time.thread_time() + mine_s) * 1000)
        server_ms.append(_server_ms(config) - theirs_ms)
    both_ms = min(map(sum, zip(cpu_ms, server_ms, strict=True)))
    figures = (times_ms[0], min(times_ms), statistics.median(times_ms), min(cpu_ms), min(server_ms), both_ms)
    told = "" if status == 200 else f"  answered {status}"
    sys.stdout.write(f"{name:<40}{''.join(f'{each:>9.1f}' for each in figures)}{told}\n")
    sys.stdout.flush()


def _server_ms(config: DatabaseConfig) -> float:
    """The processor time of those threads of a MariaDB on this machine that serve the database."""
    if config.path is not None:
        return 0.0
    with contextlib.closing(_connected(config)) as server, server.cursor() as cursor:
        cursor.execute("SELECT tid FROM information_schema.processlist WHERE db = %s", (config.database,))
        tids = [tid for (tid,) in cursor.fetchall()]
    files = [path for tid in tids for path in Path("/proc").glob(f"[0-9]*/task/{tid}/schedstat")]
    return sum(int(path.read_text().split()[0]) for path in files) / 1e6


def _sqlite() -> DatabaseConfig:
    return DatabaseConfig("sqlite", path=_FOLDER / "gateway.db")


def _mysql(url: str) -> DatabaseConfig:
    parts = urlsplit(url)
    return DatabaseConfig(
        "mysql",
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        database=parts.path.strip("/"),
    )


def _is_new(config: DatabaseConfig) -> bool:
    """Whether there is nothing yet; a MySQL database is made then."""
    if config.path is not None:
        return not config.path.exists()
    with contextlib.closing(_connected(config)) as server, server.cursor() as cursor:
        return bool(
            cursor.execute("SHOW DATABASES LIKE %s", (config.database,)) == 0
            and cursor.execute(f"CREATE DATABASE `{config.database}` CHARACTER SET utf8mb4")
        )


def _connected(config: DatabaseConfig) -> "pymysql.Connection[Any]":
    return pymysql.connect(host=config.host, port=config.port, user=config.user, password=config.password)


def _settings(config: DatabaseConfig) -> dict[str, str]:
    if config.path is not None:
        return {"DATABASE_TYPE": "sqlite", "SQLITE_DATABASE": config.path.name}
    return {
        "DATABASE_TYPE": "mysql",
        "MYSQL_HOST": config.host,
        "MYSQL_PORT": str(config.port),
        "MYSQL_USER": config.user,
        "MYSQL_PASSWORD": config.password,
        "MYSQL_DATABASE": config.database,
    }


if __name__ == "__main__":
    main()
