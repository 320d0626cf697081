"""The list of metrics keeps the conventions, and the document is made of it."""

from pathlib import Path

import pytest

from gateway.metrics import declared
from gateway.metrics.catalogue import METRICS
from gateway.metrics.describe import document
from gateway.metrics.metric import Kind, Metric
from gateway.relay.outcomes import Outcome

ROOT = Path(__file__).parents[2]


def test_the_committed_document_is_the_generated_one() -> None:
    committed = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")

    assert committed == document(), "see gateway/metrics/describe.py"


def test_every_metric_stands_once_in_the_document() -> None:
    for metric in METRICS:
        assert document().count(f"\n| `{metric.name}` | {metric.kind.value}") == 1
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_every_declared_metric_is_in_the_list() -> None:
    declared_ones = [each for each in vars(declared).values() if isinstance(each, Metric)]

    assert [each.name for each in declared_ones if each not in METRICS] == []
    assert len(declared_ones) > 30


def test_every_outcome_is_explained() -> None:
    assert [outcome.value for outcome in Outcome if f"`{outcome.value}`" not in document()] == []


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_keeps_the_conventions(metric: Metric) -> None:
    assert metric.name.startswith(("gateway_", "gen_ai_", "process_"))
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.text.endswith(".")
    assert metric.advice
    assert (metric.buckets == ()) == (metric.kind is not Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert len(set(metric.labels)) == len(metric.labels)
