"""What `/metrics` reads at each scrape: the pool, the store, the way upstream.

Everything here is bounded: models by the pool's own bound, keys by METRICS_MAX_KEYS.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.control.ledger import Ledger
from gateway.control.survey import QuotaSurvey
from gateway.metrics import Metrics, Reading
from gateway.pool.bucket import BucketState
from gateway.pool.key import KeyState
from gateway.pool.pool import Pool
from gateway.store.store import Store
from gateway.totals import Over
from gateway.upstream.curl import CurlTransport

NO_LABELS: tuple[str, ...] = ()


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
    ) -> None:
        self._metrics = metrics
        self._pool = pool
        self._survey = survey
        self._wall_s = wall_s
        self._most_keys = most_keys

    async def refresh(self) -> None:
        """Look anew at what is too much to look at during a scrape. A job of every process."""
        shown = self._pool.standings(self._wall_s(), self._most_keys())
        self._metrics.show_keys({key.key_id: key.alias for key in shown})
        await self._survey.look()

    def watch(self) -> None:
        """Have `/metrics` read all of this."""
        by_model = ("provider", "model")
        quota = (*by_model, "window", "unit")
        key = ("key_id", "key", "provider")
        for name, text, labels, read in (
            ("gateway_keys", "Keys by state.", ("provider", "state"), self._keys),
            (
                "gateway_model_keys",
                "Usable keys by model and state of their quota.",
                (*by_model, "state"),
                self._model_keys,
            ),
            (
                "gateway_next_key_seconds",
                "Seconds until a key can serve the model; 0 when one can now, absent when none ever will.",
                by_model,
                self._next_key,
            ),
            (
                "gateway_learned_quota_left",
                "What is left of learned limits, over all keys and projects that have one.",
                quota,
                self._quota_left,
            ),
            (
                "gateway_learned_quota_limit",
                "Learned limits, over all keys and projects that have one.",
                quota,
                self._quota_limit,
            ),
            (
                "gateway_key_up",
                "1 for a key that may serve calls, 0 for another (the first METRICS_MAX_KEYS keys).",
                key,
                self._key_up,
            ),
            (
                "gateway_key_rest_seconds",
                "Seconds until a resting key comes back (the first METRICS_MAX_KEYS keys).",
                (*key, "reason"),
                self._key_rest,
            ),
        ):
            self._metrics.watch(name, text, labels, read, over=Over.OWN)

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

    def _key_up(self) -> Reading:
        return {
            (str(key.key_id), key.alias, key.provider): float(key.state is KeyState.ACTIVE)
            for key in self._pool.standings(self._wall_s(), self._most_keys())
        }

    def _key_rest(self) -> Reading:
        now_s = self._wall_s()
        return {
            (str(key.key_id), key.alias, key.provider, key.kind.value): max(key.until_s - now_s, 0.0)
            for key in self._pool.standings(now_s, self._most_keys())
            if key.kind is not None and key.until_s is not None
        }

    def _quota_left(self) -> Reading:
        return {name: float(left.limit - left.used) for name, left in self._survey.left.items()}

    def _quota_limit(self) -> Reading:
        return {name: float(left.limit) for name, left in self._survey.left.items()}


def watch_store(metrics: Metrics, store: Store) -> None:
    """The queue of records and what became of it."""
    watch = metrics.watch
    watch(
        "gateway_record_queue_depth",
        "Call records waiting to be written.",
        NO_LABELS,
        lambda: {NO_LABELS: float(store.health().depth)},
    )
    watch(
        "gateway_records_dropped",
        "Call records lost: the queue was full or the database refused them.",
        NO_LABELS,
        lambda: {NO_LABELS: float(store.health().dropped)},
        counter=True,
    )
    watch(
        "gateway_store_failures",
        "Writes the database refused.",
        NO_LABELS,
        lambda: {NO_LABELS: float(store.health().failures)},
        counter=True,
    )


def watch_pictures(metrics: Metrics, counts: Mapping[str, int]) -> None:
    """What became of generated pictures."""
    metrics.watch(
        "gateway_pictures",
        "Generated pictures for the image host: stored, refused by it, failed, or skipped while it rests.",
        ("outcome",),
        lambda: {(outcome,): float(count) for outcome, count in counts.items()},
        counter=True,
    )


def watch_calls(metrics: Metrics, ledger: Ledger, waiting: Callable[[], int], transport: object) -> None:
    """What is under way, and the connections it goes over."""
    watch = metrics.watch
    watch(
        "gateway_streams_open",
        "Streams being relayed.",
        NO_LABELS,
        lambda: {NO_LABELS: float(ledger.streams_open)},
    )
    watch(
        "gateway_calls_waiting",
        "Calls that wait for a key while all of them rest.",
        NO_LABELS,
        lambda: {NO_LABELS: float(waiting())},
    )
    if isinstance(transport, CurlTransport):
        watch(
            "gateway_upstream_connections_opened",
            "Connections opened to the upstream.",
            NO_LABELS,
            lambda: {NO_LABELS: float(transport.connections_opened)},
            counter=True,
        )
        watch(
            "gateway_upstream_requests",
            "Requests sent to the upstream.",
            NO_LABELS,
            lambda: {NO_LABELS: float(transport.requests_sent)},
            counter=True,
        )
