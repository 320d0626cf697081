"""The door to prometheus_client: totals as the text that a scrape reads, and the process as Linux sees it."""

from collections.abc import Iterator, Mapping

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from gateway.totals import Totals


def write_text(totals: Totals, accept: str = "") -> tuple[bytes, str]:
    """The text of a scrape, and its media type.

    accept   what the scraper takes, as its header says: OpenMetrics when it asks for it
    """
    encode, media_type = choose_encoder(accept)
    return encode(_Written(totals)), media_type


def machine_samples() -> Mapping[str, float]:
    """What the machine says of this process, by the names that every Prometheus client uses."""
    return {
        sample.name: sample.value
        for metric in ProcessCollector(registry=None).collect()
        for sample in metric.samples
    }


class _Written(Collector):
    """Totals as prometheus_client wants them."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        for family in self._totals.values():
            metric = Metric(family.name, family.text, family.kind)
            for (name, labels), value in family.samples.items():
                metric.add_sample(name, dict(labels), value)
            yield metric
