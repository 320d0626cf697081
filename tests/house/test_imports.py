"""Doors and purity, for what the contracts in setup.cfg cannot see: single names, and calls that are I/O."""

import ast
import sys

from tests.house.source import modules

PURE = {"gateway.pool", "gateway.protocols", "gateway.streaming"}

PURE_LIBRARY = {
    "base64",
    "binascii",
    "bisect",
    "codecs",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "ipaddress",
    "itertools",
    "math",
    "operator",
    "orjson",
    "re",
    "regex",
    "string",
    "struct",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "zlib",
    "zoneinfo",
}
"""Everything the pure core may import besides itself: nothing here waits, asks the machine, or remembers."""

CLOCKS_AND_DOORS = {"now", "utcnow", "today", "getenv", "open", "print", "input"}

DOORS = {
    "pycurl": {"gateway.upstream"},
    "peewee": {"gateway.store"},
    "playhouse": {"gateway.store"},
    "pymysql": {"gateway.store"},
    "sqlite3": {"gateway.store"},
    "prometheus_client": {"gateway.metrics"},
    "pydantic": {"gateway.settings"},
    "annotated_types": {"gateway.settings"},
    "dotenv": {"gateway.settings"},
    "certifi": {"gateway.upstream"},
    "regex": {"gateway.streaming"},
    "structlog": {"gateway.log"},
    "jinja2": {"admin"},
    "markupsafe": {"admin"},
    "babel": {"admin"},
    "httptools": {"gateway.serving", "gateway.simulator"},
    "cryptography": {"gateway.store"},
    "tornado": {"admin", "gateway.app", "gateway.handlers", "gateway.lifecycle", "gateway.serving"},
    "admin": {"admin", "gateway.__main__"},
}
"""A library, and the rooms it may be imported in."""

OUR_OWN = {"gateway", "admin", "orjson"}


def test_the_pure_core_imports_only_what_cannot_wait_or_remember() -> None:
    allowed = PURE | {"gateway.errors", "gateway.values", "gateway"}
    strangers = [
        f"{module.at(line)} imports {name}"
        for module in modules("gateway")
        if module.room in PURE
        for name, line in module.imports()
        if not (name in PURE_LIBRARY or name.partition(".")[0] in PURE_LIBRARY or _room(name) in allowed)
    ]

    assert strangers == []


def test_the_pure_core_asks_no_clock_and_opens_nothing() -> None:
    calls = [
        module.at(node.lineno)
        for module in modules("gateway")
        if module.room in PURE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node) in CLOCKS_AND_DOORS
    ]

    assert calls == []


def test_an_outside_library_has_one_door() -> None:
    trespassers = [
        f"{module.at(line)} imports {name}"
        for module in modules("gateway", "admin")
        for name, line in module.imports()
        if (rooms := DOORS.get(name.partition(".")[0])) is not None and module.room not in rooms
    ]

    assert trespassers == []


def test_other_programs_are_started_in_one_room() -> None:
    starters = {
        module.room
        for module in modules("gateway", "admin")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node).startswith("create_subprocess")
    }
    importers = {
        module.room
        for module in modules("gateway", "admin")
        for name, _ in module.imports()
        if name == "subprocess"
    }

    assert starters | importers == {"gateway.programs"}


def test_every_outside_library_has_a_door() -> None:
    outside = {
        top
        for module in modules("gateway", "admin")
        for name, _ in module.imports()
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names
    }

    assert outside - DOORS.keys() - OUR_OWN == set(), (
        "a new dependency: say in DOORS which room it belongs to"
    )


def test_orjson_is_the_json_library() -> None:
    users = [
        module.at(line)
        for module in modules("gateway", "admin")
        for name, line in module.imports()
        if name == "json" or name.startswith("json.")
    ]

    assert users == []


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
