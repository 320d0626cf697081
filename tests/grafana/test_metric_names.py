"""Expressions name only metrics and labels that the gateway has, and every metric is looked at somewhere."""

import re

import pytest

from gateway.metrics.catalogue import METRICS
from gateway.metrics.metric import Kind
from tests.grafana.files import (
    Expression,
    annotation_expressions,
    choice_expressions,
    panel_expressions,
    rule_expressions,
    rules,
)

EXPRESSIONS = [*panel_expressions(), *choice_expressions(), *annotation_expressions(), *rule_expressions()]
OF_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertname", "alertstate"}}
TARGET = {"job", "instance"}
SAYS_LITTLE = {"process_virtual_memory_bytes"}
"""Metrics that every Prometheus client has, and nobody looks at."""

_STRINGS = re.compile(r'"[^"]*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
_LABELS = re.compile(r"\b(?:by|on|group_left) \(([^)]*)\)")


def known_names() -> dict[str, set[str]]:
    """Every series' name with its labels; a histogram is three."""
    known: dict[str, set[str]] = dict(OF_PROMETHEUS)
    for metric in METRICS:
        labels = set(metric.labels)
        if metric.kind is Kind.HISTOGRAM:
            known[f"{metric.name}_bucket"] = labels | {"le"}
            known[f"{metric.name}_sum"] = known[f"{metric.name}_count"] = labels
        else:
            known[metric.name] = labels
    return known


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: str(expression.where))
def test_an_expression_names_what_there_is(expression: Expression) -> None:
    known = known_names()
    text = _STRINGS.sub('""', expression.text)
    selected = {name: re.findall(r"(\w+)\s*(?:=|!)", inside) for name, inside in _SELECTOR.findall(text)}
    grouped = {label.strip() for labels in _LABELS.findall(text) for label in labels.split(",")} - {""}
    labels = {label for name in named_by(text) for label in known.get(name, set())} | TARGET

    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert named_by(text) - known.keys() - recorded == set()
    for name, inside in selected.items():
        assert set(inside) <= known[name] | TARGET, name
    assert grouped <= labels


def named_by(text: str) -> set[str]:
    """The metrics in an expression without its strings: words of our families that are no labels."""
    plain = _LABELS.sub("", re.sub(r"\{[^}]*\}", "", text))
    return {
        word
        for word in re.findall(r"[a-zA-Z_:][\w:]*", plain)
        if re.match(r"gateway_|gen_ai_|process_", word)
    }


def test_every_metric_is_looked_at_somewhere() -> None:
    asked = set().union(*(named_by(_STRINGS.sub('""', expression.text)) for expression in EXPRESSIONS))
    looked_at = {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in asked} | asked

    assert {metric.name for metric in METRICS} - looked_at == SAYS_LITTLE
