"""Programs that tests start as processes of their own: `python -m tests.store.programs NAME CONFIG`.

CONFIG is a JSON object of DatabaseConfig's fields. Each waits for a line before it begins.
"""

import asyncio
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from gateway.control.leases import LeaseKeeper
from gateway.control.memory import PoolMemory
from gateway.pool.key import KeySpec
from gateway.pool.lease import Lease
from gateway.pool.limits import PoolLimits
from gateway.pool.pool import Pool
from gateway.protocols.failures import Failure, FailureKind
from gateway.store.config import DatabaseConfig
from gateway.store.schema import migrate
from gateway.store.store import Store
from tests.control.waiting import until
from tests.store.samples import call_record


def arguments(name: str, config: DatabaseConfig) -> list[str]:
    """The command that runs a program on a database."""
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    return [sys.executable, "-m", "tests.store.programs", name, orjson.dumps(values, default=str).decode()]


def migrating(config: DatabaseConfig) -> None:
    """Says which migrations it applied."""
    _say(orjson.dumps(migrate(config)).decode())


def writing(config: DatabaseConfig) -> None:
    """Puts a hundred records and lives on."""
    store = Store.open(config)
    for number in range(100):
        store.records.put(call_record(f"req-{number}"))
    _say("put")
    sys.stdin.readline()


def holding(config: DatabaseConfig) -> None:
    """Keeps the lease `jobs`, for 2 s at a time, until it is ended."""
    store = Store.open(config)

    async def keep() -> None:
        keeper = LeaseKeeper(store, "jobs", "holding", ttl_s=2.0)
        keeper.start()
        await until(lambda: keeper.held)
        _say("held")
        await asyncio.Event().wait()

    asyncio.run(keep())


def learning(config: DatabaseConfig) -> None:
    """Has a pool learn of a day's end, and lives on."""
    store = Store.open(config)

    async def learn() -> None:
        pool = Pool(PoolLimits(), lambda: 0.5)
        pool.put(KeySpec(1, "k…1", "sk-1"))
        PoolMemory(store, pool).start()
        lease = pool.lease("gemini-2.5-flash", time.time())
        assert isinstance(lease, Lease)
        pool.report_failure(lease, Failure(FailureKind.RATE_DAY, 429), time.time())
        _say("learned")
        await asyncio.Event().wait()

    asyncio.run(learn())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(name: str, config_json: str) -> None:
    values: dict[str, Any] = orjson.loads(config_json)
    if values["path"] is not None:
        values["path"] = Path(values["path"])
    _say("ready")
    sys.stdin.readline()
    {"migrating": migrating, "writing": writing, "holding": holding, "learning": learning}[name](
        DatabaseConfig(**values)
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
