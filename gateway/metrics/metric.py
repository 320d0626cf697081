"""What a metric is before anything is counted: its name, kind, labels and buckets, and its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from gateway.totals import Family, Over, Sample, sample_of


class Kind(Enum):
    """A metric's type, in Prometheus's word."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    name      as a query names it: a counter's ends in `_total`
    text      its help, in an operator's words
    advice    what to do with it, for the documents
    buckets   a histogram's upper bounds, in the metric's unit
    over      what a gauge says of several workers; counters and histograms are always summed
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    advice: str = ""
    buckets: tuple[float, ...] = ()
    over: Over = Over.SUM

    @property
    def family_name(self) -> str:
        """The name without a counter's ending, as the exposition formats want it."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name

    def family(self, samples: dict[Sample, float]) -> Family:
        """The metric with its samples."""
        return Family(self.family_name, self.kind.value, self.text, samples)

    def reading(self, values: Mapping[tuple[str, ...], float]) -> Family:
        """The metric with values by the values of its labels."""
        labels = self.labels
        return self.family(
            {sample_of(self.name, zip(labels, each, strict=True)): value for each, value in values.items()}
        )


def counter(name: str, text: str, labels: tuple[str, ...] = (), *, advice: str) -> Metric:
    """What only grows."""
    return Metric(name, Kind.COUNTER, text, labels, advice)


def gauge(
    name: str, text: str, labels: tuple[str, ...] = (), *, advice: str, over: Over = Over.SUM
) -> Metric:
    """What goes up and down."""
    return Metric(name, Kind.GAUGE, text, labels, advice, over=over)


def histogram(
    name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...], *, advice: str
) -> Metric:
    """How values are spread over buckets."""
    return Metric(name, Kind.HISTOGRAM, text, labels, advice, buckets)
