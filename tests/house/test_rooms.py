"""Each module is in a known room, says what it is for, and has not grown past its walls."""

import ast

from tests.house.source import ROOT, modules

ROOMS = {
    "gateway",
    "gateway.__main__",
    "gateway.app",
    "gateway.building",
    "gateway.workers",
    "gateway.commands",
    "gateway.control",
    "gateway.demo",
    "gateway.doctor",
    "gateway.errors",
    "gateway.gather",
    "gateway.handlers",
    "gateway.lifecycle",
    "gateway.log",
    "gateway.loop",
    "gateway.metrics",
    "gateway.pool",
    "gateway.programs",
    "gateway.protocols",
    "gateway.relay",
    "gateway.resources",
    "gateway.services",
    "gateway.serving",
    "gateway.settings",
    "gateway.signals",
    "gateway.simulator",
    "gateway.store",
    "gateway.streaming",
    "gateway.totals",
    "gateway.upstream",
    "gateway.values",
    "gateway.without",
    "admin",
}

LONGEST = 350
LONGER: dict[str, str] = {}
"""Path of a module that is longer, and why it is one idea all the same."""


def test_every_module_is_in_a_room_the_architecture_knows() -> None:
    strangers = {module.room for module in modules("gateway", "admin")} - ROOMS

    assert strangers == set(), "a new room: draw it in ARCHITECTURE.md, in setup.cfg's contracts and here"


def test_every_room_is_drawn_in_the_architecture() -> None:
    drawing = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = {room.removeprefix("gateway.") for room in ROOMS}

    assert {name for name in names if f"{name}/" not in drawing and f"{name}.py" not in drawing} == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module.name
        for module in modules("gateway", "admin", "tests", "scripts", "grafana", "deploy")
        if module.tree.body and ast.get_docstring(module.tree) is None
    ]

    assert silent == []


def test_no_module_is_longer_than_one_idea_needs() -> None:
    lengths = {
        str(module.path.relative_to(ROOT)): len(module.text.splitlines())
        for module in modules("gateway", "admin", "scripts", "grafana", "deploy")
    }
    long = {path for path, lines in lengths.items() if lines > LONGEST}

    assert long - LONGER.keys() == set(), (
        f"over {LONGEST} lines: look for the seam, or give a reason in LONGER"
    )
    assert LONGER.keys() - long == set(), "no longer long: take it off the list"
