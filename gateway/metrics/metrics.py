"""The gateway's metrics, and what the ledger tells them of calls, attempts and refusals.

Label values are bounded: model names beyond a hundred are `other`, and so are names of access tokens. Series
are looked up once for each kind of call, because looking one up costs more than counting; and calls are
counted many at a time, or when somebody reads.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping
from operator import add, sub
from types import MappingProxyType

from gateway import __version__
from gateway.metrics import declared
from gateway.metrics.counting import Count
from gateway.metrics.registry import Registry
from gateway.pool.key import GEMINI, PAID, VERTEX
from gateway.protocols.failures import FailureKind
from gateway.store.records import AttemptRecord, CallRecord
from gateway.totals import Totals

MAX_MODELS = 100
MAX_TOKENS = 100
OTHER = "other"
_MOST_WAITING = 128
"""Calls that are told and not yet counted: adding up so many takes 0.1 ms."""
# Source: OpenTelemetry's registry of attributes, gen_ai.operation.name and gen_ai.provider.name: where one of
# the known values applies it must be used, else our own.
_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "completions": "text_completion",
        "generateContent": "generate_content",
        "images": "generate_content",
        "responses": "chat",
        "speech": "generate_content",
        "transcription": "generate_content",
        "streamGenerateContent": "generate_content",
        "embedContent": "embeddings",
        "batchEmbedContents": "embeddings",
    }
)
_PROVIDERS: Mapping[str, str] = MappingProxyType(
    {GEMINI: "gcp.gemini", PAID: "gcp.gemini", VERTEX: "gcp.vertex_ai"}
)
_ANY_GOOGLE = "gcp.gen_ai"


_Kind = tuple[str, str, str, str, str, str | None, bool, str]
"""What calls have in common that are counted together: dialect, operation, the model as it is shown, outcome,
provider, failure kind, whether they stream, and their access token as it is shown."""
_Told = tuple[int, float, int, int | None, int | None, float | None, int, int, int, int, int]
"""What a call adds: its duration in ms, the gateway's own seconds, attempts, the last one's key, ms to the
first token, seconds from there to its end, and tokens: prompt, completion, thoughts, cached and all."""


class _Calls:
    """The series of one kind of call; those that not every call feeds are made when one does."""

    __slots__ = (
        "_is_good",
        "_is_stream",
        "_metrics",
        "_named",
        "_streams",
        "_tokens",
        "attempts",
        "count",
        "duration",
        "of_token",
        "overhead",
    )

    def __init__(self, metrics: "Metrics", kind: _Kind) -> None:
        dialect, operation, model, outcome, provider, failure_kind, stream, token = kind
        named = (_OPERATIONS.get(operation, operation), _PROVIDERS.get(provider, _ANY_GOOGLE), model)
        is_good = outcome == "success"
        self._metrics = metrics
        self._named = named
        self._is_good = is_good
        self._is_stream = stream
        self.count = metrics.calls.of(dialect, operation, model, outcome)
        self.duration = metrics.duration.of(*named, "" if is_good else failure_kind or outcome)
        self.attempts = metrics.attempts_per_call.of(operation)
        self.overhead = metrics.overhead.of(operation)
        self.of_token = _OfToken(metrics, token, model, outcome)
        self._streams: _Streams | None = None
        self._tokens: _Tokens | None = None

    def add(self, told: list[_Told]) -> None:
        """Count some calls."""
        durations_ms, own_s, attempts, key_ids, *_ = zip(*told, strict=True)
        self.count.value += len(told)
        self.of_token.calls.value += len(told)
        self.duration.observe_all([duration_ms / 1000 for duration_ms in durations_ms])
        self.overhead.observe_all(own_s)
        self.attempts.observe_all([count for count in attempts if count])
        if self._is_good:
            for key_id, count in Counter(key_ids).items():
                self._metrics.attempts_over(self._named[2], None, key_id, count)
            if self._is_stream:
                self._add_streams(told)
        counted = [each for each in told if each[-1]]
        if counted:
            self._add_tokens(counted)

    def _add_streams(self, told: list[_Told]) -> None:
        began = [each for each in told if each[4] is not None]
        if not began:
            return
        streams = self._streams
        if streams is None:
            streams = self._streams = _Streams(self._metrics, self._named)
        streams.first_token.observe_all([(first_ms or 0) / 1000 for _, _, _, _, first_ms, *_ in began])
        streams.output_token.observe_all(
            [
                telling_s / (completion + thoughts - 1)
                for _, _, _, _, _, telling_s, _, completion, thoughts, _, _ in began
                if telling_s is not None and completion + thoughts > 1
            ]
        )

    def _add_tokens(self, told: list[_Told]) -> None:
        series = self._tokens
        if series is None:
            series = self._tokens = _Tokens(self._metrics, self._named)
        *_, prompts, completions, thoughts, cached, totals = zip(*told, strict=True)
        outputs = list(map(add, completions, thoughts))
        # What server-side tools fed in is in the total alone.
        given = list(map(max, map(sub, totals, outputs), prompts))
        series.input_usage.observe_all(given)
        # Counts of tokens and embeddings have no output.
        series.output_usage.observe_all([output for output in outputs if output])
        series.input.value += sum(prompts)
        series.output.value += sum(completions)
        series.thoughts.value += sum(thoughts)
        series.cached.value += sum(cached)
        self.of_token.input.value += sum(given)
        self.of_token.output.value += sum(outputs)


class _Streams:
    """What successful streams feed beside that."""

    __slots__ = ("first_token", "output_token")

    def __init__(self, metrics: "Metrics", named: tuple[str, str, str]) -> None:
        self.first_token = metrics.first_token.of(*named)
        self.output_token = metrics.output_token.of(*named)


class _Tokens:
    """What calls feed whose tokens were counted."""

    __slots__ = ("cached", "input", "input_usage", "output", "output_usage", "thoughts")

    def __init__(self, metrics: "Metrics", named: tuple[str, str, str]) -> None:
        model = named[2]
        self.input_usage = metrics.token_usage.of(*named, "input")
        self.output_usage = metrics.token_usage.of(*named, "output")
        self.input = metrics.tokens.of(model, "input")
        self.output = metrics.tokens.of(model, "output")
        self.thoughts = metrics.tokens.of(model, "thoughts")
        self.cached = metrics.tokens.of(model, "cached")


class _OfToken:
    """What calls with one access token feed, by model and outcome."""

    __slots__ = ("calls", "input", "output")

    def __init__(self, metrics: "Metrics", token: str, model: str, outcome: str) -> None:
        self.calls = metrics.token_calls.of(token, outcome)
        self.input = metrics.token_tokens.of(token, model, "input")
        self.output = metrics.token_tokens.of(token, model, "output")


class Metrics(Registry):
    """The process's metrics. One per process; tests build their own."""

    def __init__(self) -> None:
        super().__init__()
        self.duration = self.spreads(declared.REQUEST_DURATION)
        self.first_token = self.spreads(declared.FIRST_TOKEN)
        self.output_token = self.spreads(declared.OUTPUT_TOKEN)
        self.token_usage = self.spreads(declared.TOKEN_USAGE)
        self.calls = self.counts(declared.CALLS)
        self.attempts = self.counts(declared.ATTEMPTS)
        self.attempts_per_call = self.spreads(declared.ATTEMPTS_PER_CALL)
        self.failovers = self.counts(declared.FAILOVERS)
        self.overhead = self.spreads(declared.OVERHEAD)
        self.tokens = self.counts(declared.TOKENS)
        self.token_calls = self.counts(declared.TOKEN_CALLS)
        self.token_tokens = self.counts(declared.TOKEN_TOKENS)
        self.refused = self.counts(declared.REFUSED)
        self.key_attempts = self.counts(declared.KEY_ATTEMPTS)
        self.store_duration = self.spreads(declared.STORE_DURATION)
        self.loop_lag = self.spreads(declared.LOOP_LAG).of()
        self.watch(declared.BUILD, lambda: {(__version__,): 1.0})
        self._models: set[str] = set()
        self._tokens: set[str] = set()
        self._calls: dict[_Kind, _Calls] = {}
        self._told: defaultdict[_Kind, list[_Told]] = defaultdict(list)
        self._waiting = 0
        self._attempts: dict[tuple[str, FailureKind | None], Count] = {}
        self._keys: dict[tuple[int, FailureKind | None], Count] = {}
        self._aliases: dict[int, str] = {}

    # Fed by the relay, through the ledger.

    def attempts_over(self, model: str, kind: FailureKind | None, key_id: int | None, count: int = 1) -> None:
        """Count attempts that ended alike with one key; those that went well come with their calls."""
        child = self._attempts.get((model, kind)) or self._attempt(model, kind)
        child.value += count
        if key_id in self._aliases:
            of_key = self._keys.get((key_id, kind))
            if of_key is None:
                of_key = self.key_attempts.of(str(key_id), self._aliases[key_id], _named(kind))
                self._keys[key_id, kind] = of_key
            of_key.value += count

    def call_over(
        self, record: CallRecord, provider: str, token: str, own_s: float, telling_s: float | None = None
    ) -> None:
        """Count a call.

        token      the name of the access token it came with
        own_s      what the gateway worked on it
        telling_s  from its first content to its end, where the answer came as fast as the model made it
        """
        model = record.model
        if model not in self._models:
            model = self.model_label(model, proven=record.outcome == "success")
        if token not in self._tokens:
            token = self._token_label(token)
        kind = (
            record.dialect,
            record.operation,
            model,
            record.outcome,
            provider,
            record.failure_kind,
            record.stream,
            token,
        )
        attempts = record.attempts
        self._told[kind].append(
            (
                record.duration_ms,
                own_s,
                len(attempts),
                record.key_id,
                record.first_token_ms,
                telling_s,
                record.prompt_tokens,
                record.completion_tokens,
                record.thought_tokens,
                record.cached_tokens,
                record.total_tokens,
            )
        )
        if len(attempts) > 1:
            self._count_failovers(attempts)
        self._waiting += 1
        if self._waiting == _MOST_WAITING:
            self._add_up()

    def totals(self) -> Totals:
        self._add_up()
        return super().totals()

    def _add_up(self) -> None:
        """Count the calls that wait: together, a call takes half of the time."""
        told, self._told, self._waiting = self._told, defaultdict(list), 0
        for kind, calls in told.items():
            series = self._calls.get(kind)
            if series is None:
                series = self._calls[kind] = _Calls(self, kind)
            series.add(calls)

    def refused_request(self, dialect: str, status: int) -> None:
        self.refused.of(dialect, str(status)).add()

    def store_worked(self, work: str, duration_s: float) -> None:
        self.store_duration.of(work).observe(duration_s)

    # What has series of its own.

    def show_keys(self, aliases: Mapping[int, str]) -> None:
        """Give exactly these keys series of their own: masked names by key id."""
        self._add_up()
        gone = {key_id for key_id, alias in self._aliases.items() if aliases.get(key_id) != alias}
        for key_id, kind in [key for key in self._keys if key[0] in gone]:
            del self._keys[key_id, kind]
            self.key_attempts.forget(str(key_id), self._aliases[key_id], _named(kind))
        self._aliases = dict(aliases)

    def keep_tokens(self, names: Container[str]) -> None:
        """Give up the series of access tokens that are not among these."""
        self._add_up()
        gone = {name for name in self._tokens if name not in names}
        if gone:
            self._tokens -= gone
            self._calls = {kind: kept for kind, kept in self._calls.items() if kind[-1] not in gone}
            self.token_calls.forget_where("token", gone)
            self.token_tokens.forget_where("token", gone)

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

    def _attempt(self, model: str, kind: FailureKind | None) -> Count:
        """The series of attempts at a model, kept under its name if that is shown."""
        label = self.model_label(model, proven=kind is None)
        found = self.attempts.of(label, _named(kind))
        if label == model:
            self._attempts[model, kind] = found
        return found

    def _token_label(self, name: str) -> str:
        """An access token's name, or `other` for one of too many."""
        if not name or len(self._tokens) >= MAX_TOKENS:
            return OTHER
        self._tokens.add(name)
        return name

    def _count_failovers(self, attempts: tuple[AttemptRecord, ...]) -> None:
        for attempt in attempts[:-1]:
            self.failovers.of(attempt.failure_kind or "ok").add()


def _named(kind: FailureKind | None) -> str:
    return "ok" if kind is None else kind.value
