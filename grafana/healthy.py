"""The dashboard *Is it healthy*: traffic, errors, latency, the gateway's own cost."""

from grafana.boards import DIALECT, JOB, MODEL, Dashboard, Row, link_to
from grafana.looks import DEAD, GOOD, OUTCOME_COLOURS, RESTING, bad_above, bad_below
from grafana.panels import Query, bars, heatmap, series, stat
from grafana.promql import (
    RANGE,
    RATE,
    increase,
    or_zero,
    over_providers,
    quantile,
    rate,
    share,
    total,
    worst,
)

CALLS = 'job=~"$job", dialect=~"$dialect", model=~"$model"'
ASKED = 'job=~"$job", gen_ai_request_model=~"$model"'
OF_A_MODEL = f'{ASKED}, gen_ai_request_model!=""'  # model lists are asked of none
HERE = 'job=~"$job"'
_NOT_KEPT = f'{HERE}, outcome!="kept"'
OURS = 'outcome!~"client_error|client_closed|blocked"'
"""Calls that count: a client's own mistakes, its leaving and blocked content are no failures of ours."""

DURATION = "gen_ai_server_request_duration_seconds"
OVERHEAD = "gateway_overhead_seconds"
SUCCESS = share(
    rate("gateway_calls_total", f'{CALLS}, outcome="success"'),
    rate("gateway_calls_total", f"{CALLS}, {OURS}"),
)
_SLOWNESS = quantile(0.95, DURATION, OF_A_MODEL, by="gen_ai_request_model", over=RANGE)
# Every process exports its own start and memory; only those of the gateway are meant.
_GATEWAYS = f"and on (job, instance) gateway_build_info{{{HERE}}}"

NOW = Row(
    "Now",
    (
        stat(
            "Calls that succeed",
            "The share of calls that were served, among those that were not the client's own doing. Below 99 "
            "% look at the failures by outcome; below 95 % GatewayCallsFailing fires.",
            Query(SUCCESS),
            unit="percentunit",
            steps=bad_below(0.99, 0.95),
            nothing="no calls",
            decimals=2,
        ),
        stat(
            "Calls",
            "Client calls that ended, each second, however they ended.",
            Query(or_zero(rate("gateway_calls_total", CALLS))),
            unit="reqps",
        ),
        stat(
            "95 % answered within",
            "The duration below which 95 of 100 calls stay, from the call's head to the end of its answer. "
            "Long answers take long: look at the time to first token before you blame anybody.",
            Query(quantile(0.95, DURATION, ASKED)),
            unit="s",
            nothing="no calls",
        ),
        stat(
            "Gateway's own time, 95 %",
            "What the gateway itself adds to a call: its time less the waiting for Google and for the "
            "client.",
            Query(quantile(0.95, OVERHEAD, HERE)),
            unit="s",
            steps=bad_above(0.025, 0.1),
            nothing="no calls",
        ),
        stat(
            "Keys ready",
            "The share of enabled keys that may serve calls now. The keys' dashboard says what ails the "
            "others.",
            Query(
                share(
                    over_providers(worst("gateway_keys", f'{HERE}, state="active"', by="provider")),
                    over_providers(worst("gateway_keys", f'{HERE}, state!="disabled"', by="provider, state")),
                )
            ),
            unit="percentunit",
            steps=bad_below(0.5, 0.25),
            nothing="no keys",
            link=link_to("gateway-keys", "Which key is sick"),
        ),
        stat(
            "Alerts",
            "Alerts of the gateway that fire now. docs/runbook.md has a section for each.",
            Query('count (ALERTS{alertstate="firing", alertname=~"Gateway.+"}) or vector(0)'),
            unit="short",
            steps=bad_above(1, 3),
        ),
    ),
)

TRAFFIC = Row(
    "Traffic",
    (
        series(
            "Calls by outcome",
            "How calls end, each second. Green was served; grey was the client's own doing; amber met limits "
            "or no free key; red is a failure of Google, of the network, or a stream that broke.",
            Query(rate("gateway_calls_total", CALLS, by="outcome"), "{{outcome}}"),
            unit="reqps",
            stacked=True,
            colours=OUTCOME_COLOURS,
        ),
        series(
            "Calls by dialect and operation",
            "What clients ask for, and in whose dialect, each second.",
            Query(rate("gateway_calls_total", CALLS, by="dialect, operation"), "{{dialect}} {{operation}}"),
            unit="reqps",
            stacked=True,
        ),
        series(
            "Under way",
            "Streams that are being relayed, and calls that wait for a key because every key rests. Waiting "
            "calls for minutes on end mean too few keys.",
            Query(total("gateway_streams_open", HERE), "streams open"),
            Query(total("gateway_calls_waiting", HERE), "calls waiting for a key"),
            unit="short",
            colours={"streams open": GOOD, "calls waiting for a key": RESTING},
        ),
        series(
            "Requests refused",
            "Requests answered without a call, each second, by HTTP status: 401 a wrong token, 403 one that "
            "may not, 404 an unknown route, 413 too large, 429 over a token's own limit.",
            Query(
                rate("gateway_refused_requests_total", f'{HERE}, dialect=~"$dialect"', by="status"),
                "{{status}}",
            ),
            unit="reqps",
            stacked=True,
        ),
    ),
)

ERRORS = Row(
    "Errors",
    (
        series(
            "Calls that succeed",
            "The share of served calls over time, by dialect. The line is where GatewayCallsFailing fires.",
            Query(
                share(
                    rate("gateway_calls_total", f'{CALLS}, outcome="success"', by="dialect"),
                    rate("gateway_calls_total", f"{CALLS}, {OURS}", by="dialect"),
                ),
                "{{dialect}}",
            ),
            unit="percentunit",
            steps=bad_below(0.99, 0.95),
            most=1,
        ),
        series(
            "Failed calls by model",
            "Calls that clients saw fail, each second, by model and outcome. What was cured by another key "
            "is not in here but under failovers, on the keys' dashboard.",
            Query(
                rate("gateway_calls_total", f'{CALLS}, {OURS}, outcome!="success"', by="model, outcome"),
                "{{model}} {{outcome}}",
            ),
            unit="reqps",
            stacked=True,
        ),
    ),
)

LATENCY = Row(
    "Latency",
    (
        series(
            "Duration of calls",
            "How long calls take, whole answers and streams together, from their head to their end.",
            *(Query(quantile(level, DURATION, ASKED), f"{level * 100:g} %") for level in (0.5, 0.95, 0.99)),
            unit="s",
        ),
        heatmap(
            "Spread of durations",
            "Each column tells how calls that ended then were spread over durations: two bands are two kinds "
            "of calls.",
            Query(rate(f"{DURATION}_bucket", ASKED, by="le"), "{{le}}"),
            unit="s",
        ),
        series(
            "Duration by operation, 95 %",
            "The duration below which 95 of 100 calls stay, by operation.",
            Query(quantile(0.95, DURATION, ASKED, by="gen_ai_operation_name"), "{{gen_ai_operation_name}}"),
            unit="s",
        ),
        bars(
            "Slowest models, 95 %",
            "The duration below which 95 of 100 calls stayed in the time shown, for the ten slowest models.",
            Query(
                f"topk (10, {_SLOWNESS})",
                "{{gen_ai_request_model}}",
            ),
            unit="s",
            steps=bad_above(30, 120),
        ),
    ),
)

COST = Row(
    "The gateway's own cost",
    (
        series(
            "Own time of a call",
            "What the gateway adds: a call's time less the waiting for Google and for the client. It should "
            "stay within milliseconds; GatewaySlow fires when the 95 % line stays over 100 ms.",
            *(Query(quantile(level, OVERHEAD, HERE), f"{level * 100:g} %") for level in (0.5, 0.95, 0.99)),
            unit="s",
            steps=bad_above(0.025, 0.1),
        ),
        series(
            "Event loop's lag",
            "How late the event loop ran a timer. Everything waits as long: over a quarter of a second "
            "something blocks it, or the machine is overloaded.",
            *(
                Query(quantile(level, "gateway_loop_lag_seconds", HERE), f"{level * 100:g} %")
                for level in (0.5, 0.99)
            ),
            unit="s",
            steps=bad_above(0.1, 0.25),
        ),
        series(
            "Database, 95 %",
            "How long the database takes to read and to write. Calls never wait for it; the admin and the "
            "records do.",
            Query(quantile(0.95, "gateway_store_duration_seconds", HERE, by="work"), "{{work}}"),
            unit="s",
            steps=bad_above(0.25, 1),
        ),
        series(
            "Records on their way to the database",
            "Call records that wait to be written, and those that were lost because the queue was full or "
            "the database refused them: lost ones are missing in the log and its charts. Clients cannot go "
            "on from answers of /v1/responses that were not kept.",
            Query(total("gateway_record_queue_depth", HERE), "waiting"),
            Query(increase("gateway_records_dropped_total", HERE, over="$__rate_interval"), "lost"),
            Query(increase("gateway_store_failures_total", HERE, over="$__rate_interval"), "refused writes"),
            Query(
                or_zero(increase("gateway_kept_responses_total", _NOT_KEPT, over=RATE)), "answers not kept"
            ),
            unit="short",
            colours={"lost": DEAD},
        ),
    ),
)

MACHINE = Row(
    "The machine",
    (
        series(
            "Memory",
            "Resident memory of each gateway, its workers added up.",
            Query(f"process_resident_memory_bytes{{{HERE}}} {_GATEWAYS}", "{{instance}}"),
            unit="bytes",
            width=6,
        ),
        series(
            "Processor",
            "Cores that each gateway keeps busy, its workers added up. One worker cannot use more than one.",
            Query(f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]) {_GATEWAYS}", "{{instance}}"),
            unit="short",
            width=6,
        ),
        series(
            "Connections to Google",
            "Connections opened and used again, each second. Many opened ones cost time in every call.",
            Query(rate("gateway_upstream_connections_opened_total", HERE), "opened"),
            Query(rate("gateway_upstream_connections_reused_total", HERE), "used again"),
            unit="ops",
            width=6,
        ),
        series(
            "Open files",
            "The share of the file descriptors that the gateway may have open. A stream takes two. "
            "GatewayFilesRunOut fires at 80 %.",
            Query(
                f"process_open_fds{{{HERE}}} / process_max_fds{{{HERE}}} {_GATEWAYS}",
                "{{instance}}",
            ),
            unit="percentunit",
            steps=bad_above(0.5, 0.8),
            width=6,
        ),
        stat(
            "Gateways up",
            "The share of the gateways that Prometheus knows and could scrape just now.",
            Query(f"avg (up{{{HERE}}})"),
            unit="percentunit",
            steps=bad_below(1, 0.5),
        ),
        stat(
            "Workers",
            "Worker processes that serve calls, over all gateways.",
            Query(total("gateway_workers", HERE)),
            unit="short",
        ),
        stat(
            "Workers restarted",
            "Workers that ended by themselves in the time shown and were started again.",
            Query(or_zero(f"ceil({increase('gateway_worker_restarts_total', HERE)})")),
            unit="short",
            steps=bad_above(1, 3),
            instant=True,
        ),
        stat(
            "Running since",
            "When the gateway that was started last was started.",
            Query(f"max (process_start_time_seconds{{{HERE}}} {_GATEWAYS}) * 1000"),
            unit="dateTimeFromNow",
            instant=True,
        ),
        stat(
            "Version",
            "The versions that run; two of them are an upgrade under way.",
            Query(f"count by (version) (gateway_build_info{{{HERE}}})", "{{version}}"),
            unit="short",
            instant=True,
            shows="name",
        ),
        stat(
            "Workers silent",
            "Workers that did not answer the last scrape. For longer than a moment: they hang, and so do "
            "their calls.",
            Query(worst("gateway_workers_silent", HERE)),
            unit="short",
            steps=bad_above(1, 2),
        ),
    ),
)

HEALTHY = Dashboard(
    uid="gateway-healthy",
    title="Gateway: is it healthy?",
    description="Traffic, errors, latency, and what the gateway itself costs. Start here.",
    variables=(JOB, DIALECT, MODEL),
    rows=(NOW, TRAFFIC, ERRORS, LATENCY, COST, MACHINE),
    since="now-1h",
)
