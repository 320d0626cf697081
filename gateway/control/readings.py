"""What `/metrics` reads at each scrape: the pool, the store, the way upstream.

Everything here is bounded: models by the pool's own bound, keys by METRICS_MAX_KEYS.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from gateway.control.ledger import Ledger
from gateway.control.survey import QuotaSurvey
from gateway.control.tokens import TokenBook
from gateway.metrics import declared
from gateway.metrics.metrics import Metrics
from gateway.metrics.registry import Reading
from gateway.pool.bucket import BucketState
from gateway.pool.calendar import next_pacific_midnight
from gateway.pool.key import KeyState
from gateway.pool.pool import Pool
from gateway.store.store import Store
from gateway.upstream.curl import CurlTransport


class PoolReadings:
    """Keys by state, by model and one by one; what is left of the quotas that were learned.

    most_keys   how many keys have series of their own
    """

    def __init__(
        self,
        metrics: Metrics,
        pool: Pool,
        survey: QuotaSurvey,
        *,
        wall_s: Callable[[], float],
        most_keys: Callable[[], int],
        tokens: TokenBook,
    ) -> None:
        self._metrics = metrics
        self._pool = pool
        self._survey = survey
        self._wall_s = wall_s
        self._most_keys = most_keys
        self._tokens = tokens

    async def refresh(self) -> None:
        """Look anew at what is too much to look at during a scrape. A job of every process."""
        shown = self._pool.standings(self._wall_s(), self._most_keys())
        self._metrics.show_keys({key.key_id: key.alias for key in shown})
        self._metrics.keep_tokens(self._tokens.names)
        await self._survey.look()

    def watch(self) -> None:
        """Have `/metrics` read all of this."""
        watch = self._metrics.watch
        watch(declared.KEYS, self._keys)
        watch(declared.MODEL_KEYS, self._model_keys)
        watch(declared.NEXT_KEY, self._next_key)
        watch(declared.QUOTA_LEFT, self._quota_left)
        watch(declared.QUOTA_LIMIT, self._quota_limit)
        self._metrics.watch_together(
            (declared.KEY_UP, declared.KEY_STATE, declared.KEY_REST), self._single_keys
        )
        self._metrics.watch_number(declared.QUOTA_RESET, self._quota_reset)

    def _keys(self) -> Reading:
        now_s = self._wall_s()
        return {
            (provider, state.value): float(count)
            for provider in self._pool.providers
            for state, count in self._pool.counts(now_s, provider=provider).keys.items()
        }

    def _models(self) -> Iterator[tuple[str, str, Mapping[BucketState, int]]]:
        """The models worth telling of: names that clients made up leave nothing behind."""
        now_s = self._wall_s()
        for provider in self._pool.providers:
            for model, states in self._pool.counts(now_s, provider=provider).models.items():
                rests = any(count for state, count in states.items() if state is not BucketState.OPEN)
                if rests or self._metrics.is_shown(model):
                    yield provider, model, states

    def _model_keys(self) -> Reading:
        return {
            (provider, model, state.value): float(count)
            for provider, model, states in self._models()
            for state, count in states.items()
        }

    def _next_key(self) -> Reading:
        now_s = self._wall_s()
        usable = {
            (provider, model): self._pool.next_usable(model, now_s, provider=provider)
            for provider, model, _ in self._models()
        }
        return {name: max(at_s - now_s, 0.0) for name, at_s in usable.items() if at_s is not None}

    def _single_keys(self) -> tuple[Reading, Reading, Reading]:
        """Whether each key is up, its state, and how long and why it rests."""
        now_s = self._wall_s()
        is_up: dict[tuple[str, ...], float] = {}
        states: dict[tuple[str, ...], float] = {}
        rests: dict[tuple[str, ...], float] = {}
        for key in self._pool.standings(now_s, self._most_keys()):
            named = (str(key.key_id), key.alias, key.provider)
            is_up[named] = float(key.state is KeyState.ACTIVE)
            states[*named, key.state.value] = 1.0
            if key.kind is not None and key.until_s is not None:
                rests[*named, key.kind.value] = max(key.until_s - now_s, 0.0)
        return is_up, states, rests

    def _quota_left(self) -> Reading:
        return {name: float(left.limit - left.used) for name, left in self._survey.left.items()}

    def _quota_limit(self) -> Reading:
        return {name: float(left.limit) for name, left in self._survey.left.items()}

    def _quota_reset(self) -> float:
        now_s = self._wall_s()
        return next_pacific_midnight(now_s) - now_s


def watch_store(metrics: Metrics, store: Store) -> None:
    """The queue of records and what became of it, and how long the database takes."""
    metrics.watch_number(declared.QUEUE_DEPTH, lambda: store.health().depth)
    metrics.watch_number(declared.RECORDS_DROPPED, lambda: store.health().dropped)
    metrics.watch_number(declared.STORE_FAILURES, lambda: store.health().failures)
    store.tell_durations(metrics.store_worked)


def watch_outcomes(metrics: Metrics, *, pictures: Mapping[str, int], responses: Mapping[str, int]) -> None:
    """What became of generated pictures, and of responses to be kept."""
    for metric, counts in ((declared.PICTURES, pictures), (declared.RESPONSES_KEPT, responses)):
        metrics.watch(metric, partial(_by_outcome, counts))


def _by_outcome(counts: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    return {(outcome,): float(count) for outcome, count in counts.items()}


def watch_calls(metrics: Metrics, ledger: Ledger, waiting: Callable[[], int], transport: object) -> None:
    """What is under way, and the connections it goes over."""
    watch = metrics.watch_number
    watch(declared.STREAMS_OPEN, lambda: ledger.streams_open)
    watch(declared.CALLS_WAITING, waiting)
    if isinstance(transport, CurlTransport):
        watch(declared.CONNECTIONS_OPENED, lambda: transport.connections_opened)
        watch(declared.CONNECTIONS_REUSED, lambda: transport.connections_reused)
        watch(declared.UPSTREAM_REQUESTS, lambda: transport.requests_sent)
