"""A process's metrics: what it counts and what is read at each scrape, as totals and as text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from gateway.metrics import machine
from gateway.metrics.counting import Counts, Spreads
from gateway.metrics.exposition import write_text
from gateway.metrics.metric import Metric
from gateway.totals import Family, Over, Totals

Reading = Mapping[tuple[str, ...], float]
NO_LABELS: tuple[str, ...] = ()

Counting = TypeVar("Counting", Counts, Spreads)


class Registry:
    """One per process; tests build their own.

    over_workers   how gauges that are not sums read over several workers, by name (totals.py)
    """

    def __init__(self) -> None:
        self._families: dict[str, Callable[[], list[Family]]] = {}
        self.over_workers = {metric.family_name: metric.over for metric in machine.ALL}

    def counts(self, metric: Metric) -> Counts:
        """A counter to be counted with."""
        return self._tell_of(Counts(metric))

    def spreads(self, metric: Metric) -> Spreads:
        """A histogram to be filled."""
        return self._tell_of(Spreads(metric))

    def watch(self, metric: Metric, read: Callable[[], Reading]) -> None:
        """Have a reading taken at each scrape: the labels' values → number.

        Another one for the same metric takes the place of the first.
        """
        self.watch_together((metric,), lambda: (read(),))

    def watch_together(self, metrics: Sequence[Metric], read: Callable[[], Iterable[Reading]]) -> None:
        """The same for several metrics that are read of the same things at once, in their order."""
        for metric in metrics:
            if metric.over is not Over.SUM:
                self.over_workers[metric.family_name] = metric.over

        def families() -> list[Family]:
            return [metric.reading(values) for metric, values in zip(metrics, read(), strict=True)]

        self._families[metrics[0].family_name] = families

    def watch_number(self, metric: Metric, read: Callable[[], float]) -> None:
        """The same for a single number without labels."""
        self.watch(metric, lambda: {NO_LABELS: float(read())})

    def totals(self) -> Totals:
        """Everything this process has counted and reads now, as values."""
        told = [family for families in self._families.values() for family in families()]
        return {family.name: family for family in (*told, *machine.families())}

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The text to answer a scrape with, and its media type.

        accept   the scraper's header of that name
        """
        return write_text(self.totals(), accept)

    def _tell_of(self, counting: Counting) -> Counting:
        self._families[counting.metric.family_name] = lambda: [counting.family()]
        return counting
