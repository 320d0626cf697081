"""A process's metrics: what it counts and what is read at each scrape, as totals and as text."""

from collections.abc import Callable, Mapping
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
        self._families: dict[str, Callable[[], Family]] = {}
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
        if metric.over is not Over.SUM:
            self.over_workers[metric.family_name] = metric.over
        self._families[metric.family_name] = lambda: metric.reading(read())

    def watch_number(self, metric: Metric, read: Callable[[], float]) -> None:
        """The same for a single number without labels."""
        self.watch(metric, lambda: {NO_LABELS: float(read())})

    def totals(self) -> Totals:
        """Everything this process has counted and reads now, as values."""
        families = [family() for family in self._families.values()]
        return {family.name: family for family in (*families, *machine.families())}

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The text to answer a scrape with, and its media type.

        accept   the scraper's header of that name
        """
        return write_text(self.totals(), accept)

    def _tell_of(self, counting: Counting) -> Counting:
        self._families[counting.metric.family_name] = counting.family
        return counting
