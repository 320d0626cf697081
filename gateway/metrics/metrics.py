"""The gateway's metrics, and what the ledger tells them of calls, attempts and refusals.

Label values are bounded: model names beyond a hundred are `other`, and so are names of access tokens. Series
are looked up once for each kind of call, because looking one up costs more than counting.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType

from gateway import __version__
from gateway.metrics import declared
from gateway.metrics.counting import Count
from gateway.metrics.registry import Registry
from gateway.pool.key import GEMINI, PAID, VERTEX
from gateway.protocols.failures import FailureKind
from gateway.store.records import AttemptRecord, CallRecord

MAX_MODELS = 100
MAX_TOKENS = 100
OTHER = "other"
# Source: OpenTelemetry's registry of attributes, gen_ai.operation.name and gen_ai.provider.name: where one of
# the known values applies it must be used, else our own.
_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "completions": "text_completion",
        "generateContent": "generate_content",
        "images": "generate_content",
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


class _Calls:
    """The series of one kind of call; those that not every call feeds are made when one does."""

    __slots__ = (
        "_metrics",
        "_named",
        "attempts",
        "count",
        "duration",
        "model",
        "overhead",
        "streams",
        "tokens",
    )

    def __init__(self, metrics: "Metrics", model: str, record: CallRecord, provider: str) -> None:
        operation = record.operation
        named = (_OPERATIONS.get(operation, operation), _PROVIDERS.get(provider, _ANY_GOOGLE), model)
        error = "" if record.outcome == "success" else record.failure_kind or record.outcome
        self.model = model
        self._metrics = metrics
        self._named = named
        self.count = metrics.calls.of(record.dialect, operation, model, record.outcome)
        self.duration = metrics.duration.of(*named, error)
        self.attempts = metrics.attempts_per_call.of(operation)
        self.overhead = metrics.overhead.of(operation)
        self.streams: _Streams | None = None
        self.tokens: _Tokens | None = None

    def of_streams(self) -> "_Streams":
        if self.streams is None:
            self.streams = _Streams(self._metrics, self._named)
        return self.streams

    def of_tokens(self) -> "_Tokens":
        if self.tokens is None:
            self.tokens = _Tokens(self._metrics, self._named)
        return self.tokens


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
        self._calls: dict[tuple[str, str, str, str, str, str | None], _Calls] = {}
        self._of_tokens: dict[tuple[str, str, str], _OfToken] = {}
        self._attempts: dict[tuple[str, FailureKind | None], Count] = {}
        self._keys: dict[tuple[int, FailureKind | None], Count] = {}
        self._aliases: dict[int, str] = {}

    # Fed by the relay, through the ledger.

    def attempt_over(self, model: str, kind: FailureKind | None, key_id: int) -> None:
        child = self._attempts.get((model, kind)) or self._attempt(model, kind)
        child.value += 1
        if key_id in self._aliases:
            of_key = self._keys.get((key_id, kind))
            if of_key is None:
                of_key = self.key_attempts.of(str(key_id), self._aliases[key_id], _named(kind))
                self._keys[key_id, kind] = of_key
            of_key.value += 1

    def call_over(
        self, record: CallRecord, *, provider: str, token: str, own_s: float, telling_s: float | None = None
    ) -> None:
        """Count a call.

        token      the name of the access token it came with
        own_s      what the gateway worked on it
        telling_s  from its first content to its end, where the answer came as fast as the model made it
        """
        kind = (record.dialect, record.operation, record.model, record.outcome, provider, record.failure_kind)
        series = self._calls.get(kind) or self._series(record, provider)
        series.count.value += 1
        series.duration.observe(record.duration_ms / 1000)
        series.overhead.observe(own_s)
        attempts = record.attempts
        if attempts:
            series.attempts.observe(len(attempts))
            if len(attempts) > 1:
                self._count_failovers(attempts)
        model = series.model
        of_token = self._of_tokens.get((token, model, record.outcome)) or self._token(token, model, record)
        of_token.calls.value += 1
        output = record.completion_tokens + record.thought_tokens
        if record.first_token_ms is not None and record.stream and record.outcome == "success":
            streams = series.streams or series.of_streams()
            streams.first_token.observe(record.first_token_ms / 1000)
            if telling_s is not None and output > 1:
                streams.output_token.observe(telling_s / (output - 1))
        if record.total_tokens:
            # What server-side tools fed in is in the total alone.
            given = max(record.total_tokens - output, record.prompt_tokens)
            tokens = series.tokens or series.of_tokens()
            tokens.input_usage.observe(given)
            if output:  # counts of tokens and embeddings have none
                tokens.output_usage.observe(output)
            tokens.input.value += record.prompt_tokens
            tokens.output.value += record.completion_tokens
            tokens.thoughts.value += record.thought_tokens
            tokens.cached.value += record.cached_tokens
            of_token.input.value += given
            of_token.output.value += output

    def refused_request(self, dialect: str, status: int) -> None:
        self.refused.of(dialect, str(status)).add()

    def store_worked(self, work: str, duration_s: float) -> None:
        self.store_duration.of(work).observe(duration_s)

    # What has series of its own.

    def show_keys(self, aliases: Mapping[int, str]) -> None:
        """Give exactly these keys series of their own: masked names by key id."""
        gone = {key_id for key_id, alias in self._aliases.items() if aliases.get(key_id) != alias}
        for key_id, kind in [key for key in self._keys if key[0] in gone]:
            del self._keys[key_id, kind]
            self.key_attempts.forget(str(key_id), self._aliases[key_id], _named(kind))
        self._aliases = dict(aliases)

    def keep_tokens(self, names: Container[str]) -> None:
        """Give up the series of access tokens that are not among these."""
        gone = {name for name in self._tokens if name not in names}
        if gone:
            self._tokens -= gone
            self._of_tokens = {key: kept for key, kept in self._of_tokens.items() if key[0] not in gone}
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

    def _series(self, record: CallRecord, provider: str) -> _Calls:
        """The series of a kind of call, kept under the name its model is shown by."""
        model = self.model_label(record.model, proven=record.outcome == "success")
        key = (record.dialect, record.operation, model, record.outcome, provider, record.failure_kind)
        found = self._calls.get(key)
        if found is None:
            found = self._calls[key] = _Calls(self, model, record, provider)
        return found

    def _token(self, name: str, model: str, record: CallRecord) -> _OfToken:
        """The series of a token, kept under its name for as long as it has any of its own."""
        label = self._token_label(name)
        found = _OfToken(self, label, model, record.outcome)
        if label == name:
            self._of_tokens[name, model, record.outcome] = found
        return found

    def _token_label(self, name: str) -> str:
        if name in self._tokens:
            return name
        if not name or len(self._tokens) >= MAX_TOKENS:
            return OTHER
        self._tokens.add(name)
        return name

    def _count_failovers(self, attempts: tuple[AttemptRecord, ...]) -> None:
        for attempt in attempts[:-1]:
            self.failovers.of(attempt.failure_kind or "ok").add()


def _named(kind: FailureKind | None) -> str:
    return "ok" if kind is None else kind.value
