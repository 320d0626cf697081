"""The text of a scrape is what prometheus_client writes of the same numbers, in both formats, to the byte."""

import math
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from gateway.metrics.exposition import write_text
from gateway.metrics.metric import Kind, Metric
from gateway.metrics.registry import Registry

HOSTILE = 'a"b\\c\nd{e="f"}, 你好'
WORDS = 'Says "yes" or \\ no,\nin two lines.'
BUCKETS = (0.005, 1.0, 2.5, 4194304.0)
NUMBERS = (0.0, 1.0, 0.1, 1e-7, 123456.0, 1234567.0, 1.5e300, -3.25, math.inf, -math.inf, math.nan)
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def theirs() -> CollectorRegistry:
    """What prometheus_client counts by itself."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    calls = Counter("calls_total", WORDS, ("zebra", "ape"), registry=registry)
    calls.labels(HOSTILE, "").inc(3)
    spread = Histogram("spread_seconds", "Spread.", ("b",), buckets=BUCKETS, registry=registry)
    for value in (0.004, 0.005, 2.0, 1e9):
        spread.labels("x").observe(value)
    for number, value in enumerate(NUMBERS):
        Gauge(f"number_{number}", "A number.", registry=registry).set(value)
    return registry


@pytest.fixture
def ours() -> Registry:
    """The same, counted by us."""
    registry = Registry()
    registry.counts(Metric("calls_total", Kind.COUNTER, WORDS, ("zebra", "ape"))).of(HOSTILE, "").add(3)
    spread = registry.spreads(Metric("spread_seconds", Kind.HISTOGRAM, "Spread.", ("b",), buckets=BUCKETS))
    for value in (0.004, 0.005, 2.0, 1e9):
        spread.of("x").observe(value)
    for number, value in enumerate(NUMBERS):
        registry.watch_number(Metric(f"number_{number}", Kind.GAUGE, "A number."), _always(value))
    return registry


@pytest.mark.parametrize("accept", ["", "text/plain", OPENMETRICS])
def test_our_text_is_that_of_prometheus_client(
    ours: Registry, theirs: CollectorRegistry, accept: str
) -> None:
    encode, _ = choose_encoder(accept)
    families = {name: family for name, family in ours.totals().items() if not name.startswith("process_")}

    text, media_type = write_text(families, accept)

    assert text.decode().splitlines() == encode(theirs).decode().splitlines()
    assert media_type.startswith("application/openmetrics-text" if accept == OPENMETRICS else "text/plain")


def _always(value: float) -> Callable[[], float]:
    return lambda: value
