"""Every expression of every panel, choice, mark and rule, asked of a Prometheus that watched gateways.

`pytest tests/grafana/test_on_prometheus.py -s` prints what each of them gave. It is one test, because what it
asks takes longer to set up than to ask, and tests of one module may run in several processes.
"""

import re
import sys
from collections.abc import Iterator

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

_WINDOW = "10s"
_LONG_BEFORE_S = 3600.0


def test_dashboards_and_rules_find_what_two_gateways_did(watched: Watched) -> None:
    questions = [
        *panel_expressions(),
        *choice_expressions(),
        *annotation_expressions(),
        *rule_expressions(),
    ]

    assert len(questions) > 150
    assert set(RIGHTLY_EMPTY) <= {question.where for question in questions}
    assert [fault for question in questions for fault in faults_of(watched, question)] == []
    assert [fault for question in questions for fault in faults_before(watched, question)] == []
    assert list(faults_of_rules(watched)) == []
    assert list(secrets_told(watched)) == []


def faults_of(watched: Watched, question: Expression) -> Iterator[str]:
    """An expression is understood and finds what there is; parts of a whole are not more than it."""
    asked = as_sent(question)
    if question.instant:
        found = watched.prometheus.at_once(asked, at_s=watched.until_s)
    else:
        seconds = {"since_s": watched.since_s, "until_s": watched.until_s}
        found = watched.prometheus.over_time(asked, **seconds, step_s=1)
    numbers = [number for series in found for number in _values(series) if number == number]  # NaN is not
    sys.stdout.write(f"\n{question.where}: {_shown(found)}")
    if bool(numbers) == (question.where in RIGHTLY_EMPTY):
        yield f"{question.where} finds {_shown(found)}: {asked}"
    if question.share and not all(0 <= number <= 1 for number in numbers):
        yield f"{question.where} is no share: {_shown(found)}: {asked}"


def faults_before(watched: Watched, question: Expression) -> Iterator[str]:
    """With a gateway just installed nothing fails, counts are 0, and no number is none."""
    found = watched.prometheus.at_once(as_sent(question), at_s=watched.since_s - _LONG_BEFORE_S)
    expected = 1.0 if question.where == "alert GatewayAbsent 1" else 0.0
    if any(number != expected for series in found for number in _values(series)):
        yield f"{question.where} finds {_shown(found)} where there is nothing"


def faults_of_rules(watched: Watched) -> Iterator[str]:
    """Prometheus scrapes both gateways with the token, and follows every rule."""
    scraped = watched.prometheus.at_once('max_over_time(up{job="gateway"}[15s])', at_s=watched.until_s)
    if [_values(series) for series in scraped] != [[1.0], [1.0]]:
        yield f"not scraped: {watched.prometheus.targets()}"
    known = [rule for group in watched.prometheus.rule_groups() for rule in group["rules"]]
    if {rule["name"] for rule in known} != {rule.get("alert") or rule["record"] for rule in rules()}:
        yield "Prometheus follows other rules"
    for rule in known:
        if rule["health"] != "ok":
            yield f"{rule['name']}: {rule.get('lastError')}"


def secrets_told(watched: Watched) -> Iterator[str]:
    """Keys and access tokens are labels in their masked forms only."""
    found = watched.prometheus.at_once('{job="gateway"}', at_s=watched.until_s)
    assert len(found) > 100
    for value in {value for series in found for value in series["metric"].values()}:
        if re.search(r"sk-\w+-of-the-tests|not-a-real-key|test-key", value):
            yield value


def as_sent(question: Expression) -> str:
    """The expression as it is sent: choices are All, and a panel's windows fit the seconds watched."""
    text = question.text.replace("$__rate_interval", _WINDOW).replace("$__range", "15s")
    text = re.sub(r"offset \d+m", "offset 3s", text)
    return re.sub(r"\$\{?[a-z]+\}?", ".*", text)


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
