"""Every metric: its name, its labels, its help, and who feeds it.

The only module that knows prometheus_client. Label values are bounded: model names beyond a hundred are
`other`. Children are cached, because looking one up costs more than counting.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.protocols.failures import FailureKind
from gateway.store.records import CallRecord
from gateway.totals import Family, Over, Totals

MAX_MODELS = 100
OTHER = "other"
# Buckets in seconds. Source: OpenTelemetry GenAI metrics conventions, server metrics.
_DURATION_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84)
_FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 60.0)
_ATTEMPTS = (1, 2, 3, 4, 5, 8, 16)

Reading = Mapping[tuple[str, ...], float]


class _Calls:
    """The children of one (dialect, operation, model, outcome)."""

    __slots__ = ("attempts", "count", "duration", "first_token", "tokens")

    def __init__(self, metrics: "Metrics", dialect: str, operation: str, model: str, outcome: str) -> None:
        self.count = metrics.calls.labels(dialect, operation, model, outcome)
        self.duration = metrics.duration.labels(operation, model, outcome)
        self.first_token = metrics.first_token.labels(operation, model)
        self.attempts = metrics.attempts_per_call.labels(operation)
        self.tokens = {
            kind: metrics.tokens.labels(model, kind) for kind in ("input", "output", "thoughts", "cached")
        }


class Metrics:
    """The process's metrics. One per process; tests build their own.

    over_workers   how gauges that are not sums read over several workers, by name (totals.py)
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
        self.registry = CollectorRegistry()
        registry = self.registry
        self.calls = Counter(
            "gateway_calls_total",
            "Client calls by how they ended.",
            ("dialect", "operation", "model", "outcome"),
            registry=registry,
        )
        self.attempts = Counter(
            "gateway_attempts_total",
            "Attempts on a key; kind is the failure's, or ok.",
            ("model", "kind"),
            registry=registry,
        )
        self.key_attempts = Counter(
            "gateway_key_attempts_total",
            "Attempts by key (the first METRICS_MAX_KEYS keys); kind is the failure's, or ok.",
            ("key_id", "key", "kind"),
            registry=registry,
        )
        self.failovers = Counter(
            "gateway_failovers_total",
            "Calls moved to a further attempt, by reason.",
            ("kind",),
            registry=registry,
        )
        self.attempts_per_call = Histogram(
            "gateway_attempts_per_call",
            "Attempts a call needed.",
            ("operation",),
            buckets=_ATTEMPTS,
            registry=registry,
        )
        self.duration = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Time from a call's head to the end of its answer.",
            ("gen_ai_operation_name", "gen_ai_request_model", "outcome"),
            buckets=_DURATION_S,
            registry=registry,
        )
        self.first_token = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "Time from a call's head to the first content sent.",
            ("gen_ai_operation_name", "gen_ai_request_model"),
            buckets=_FIRST_TOKEN_S,
            registry=registry,
        )
        self.tokens = Counter(
            "gateway_tokens_total",
            "Tokens as the upstream counted them.",
            ("model", "type"),
            registry=registry,
        )
        self.refused = Counter(
            "gateway_refused_requests_total",
            "Requests answered without a call: bad token, bad request, unknown route.",
            ("dialect", "status"),
            registry=registry,
        )
        build = Gauge("gateway_build_info", "The version that runs.", ("version",), registry=registry)
        build.labels(__version__).set(1)
        self.over_workers = {"gateway_build_info": Over.OWN}
        self._models: set[str] = set()
        self._calls: dict[tuple[str, str, str, str], _Calls] = {}
        self._attempts: dict[tuple[str, FailureKind | None], Counter] = {}
        self._refused: dict[tuple[str, int], Counter] = {}
        self._keys: dict[int, dict[FailureKind | None, Counter]] = {}
        self._aliases: dict[int, str] = {}

    def watch(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        read: Callable[[], Reading],
        *,
        counter: bool = False,
        over: Over = Over.SUM,
    ) -> None:
        """Register a reading taken at each scrape.

        labels  the labels' names; none for a single value under the key ()
        read    gives the labels' values → number
        over    what a gauge says of several workers; counters are always summed
        """
        if over is not Over.SUM:
            self.over_workers[name] = over
        self.registry.register(_Reading(name, text, labels, read, counter=counter))

    def exposition(self) -> tuple[bytes, str]:
        """The text to answer a scrape with, and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def totals(self) -> Totals:
        """Everything this process has counted and reads now, as values."""
        return {
            metric.name: Family(
                metric.name,
                metric.type,
                metric.documentation,
                {(sample.name, tuple(sample.labels.items())): sample.value for sample in metric.samples},
            )
            for metric in self.registry.collect()
        }

    def exposition_of(self, totals: Totals) -> tuple[bytes, str]:
        """As `exposition`, of totals that may be those of several workers."""
        return generate_latest(_Written(totals)), CONTENT_TYPE_LATEST

    # Fed by the relay.

    def show_keys(self, aliases: Mapping[int, str]) -> None:
        """Give exactly these keys series of their own: masked names by key id."""
        gone = [key_id for key_id, alias in self._aliases.items() if aliases.get(key_id) != alias]
        for key_id in gone:
            for kind in self._keys.pop(key_id, {}):
                self.key_attempts.remove(str(key_id), self._aliases[key_id], _named(kind))
        self._aliases = dict(aliases)

    def attempt_over(self, model: str, kind: FailureKind | None, key_id: int) -> None:
        key = (self.model_label(model, proven=kind is None), kind)
        child = self._attempts.get(key)
        if child is None:
            child = self._attempts[key] = self.attempts.labels(key[0], _named(kind))
        child.inc()
        alias = self._aliases.get(key_id)
        if alias is not None:
            counts = self._keys.setdefault(key_id, {})
            of_key = counts.get(kind)
            if of_key is None:
                of_key = counts[kind] = self.key_attempts.labels(str(key_id), alias, _named(kind))
            of_key.inc()

    def call_over(self, record: CallRecord) -> None:
        model = self.model_label(record.model, proven=record.outcome == "success")
        key = (record.dialect, record.operation, model, record.outcome)
        child = self._calls.get(key)
        if child is None:
            child = self._calls[key] = _Calls(self, *key)
        child.count.inc()
        child.duration.observe(record.duration_ms / 1000)
        attempts = record.attempts
        if attempts:
            child.attempts.observe(len(attempts))
        if record.first_token_ms is not None and record.outcome == "success":
            child.first_token.observe(record.first_token_ms / 1000)
        self._count_tokens(child, record)
        if len(attempts) > 1:
            for attempt in attempts[:-1]:
                self.failovers.labels(attempt.failure_kind or "ok").inc()

    def refused_request(self, dialect: str, status: int) -> None:
        child = self._refused.get((dialect, status))
        if child is None:
            child = self._refused[(dialect, status)] = self.refused.labels(dialect, str(status))
        child.inc()

    def is_shown(self, model: str) -> bool:
        """Whether a model has series of its own."""
        return model in self._models

    def model_label(self, model: str, *, proven: bool) -> str:
        """The model's name, or `other` for one that never answered: names come from clients.

        proven   this very attempt or call shows that the model exists
        """
        if model in self._models:
            return model
        if not proven or len(self._models) >= MAX_MODELS:
            return OTHER
        self._models.add(model)
        return model

    @staticmethod
    def _count_tokens(child: _Calls, record: CallRecord) -> None:
        tokens = child.tokens
        if record.prompt_tokens:
            tokens["input"].inc(record.prompt_tokens)
        if record.completion_tokens:
            tokens["output"].inc(record.completion_tokens)
        if record.thought_tokens:
            tokens["thoughts"].inc(record.thought_tokens)
        if record.cached_tokens:
            tokens["cached"].inc(record.cached_tokens)


def _named(kind: FailureKind | None) -> str:
    return "ok" if kind is None else kind.value


class _Reading(Collector):
    """One metric whose values are asked for at scrape time."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Reading], *, counter: bool
    ) -> None:
        self._name, self._text, self._labels, self._read = name, text, labels, read
        self._family = CounterMetricFamily if counter else GaugeMetricFamily

    def collect(self) -> list[Metric]:
        family = self._family(self._name, self._text, labels=self._labels)
        for values, number in self._read().items():
            family.add_metric(values, number)
        return [family]


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
