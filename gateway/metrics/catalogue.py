"""Every metric that `/metrics` may show, in the groups in which the documents tell of them."""

from gateway.metrics import declared as d
from gateway.metrics import machine
from gateway.metrics.metric import Metric

GROUPS: tuple[tuple[str, tuple[Metric, ...]], ...] = (
    (
        "Calls, as OpenTelemetry names them",
        (d.REQUEST_DURATION, d.FIRST_TOKEN, d.OUTPUT_TOKEN, d.TOKEN_USAGE),
    ),
    (
        "Calls",
        (
            d.CALLS,
            d.OVERHEAD,
            d.ATTEMPTS,
            d.ATTEMPTS_PER_CALL,
            d.FAILOVERS,
            d.TOKENS,
            d.REFUSED,
            d.STREAMS_OPEN,
            d.CALLS_WAITING,
            d.PICTURES,
            d.RESPONSES_KEPT,
        ),
    ),
    ("Who calls", (d.TOKEN_CALLS, d.TOKEN_TOKENS)),
    (
        "Keys and quota",
        (d.KEYS, d.MODEL_KEYS, d.NEXT_KEY, d.QUOTA_LEFT, d.QUOTA_LIMIT, d.QUOTA_RESET),
    ),
    ("Single keys", (d.KEY_UP, d.KEY_STATE, d.KEY_REST, d.KEY_ATTEMPTS)),
    ("The way to the provider", (d.UPSTREAM_REQUESTS, d.CONNECTIONS_OPENED, d.CONNECTIONS_REUSED)),
    ("The database", (d.STORE_DURATION, d.STORE_FAILURES, d.QUEUE_DEPTH, d.RECORDS_DROPPED)),
    (
        "The gateway's processes",
        (d.BUILD, d.LOOP_LAG, d.WORKERS, d.WORKERS_SILENT, d.WORKER_RESTARTS, *machine.ALL),
    ),
)

METRICS: tuple[Metric, ...] = tuple(metric for _, group in GROUPS for metric in group)
