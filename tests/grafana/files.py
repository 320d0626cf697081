"""The files of grafana/ as these tests read them, and every expression in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "grafana"
PROMETHEUS = GRAFANA / "prometheus"
RUNBOOK = ROOT / "docs" / "runbook.md"

Json = dict[str, Any]
_COMPARISON = re.compile(r"\s(?:==|!=|>=|<=|>|<)\s")


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression as it is written.

    where    who asks it, for people
    instant  asked for one moment, not over time
    share    it gives parts of a whole
    """

    where: str
    text: str
    instant: bool
    share: bool = False


def dashboards() -> list[Json]:
    """Every committed dashboard."""
    return [orjson.loads(path.read_bytes()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]


def panels(dashboard: Json) -> list[Json]:
    """Its panels, without the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel_expressions() -> Iterator[Expression]:
    """What the panels ask."""
    for dashboard in dashboards():
        row = ""
        for panel in dashboard["panels"]:
            if panel["type"] == "row":
                row = panel["title"]
                continue
            for target in panel["targets"]:
                title = f"{dashboard['uid']} · {row} · {panel['title']}"
                several = f" {target['refId']}" if len(panel["targets"]) > 1 else ""
                share = panel["fieldConfig"]["defaults"].get("unit") == "percentunit"
                yield Expression(title + several, target["expr"], target["instant"], share)


def choice_expressions() -> Iterator[Expression]:
    """What fills the choices at the top: `label_values(metric, label)`, as a count by the label."""
    for dashboard in dashboards():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
                assert found is not None, variable
                metric, label = found.groups()
                text = f'count by ({label}) ({metric}{{{label}!=""}})'
                yield Expression(f"{dashboard['uid']} · choice {variable['name']}", text, instant=True)


def annotation_expressions() -> Iterator[Expression]:
    """What puts marks on the time axis: the same on every dashboard."""
    marks = {
        (mark["name"], mark["expr"])
        for dashboard in dashboards()
        for mark in dashboard["annotations"]["list"]
    }
    for name, text in sorted(marks):
        yield Expression(f"mark {name}", text, instant=False)


def rules() -> list[Json]:
    """Every rule of Prometheus: alerts and recordings."""
    return [
        rule
        for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[Json]:
    return [rule for rule in rules() if "alert" in rule]


def rule_expressions() -> Iterator[Expression]:
    """What the rules ask; of an alert, whose expression finds nothing while all is well, what it measures."""
    for rule in rules():
        if "record" in rule:
            share = ":ratio" in rule["record"]
            yield Expression(f"rule {rule['record']}", rule["expr"], instant=True, share=share)
            continue
        for number, measured in enumerate(measured_by(rule["expr"]), 1):
            yield Expression(f"alert {rule['alert']} {number}", measured, instant=True)


def measured_by(expression: str) -> list[str]:
    """The parts of an alert's expression that `and` joins, each without the comparison that ends it."""
    parts = _split(expression, re.compile(r"\s(?:and|unless)\s+(?:on \([\w, ]+\)\s+)?"))
    return [_split(part, _COMPARISON)[0].strip() for part in parts]


def _split(text: str, at: re.Pattern[str]) -> list[str]:
    """Split at what stands outside of all brackets."""
    parts, begin = [], 0
    for found in at.finditer(text):
        before = re.sub(r'"[^"]*"', "", text[: found.start()])
        if sum(map(before.count, "({[")) == sum(map(before.count, ")}]")):
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]
