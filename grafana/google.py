"""The dashboard *Is Google slow*: time to first token, refusals for overload, what retries cost."""

from grafana.boards import JOB, Dashboard, Row, Variable
from grafana.looks import FAILED, GOOD, bad_above
from grafana.panels import Query, bars, heatmap, series, stat
from grafana.promql import RANGE, mean, quantile, rate, share

MODEL = Variable("model", "Model", "gateway_attempts_total")

ASKED = 'job=~"$job", gen_ai_request_model=~"$model", gen_ai_request_model!=""'
TRIED = 'job=~"$job", model=~"$model"'
ENDED = 'job=~"$job", model=~"$model"'
HERE = 'job=~"$job"'
# Google's own trouble; what keys and clients do wrong is not in it.
TROUBLE = 'kind=~"overloaded|internal|deadline|network|timeout|empty|malformed|truncated"'

TO_BEGIN = "gen_ai_server_time_to_first_token_seconds"
BETWEEN_TOKENS = "gen_ai_server_time_per_output_token_seconds"
DURATION = "gen_ai_server_request_duration_seconds"
PER_CALL = "gateway_attempts_per_call"
OF_MODEL = "gen_ai_request_model"
MODEL_NAME = "{{gen_ai_request_model}}"


def _overloaded(by: str = "") -> str:
    return share(
        rate("gateway_attempts_total", f'{TRIED}, kind="overloaded"', by=by),
        rate("gateway_attempts_total", TRIED, by=by),
    )


_AT_ONCE = rate(f"{PER_CALL}_bucket", f'{HERE}, le="1.0"')
_COUNTED = rate(f"{PER_CALL}_count", HERE)

NOW = Row(
    "Now",
    (
        stat(
            "First token, median",
            "Half of the calls get their first content sooner than this, from the call's head on.",
            Query(quantile(0.5, TO_BEGIN, ASKED)),
            unit="s",
            steps=bad_above(3, 8),
            nothing="no calls",
        ),
        stat(
            "First token, 95 %",
            "95 of 100 calls get their first content sooner than this. GatewayFirstTokenSlow fires at 15 "
            "seconds.",
            Query(quantile(0.95, TO_BEGIN, ASKED)),
            unit="s",
            steps=bad_above(8, 15),
            nothing="no calls",
        ),
        stat(
            "Answered with 503",
            "The share of attempts that Google refused because the model is overloaded. No key helps against "
            "it: GatewayGoogleOverloaded fires at 20 %.",
            Query(_overloaded()),
            unit="percentunit",
            steps=bad_above(0.05, 0.2),
            nothing="no calls",
        ),
        stat(
            "Attempts for a call",
            "How many attempts a call needs in the mean: 1 is best, 2 means that each call is asked twice.",
            Query(mean(PER_CALL, HERE)),
            unit="short",
            steps=bad_above(1.5, 2),
            nothing="no calls",
            decimals=2,
        ),
        stat(
            "Calls tried again",
            "The share of calls that needed more than one attempt.",
            Query(f"clamp_min (1 - {_AT_ONCE} / ({_COUNTED} > 0), 0)"),
            unit="percentunit",
            steps=bad_above(0.2, 0.5),
            nothing="no calls",
        ),
        stat(
            "Streams that broke",
            "The share of calls whose answer ended in the middle, after the client had seen some of it.",
            Query(
                share(
                    rate("gateway_calls_total", f'{ENDED}, outcome="broken"'),
                    rate("gateway_calls_total", f'{ENDED}, outcome=~"success|broken"'),
                )
            ),
            unit="percentunit",
            steps=bad_above(0.01, 0.05),
            nothing="no calls",
        ),
    ),
)

SPEED = Row(
    "Speed",
    (
        series(
            "Time to first token, median",
            "By model: half of the calls get their first content sooner. Attempts that failed before are in "
            "it.",
            Query(quantile(0.5, TO_BEGIN, ASKED, by=OF_MODEL), MODEL_NAME),
            unit="s",
        ),
        series(
            "Time to first token, 95 %",
            "By model: 95 of 100 calls get their first content sooner. The line is where "
            "GatewayFirstTokenSlow fires.",
            Query(quantile(0.95, TO_BEGIN, ASKED, by=OF_MODEL), MODEL_NAME),
            unit="s",
            steps=bad_above(8, 15),
        ),
        heatmap(
            "Spread of times to first token",
            "Each column tells how the times to first token were spread then. A second band far up are calls "
            "that were tried again, or a model that thinks.",
            Query(rate(f"{TO_BEGIN}_bucket", ASKED, by="le"), "{{le}}"),
            unit="s",
        ),
        series(
            "Time per output token, median",
            "By model: the time between tokens once the first has come. 0.01 s are a hundred tokens a "
            "second.",
            Query(quantile(0.5, BETWEEN_TOKENS, ASKED, by=OF_MODEL), MODEL_NAME),
            unit="s",
        ),
        series(
            "Duration of calls, 95 %",
            "By model: the duration below which 95 of 100 calls stay.",
            Query(quantile(0.95, DURATION, ASKED, by=OF_MODEL), MODEL_NAME),
            unit="s",
        ),
        bars(
            "Slowest to begin",
            "The median time to first token in the time shown, for the ten slowest models.",
            Query(f"topk (10, {quantile(0.5, TO_BEGIN, ASKED, by=OF_MODEL, over=RANGE)})", MODEL_NAME),
            unit="s",
            steps=bad_above(3, 8),
        ),
    ),
)

TROUBLES = Row(
    "Google's trouble",
    (
        series(
            "Answered with 503, by model",
            "The share of attempts that Google refused because the model is overloaded. Another key does not "
            "help; another model does. The line is where GatewayGoogleOverloaded fires.",
            Query(_overloaded("model"), "{{model}}"),
            unit="percentunit",
            steps=bad_above(0.05, 0.2),
        ),
        series(
            "Failures of Google and of the way there",
            "Attempts, each second, by kind: overloaded is 503, internal 500, deadline 504; network and "
            "timeout never got an answer; empty, malformed and truncated ones were no use.",
            Query(rate("gateway_attempts_total", f"{TRIED}, {TROUBLE}", by="kind"), "{{kind}}"),
            unit="ops",
            stacked=True,
        ),
        bars(
            "Models with most trouble",
            "The share of attempts in the time shown that failed for Google's own reasons or on the way "
            "there.",
            Query(
                "topk (10, "
                + share(
                    rate("gateway_attempts_total", f"{TRIED}, {TROUBLE}", by="model", over=RANGE),
                    rate("gateway_attempts_total", TRIED, by="model", over=RANGE),
                )
                + ")",
                "{{model}}",
            ),
            unit="percentunit",
            steps=bad_above(0.05, 0.2),
            most=1,
        ),
        series(
            "Streams that broke, by model",
            "Answers that ended in the middle, each second. What a client has seen cannot be taken back.",
            Query(rate("gateway_calls_total", f'{ENDED}, outcome="broken"', by="model"), "{{model}}"),
            unit="ops",
        ),
    ),
)

RETRIES = Row(
    "Retries",
    (
        series(
            "Attempts for a call",
            "How many attempts calls need in the mean, by operation. GatewayManyRetries fires at 2.",
            Query(mean(PER_CALL, HERE, by="operation"), "{{operation}}"),
            unit="short",
            steps=bad_above(1.5, 2),
            most=2,
        ),
        series(
            "Failovers by reason",
            "Calls moved on to a further attempt, each second, by what had failed.",
            Query(rate("gateway_failovers_total", HERE, by="kind"), "{{kind}}"),
            unit="ops",
            stacked=True,
        ),
        series(
            "Attempts that succeed",
            "The share of attempts that Google answered, by model: low with many calls that succeed means "
            "that retries carry the service.",
            Query(
                share(
                    rate("gateway_attempts_total", f'{TRIED}, kind="ok"', by="model"),
                    rate("gateway_attempts_total", TRIED, by="model"),
                ),
                "{{model}}",
            ),
            unit="percentunit",
            most=1,
        ),
        series(
            "Requests and connections",
            "Requests sent to Google, and connections opened for them, each second. Lines close together "
            "mean that connections are not used again: look at proxies and at the network.",
            Query(rate("gateway_upstream_requests_total", HERE), "requests"),
            Query(rate("gateway_upstream_connections_opened_total", HERE), "connections opened"),
            unit="ops",
            colours={"requests": GOOD, "connections opened": FAILED},
        ),
    ),
)

GOOGLE = Dashboard(
    uid="gateway-google",
    title="Gateway: is Google slow?",
    description="How fast the models begin and go on, how often Google refuses, and what retries make of it.",
    variables=(JOB, MODEL),
    rows=(NOW, SPEED, TROUBLES, RETRIES),
)
