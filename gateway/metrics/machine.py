"""The process as Linux sees it, under the names that every Prometheus client uses; nothing without /proc."""

from collections.abc import Iterator

from gateway.metrics.exposition import machine_samples
from gateway.metrics.metric import counter, gauge
from gateway.totals import Family, Over

CPU = counter(
    "process_cpu_seconds_total",
    "Processor time the workers used, in seconds; of those that ended too.",
    advice="Its rate is the number of processors in use. A worker at 1 is at its limit: add workers.",
)
MEMORY = gauge(
    "process_resident_memory_bytes",
    "Memory that the workers hold, those pages they share counted for each.",
    advice="Grows with open streams and large bodies; when it only ever grows, tell us.",
)
VIRTUAL_MEMORY = gauge(
    "process_virtual_memory_bytes",
    "Address space of the workers.",
    advice="Says little by itself.",
)
STARTED = gauge(
    "process_start_time_seconds",
    "When the oldest worker started, in epoch seconds.",
    advice="time() minus it is how long the gateway has been up; a change is a restart.",
    over=Over.MIN,
)
OPEN_FILES = gauge(
    "process_open_fds",
    "Descriptors the workers have open: a stream takes two.",
    advice="Near process_max_fds: raise LimitNOFILE or ulimit -n.",
)
MOST_FILES = gauge(
    "process_max_fds",
    "Descriptors the workers may open, added up.",
    advice="The limit of the one above.",
)
ALL = (CPU, MEMORY, VIRTUAL_MEMORY, STARTED, OPEN_FILES, MOST_FILES)


def families() -> Iterator[Family]:
    """The metrics as the machine tells them now."""
    told = machine_samples()
    for metric in ALL:
        if metric.name in told:
            yield metric.reading({(): told[metric.name]})
