"""Programs that tests start as processes of their own: `python -m tests.store.programs NAME CONFIG`.

CONFIG is a JSON object of DatabaseConfig's fields. Each waits for a line before it begins.
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from gateway.store.config import DatabaseConfig
from gateway.store.schema import migrate
from gateway.store.store import Store
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


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(name: str, config_json: str) -> None:
    values: dict[str, Any] = orjson.loads(config_json)
    if values["path"] is not None:
        values["path"] = Path(values["path"])
    _say("ready")
    sys.stdin.readline()
    {"migrating": migrating, "writing": writing}[name](DatabaseConfig(**values))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
