"""Metrics as plain values: taken from one worker, written down, read back, added up over the workers.

Pure. metrics/ makes them and turns them into text; gather.py carries them between the workers.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import orjson

SampleKey = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's own name (`…_bucket`, `…_total`) and its labels in the order they were declared."""

LASTING = frozenset({"counter", "histogram"})
"""Kinds that tell what has happened: it stays true when the worker that counted it is gone."""


class Over(Enum):
    """What a metric says of several workers.

    SUM   each worker has its part: every counter and histogram, and gauges such as open streams
    OWN   a fact all workers share or agree about: as the worker that is asked knows it
    MAX   the largest of the workers' values
    MIN   the smallest
    """

    SUM = "sum"
    OWN = "own"
    MAX = "max"
    MIN = "min"


@dataclass(slots=True)
class Family:
    """One metric with its samples; kind is Prometheus's: counter, gauge or histogram."""

    name: str
    kind: str
    text: str
    samples: dict[SampleKey, float]


_JOINED: Mapping[Over, Callable[[float, float], float]] = MappingProxyType(
    {Over.SUM: operator.add, Over.MAX: max, Over.MIN: min}
)

Totals = dict[str, Family]
"""A worker's metrics by name."""


def write_down(totals: Totals) -> bytes:
    """JSON that `read_back` understands. Values that are no finite number are left out."""
    return orjson.dumps(
        [
            (
                family.name,
                family.kind,
                family.text,
                [(*key, value) for key, value in family.samples.items() if math.isfinite(value)],
            )
            for family in totals.values()
        ]
    )


def read_back(text: bytes) -> Totals:
    """What `write_down` wrote. Raises ValueError for a text that is cut off or something else."""
    return {
        name: Family(
            name,
            kind,
            words,
            {
                (sample, tuple((label, value) for label, value in labels)): number
                for sample, labels, number in samples
            },
        )
        for name, kind, words, samples in orjson.loads(text)
    }


def lasting(totals: Totals) -> Totals:
    """The part that outlives its worker: without gauges."""
    return {name: family for name, family in totals.items() if family.kind in LASTING}


def add_up(into: Totals, more: Iterable[Totals], rules: Mapping[str, Over]) -> None:
    """Add other workers' totals to `into`, metric by metric.

    rules   how gauges read over workers, by name; SUM when nothing is said
    """
    for totals in more:
        for name, family in totals.items():
            rule = rules.get(name, Over.SUM)
            if rule is Over.OWN:
                continue
            mine = into.get(name)
            if mine is None:
                into[name] = Family(name, family.kind, family.text, dict(family.samples))
            else:
                _add(mine.samples, family.samples, rule)


def _add(into: dict[SampleKey, float], more: dict[SampleKey, float], rule: Over) -> None:
    for key, value in more.items():
        known = into.get(key)
        into[key] = value if known is None else _JOINED[rule](known, value)
