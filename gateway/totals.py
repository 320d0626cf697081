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

Sample = str
"""What a sample is of, as both text formats write it: `name_bucket{label="value",le="0.5"}`. Strings keep
their hash, so that thousands of them are added up quickly."""

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
    samples: dict[Sample, float]


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
                {sample: value for sample, value in family.samples.items() if math.isfinite(value)},
            )
            for family in totals.values()
        ]
    )


def read_back(text: bytes) -> Totals:
    """What `write_down` wrote. Raises ValueError for a text that is cut off or something else."""
    return {name: Family(name, kind, words, samples) for name, kind, words, samples in orjson.loads(text)}


def sample_of(name: str, labels: Iterable[tuple[str, str]] = ()) -> Sample:
    """A sample's text: its own name (`…_bucket`, `…_total`) and its labels, sorted and escaped."""
    pairs = ",".join([f'{label}="{_escaped(value)}"' for label, value in sorted(labels)])
    return f"{name}{{{pairs}}}" if pairs else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


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


def _add(into: dict[Sample, float], more: dict[Sample, float], rule: Over) -> None:
    for key, value in more.items():
        known = into.get(key)
        into[key] = value if known is None else _JOINED[rule](known, value)
