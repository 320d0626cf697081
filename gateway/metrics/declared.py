"""Every metric of the gateway: its name, kind, labels and buckets, what it means and what to do with it.

Values only; they stand in groups in catalogue.py, of which docs/metrics.md is made. Names and buckets of the
`gen_ai_*` family are OpenTelemetry's, dots turned into underscores as Prometheus has them.
Source: OpenTelemetry semantic conventions for generative AI metrics, server metrics and client token usage.
"""

from gateway.metrics.metric import counter, gauge, histogram
from gateway.totals import Over

_GEN_AI = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_MODEL = ("provider", "model")
_QUOTA = (*_MODEL, "window", "unit")
_KEY = ("key_id", "key", "provider")
# The conventions' buckets, and further ones: a thinking model may be silent for a minute and talk for five.
_DURATION_S = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
)  # fmt: skip
_FIRST_TOKEN_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0,
)  # fmt: skip
_OUTPUT_TOKEN_S = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.75,
    1.0,
    2.5,
)
_TOKENS = tuple(float(4**power) for power in range(14))
_OWN_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_STORE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

# Calls, as OpenTelemetry names them

REQUEST_DURATION = histogram(
    "gen_ai_server_request_duration_seconds",
    "Time of a call from its head to the end of its answer, retries and waits included. error_type is absent "
    "when it succeeded, else the failure kind or the outcome.",
    (*_GEN_AI, "error_type"),
    _DURATION_S,
    advice="What clients experience. Compare with the first token and the overhead to see whose time it is.",
)
FIRST_TOKEN = histogram(
    "gen_ai_server_time_to_first_token_seconds",
    "Time of a successful stream from the call's head to the first content sent.",
    _GEN_AI,
    _FIRST_TOKEN_S,
    advice="Google is slow when this grows for a model while gateway_overhead_seconds does not.",
)
OUTPUT_TOKEN = histogram(
    "gen_ai_server_time_per_output_token_seconds",
    "Time between output tokens, thoughts among them, after the first content of a successful stream. "
    "A client that reads slowly makes it longer.",
    _GEN_AI,
    _OUTPUT_TOKEN_S,
    advice="Its inverse is the tokens per second that a client sees.",
)
TOKEN_USAGE = histogram(
    "gen_ai_client_token_usage",
    "Tokens of a call, as the provider counted them: input with what tools fed in, output with thoughts.",
    (*_GEN_AI, "gen_ai_token_type"),
    _TOKENS,
    advice="How large prompts and answers are; for sums take gateway_tokens_total.",
)

# Calls, in our own words

CALLS = counter(
    "gateway_calls_total",
    "Client calls by how they ended.",
    ("dialect", "operation", "model", "outcome"),
    advice="Traffic and errors. no_key and rate_limited want more keys or patience; upstream_error and "
    "broken are the provider's or the network's; blocked, client_error and client_closed are the client's.",
)
ATTEMPTS = counter(
    "gateway_attempts_total",
    "Attempts of calls, each with one key; kind is the failure's, or ok.",
    ("model", "kind"),
    advice="The share of overloaded is Google's 503, the rate kinds are quota.",
)
ATTEMPTS_PER_CALL = histogram(
    "gateway_attempts_per_call",
    "Attempts that calls took.",
    ("operation",),
    (1, 2, 3, 4, 5, 8, 16),
    advice="Above 1 keys are failing; clients wait for it without seeing it.",
)
FAILOVERS = counter(
    "gateway_failovers_total",
    "Attempts that were followed by another for the same call, by why they failed.",
    ("kind",),
    advice="Failures that clients were spared.",
)
OVERHEAD = histogram(
    "gateway_overhead_seconds",
    "Time the gateway itself worked on a call, from the moment the request had come whole: reading it, "
    "choosing keys, translating, writing. Waiting for the upstream, the client, a key or the next try is not "
    "in it.",
    ("operation",),
    _OWN_S,
    advice="What going through the gateway costs a call, mostly under a millisecond. When it grows the "
    "machine is short of processor: add workers.",
)
TOKENS = counter(
    "gateway_tokens_total",
    "Tokens as the provider counted them. cached are among the input; thoughts are beside the output.",
    ("model", "type"),
    advice="Consumption by model.",
)
REFUSED = counter(
    "gateway_refused_requests_total",
    "Requests answered without a call: bad token, bad request, unknown route.",
    ("dialect", "status"),
    advice="Many 401: a client has an old token, or somebody is guessing.",
)
TOKEN_CALLS = counter(
    "gateway_token_calls_total",
    "Calls by the access token's name: its masked form when it has none, admin for AUTH_TOKEN, other beyond "
    "a hundred names.",
    ("token", "outcome"),
    advice="Who uses the gateway, and whose calls fail.",
)
TOKEN_TOKENS = counter(
    "gateway_token_tokens_total",
    "Model tokens by the access token's name: input with what tools fed in, output with thoughts.",
    ("token", "model", "type"),
    advice="Who consumes how much of what.",
)
PICTURES = counter(
    "gateway_pictures_total",
    "Generated pictures for the image host: stored, refused by it, failed, or skipped while it rests.",
    ("outcome",),
    advice="Anything but stored: look at the image host's account.",
)
RESPONSES_KEPT = counter(
    "gateway_kept_responses_total",
    "Answers of /v1/responses to be kept for clients that go on from them: kept, too large, unfit, or lost.",
    ("outcome",),
    advice="Lost: the database was away or too slow. Clients cannot go on from those that were not kept.",
)
STREAMS_OPEN = gauge(
    "gateway_streams_open",
    "Streams being relayed now.",
    advice="Each holds a connection to the client and one to Google.",
)
CALLS_WAITING = gauge(
    "gateway_calls_waiting",
    "Calls that wait for a key while all of them rest.",
    advice="Above 0 for long: the quota of all keys is used up, see gateway_next_key_seconds.",
)

# Keys

KEYS = gauge(
    "gateway_keys",
    "Keys by state: active, resting, disabled, dead.",
    ("provider", "state"),
    advice="No active one means that no call can be served; dead ones want replacing.",
    over=Over.OWN,
)
MODEL_KEYS = gauge(
    "gateway_model_keys",
    "Active keys by model and by the state of their quota for it.",
    (*_MODEL, "state"),
    advice="How many keys can serve a model now.",
    over=Over.OWN,
)
NEXT_KEY = gauge(
    "gateway_next_key_seconds",
    "Seconds until a key can serve the model; 0 when one can now, absent when none ever will.",
    _MODEL,
    advice="How long clients of the model are going to be refused.",
    over=Over.OWN,
)
QUOTA_LEFT = gauge(
    "gateway_learned_quota_left",
    "What is left of learned limits, over all keys and projects that have one.",
    _QUOTA,
    advice="Divide by the limit, and compare with gateway_quota_reset_seconds: will it last the day?",
    over=Over.OWN,
)
QUOTA_LIMIT = gauge(
    "gateway_learned_quota_limit",
    "Learned limits, over all keys and projects that have one.",
    _QUOTA,
    advice="Grows as limits are learned from refusals; keys that never met theirs are not in it.",
    over=Over.OWN,
)
QUOTA_RESET = gauge(
    "gateway_quota_reset_seconds",
    "Seconds until midnight in Los Angeles, when Google's daily quotas come back.",
    advice="The end of the burn-down.",
    over=Over.OWN,
)
KEY_UP = gauge(
    "gateway_key_up",
    "1 for a key that may serve calls, 0 for another (the first METRICS_MAX_KEYS keys).",
    _KEY,
    advice="Which key is sick. key is its masked form, key_id the one in the admin.",
    over=Over.OWN,
)
KEY_STATE = gauge(
    "gateway_key_state",
    "1 for the state a key is in now; the other states have no series (the first METRICS_MAX_KEYS keys).",
    (*_KEY, "state"),
    advice="A key's states over time.",
    over=Over.OWN,
)
KEY_REST = gauge(
    "gateway_key_rest_seconds",
    "Seconds until a resting key comes back, and why it rests (the first METRICS_MAX_KEYS keys).",
    (*_KEY, "reason"),
    advice="Long rests of many keys: see their reason in the admin.",
    over=Over.OWN,
)
KEY_ATTEMPTS = counter(
    "gateway_key_attempts_total",
    "Attempts by key (the first METRICS_MAX_KEYS keys); kind is the failure's, or ok.",
    ("key_id", "key", "kind"),
    advice="A key whose failures stand out.",
)

# The way upstream, the database, the machine

CONNECTIONS_OPENED = counter(
    "gateway_upstream_connections_opened_total",
    "Connections opened to the upstream or a proxy, failed ones too.",
    advice="Should be far below the requests; else something closes kept connections.",
)
CONNECTIONS_REUSED = counter(
    "gateway_upstream_connections_reused_total",
    "Requests to the upstream that were answered over a connection that was open already.",
    advice="Divide by gateway_upstream_requests_total: each of these was spared a TLS handshake.",
)
UPSTREAM_REQUESTS = counter(
    "gateway_upstream_requests_total",
    "Requests sent to the upstream.",
    advice="More than the attempts: lists of models, checks of keys, dead connections tried anew.",
)
QUEUE_DEPTH = gauge(
    "gateway_record_queue_depth",
    "Call records waiting to be written to the database.",
    advice="Grows while the database is slow or away; at 10,000 a worker the oldest are dropped.",
)
RECORDS_DROPPED = counter(
    "gateway_records_dropped_total",
    "Call records lost: the queue was full or the database refused them.",
    advice="Calls were served, but are missing in the log and in the usage.",
)
STORE_FAILURES = counter(
    "gateway_store_failures_total",
    "Tries, changes and batches of records that the database failed or refused.",
    advice="Look at the database and at the gateway's log.",
)
STORE_DURATION = histogram(
    "gateway_store_duration_seconds",
    "Time the database took for a query (read) or a transaction (write; call records go many to one). "
    "Waiting for a turn is not in it.",
    ("work",),
    _STORE_S,
    advice="Slow reads make the admin slow, slow writes fill the queue; calls wait for neither.",
)
LOOP_LAG = histogram(
    "gateway_loop_lag_seconds",
    "How late the event loop was for a timer, measured twice a second in each worker.",
    (),
    _LAG_S,
    advice="What every call waits in addition. Above 50 ms: too little processor, add workers.",
)
WORKERS = gauge(
    "gateway_workers",
    "Processes that share the port.",
    advice="As WORKERS says.",
    over=Over.OWN,
)
WORKERS_SILENT = gauge(
    "gateway_workers_silent",
    "Workers that did not answer this scrape: only what they had counted before is in it.",
    advice="Above 0 for long: a worker hangs.",
    over=Over.OWN,
)
WORKER_RESTARTS = counter(
    "gateway_worker_restarts_total",
    "Workers started in place of one that ended.",
    advice="Any: the log says why the old one ended; out of memory is the usual reason.",
)
BUILD = gauge(
    "gateway_build_info",
    "The version that runs; always 1.",
    ("version",),
    advice="Which release a change of behaviour began with.",
    over=Over.OWN,
)
