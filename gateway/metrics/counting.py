"""Counters and histograms as plain numbers: what counting a call costs is a few additions.

One thread feeds each of them, so nothing is locked. A child is looked up once by who feeds it, and kept.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from gateway.metrics.exposition import written
from gateway.metrics.metric import Metric
from gateway.totals import Family, Sample, sample_of


class Count:
    """One series of a counter."""

    __slots__ = ("sample", "value")

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.value = 0.0

    def add(self, by: float = 1.0) -> None:
        self.value += by


class Counts:
    """A counter: its series by the values of their labels."""

    __slots__ = ("_children", "metric")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._children: dict[tuple[str, ...], Count] = {}

    def of(self, *values: str) -> Count:
        """The series with these labels' values, in the order they were declared; made when it is new."""
        child = self._children.get(values)
        if child is None:
            metric = self.metric
            child = Count(sample_of(metric.name, zip(metric.labels, values, strict=True)))
            self._children[values] = child
        return child

    def forget(self, *values: str) -> None:
        """Tell of a series no more."""
        self._children.pop(values, None)

    def forget_where(self, label: str, gone: Iterable[str]) -> None:
        """Tell no more of the series that have one of these values of a label."""
        place, values_gone = self.metric.labels.index(label), set(gone)
        for values in [values for values in self._children if values[place] in values_gone]:
            del self._children[values]

    def family(self) -> Family:
        """The counter as it stands."""
        return self.metric.family({child.sample: child.value for child in self._children.values()})


class Spread:
    """One series of a histogram: how many values were at most each bound."""

    __slots__ = ("_bounds", "_buckets", "_count", "_counts", "_sum", "_sum_of")

    def __init__(self, metric: Metric, labels: Sequence[tuple[str, str]]) -> None:
        self._bounds = metric.buckets
        self._counts = [0] * (len(metric.buckets) + 1)
        self._sum = 0.0
        bounds = [*map(written, metric.buckets), "+Inf"]
        self._buckets = [sample_of(f"{metric.name}_bucket", (*labels, ("le", bound))) for bound in bounds]
        self._count = sample_of(f"{metric.name}_count", labels)
        self._sum_of = sample_of(f"{metric.name}_sum", labels)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def observe_all(self, values: Sequence[float]) -> None:
        """The same for many values at once: sorted, they take a fifth of the time."""
        if len(values) <= len(self._bounds):
            for value in values:
                self.observe(value)
            return
        counts, ordered, so_far = self._counts, sorted(values), 0
        for place, bound in enumerate(self._bounds):
            within = bisect_right(ordered, bound)
            counts[place] += within - so_far
            so_far = within
        counts[-1] += len(ordered) - so_far
        self._sum += sum(ordered)

    def write(self, samples: dict[Sample, float]) -> None:
        """Put what was observed among the samples of its histogram."""
        so_far = 0
        for bucket, count in zip(self._buckets, self._counts, strict=True):
            so_far += count
            samples[bucket] = float(so_far)
        samples[self._count] = float(so_far)
        samples[self._sum_of] = self._sum


class Spreads:
    """A histogram: its series by the values of their labels."""

    __slots__ = ("_children", "metric")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._children: dict[tuple[str, ...], Spread] = {}

    def of(self, *values: str) -> Spread:
        """The series with these labels' values, in the order they were declared; made when it is new."""
        child = self._children.get(values)
        if child is None:
            child = Spread(self.metric, list(zip(self.metric.labels, values, strict=True)))
            self._children[values] = child
        return child

    def family(self) -> Family:
        """The histogram as it stands."""
        samples: dict[Sample, float] = {}
        for child in self._children.values():
            child.write(samples)
        return self.metric.family(samples)
