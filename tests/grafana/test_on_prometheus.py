"""Every expression of every panel, choice, mark and rule, asked of a Prometheus that watched gateways.

`pytest tests/grafana/test_on_prometheus.py -s` prints what each of them gave.
"""

import re
import sys

import pytest

from tests.grafana.conftest import Watched
from tests.grafana.files import (
    Expression,
    Json,
    annotation_expressions,
    choice_expressions,
    panel_expressions,
    rule_expressions,
    rules,
)

RIGHTLY_EMPTY = {
    "alert GatewayAbsent 1": "there are gateways",
    "mark Starts": "nothing was started again",
}
"""Who finds nothing here although all is well, and why."""

QUESTIONS = [*panel_expressions(), *choice_expressions(), *annotation_expressions(), *rule_expressions()]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.where))
_WINDOW = "8s"


def asked(question: Expression) -> str:
    """The expression as it is sent: choices are All, and a panel's windows fit the seconds watched."""
    text = question.text.replace("$__rate_interval", _WINDOW).replace("$__range", "15s")
    text = re.sub(r"offset \d+m", "offset 3s", text)
    return re.sub(r"\$\{?[a-z]+\}?", ".*", text)


@each_question
def test_an_expression_is_understood_and_finds_what_there_is(watched: Watched, question: Expression) -> None:
    prometheus = watched.prometheus
    if question.instant:
        found = prometheus.at_once(asked(question), at_s=watched.until_s)
    else:
        found = prometheus.over_time(
            asked(question), since_s=watched.since_s, until_s=watched.until_s, step_s=1
        )
    numbers = [number for series in found for number in _values(series) if number == number]  # NaN is not
    sys.stdout.write(f"\n{question.where}: {_shown(found)}")

    if question.where in RIGHTLY_EMPTY:
        assert found == []
    else:
        assert numbers, f"nothing: {asked(question)}"
    if question.share:
        assert all(0 <= number <= 1 for number in numbers), asked(question)


def test_nothing_goes_wrong_before_there_is_anything(watched: Watched) -> None:
    """A dashboard of a gateway just installed: no errors, and no number that is none."""
    before_s = watched.since_s - 3600
    found = {
        question.where: [number for series in answer for number in _values(series)]
        for question in QUESTIONS
        if (answer := watched.prometheus.at_once(asked(question), at_s=before_s))
    }

    assert {number for numbers in found.values() for number in numbers} == {0.0, 1.0}
    assert [where for where, numbers in found.items() if numbers == [1.0]] == ["alert GatewayAbsent 1"]


def test_every_reason_for_finding_nothing_is_needed() -> None:
    assert set(RIGHTLY_EMPTY) <= {question.where for question in QUESTIONS}


def test_prometheus_scrapes_with_the_token(watched: Watched) -> None:
    assert [(target["health"], target["lastError"]) for target in watched.prometheus.targets()] == [
        ("up", "")
    ] * 2


def test_prometheus_follows_every_rule_without_a_fault(watched: Watched) -> None:
    known = [rule for group in watched.prometheus.rule_groups() for rule in group["rules"]]

    assert {rule["name"] for rule in known} == {rule.get("alert") or rule["record"] for rule in rules()}
    assert {(rule["health"], rule.get("lastError")) for rule in known} == {("ok", None)}


def test_no_secret_becomes_a_label(watched: Watched) -> None:
    """Keys and access tokens by their masked forms only."""
    found = watched.prometheus.at_once('{job="gateway"}', at_s=watched.until_s)
    values = {value for series in found for value in series["metric"].values()}

    assert len(found) > 100
    assert [
        value for value in values if re.search(r"sk-\w+-of-the-tests|not-a-real-key|test-key", value)
    ] == []


def _values(series: Json) -> list[float]:
    return [float(value) for _, value in series.get("values") or [series["value"]]]


def _shown(found: list[Json]) -> str:
    """The first few series with their last values, for people."""
    if not found:
        return "nothing"
    shown = []
    for series in found[:3]:
        labels = series["metric"].items()
        names = " ".join(value for name, value in labels if name not in ("__name__", "job"))
        shown.append(f"{names + ' = ' if names else ''}{_values(series)[-1]:.4g}")
    return ", ".join(shown) + (f" … ({len(found)} series)" if len(found) > 3 else "")
