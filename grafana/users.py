"""The dashboard *Who uses it*: calls and tokens by access token and model."""

from grafana.boards import JOB, Dashboard, Row, Variable
from grafana.looks import CLIENT, EXHAUSTED, GOOD, LIMITED, OUTCOME_COLOURS, READY, Steps, bad_below
from grafana.panels import Query, bars, series, stat
from grafana.promql import increase, or_zero, quantile, rate, share
from grafana.tables import Column, table

TOKEN = Variable("token", "Access token", "gateway_token_calls_total")
MODEL = Variable("model", "Model", "gateway_tokens_total")

HERE = 'job=~"$job"'
CALLER = 'job=~"$job", token=~"$token"'
SPENDER = f'{CALLER}, model=~"$model"'
OF_MODEL = 'job=~"$job", model=~"$model"'
ASKED = 'job=~"$job", gen_ai_request_model=~"$model"'
CALLS = "gateway_token_calls_total"
TOKENS = "gateway_token_tokens_total"
USAGE = "gen_ai_client_token_usage"
COUNTED = 'outcome!~"client_error|client_closed|blocked"'
KIND_COLOURS = {"input": CLIENT, "output": GOOD, "thoughts": LIMITED, "cached": EXHAUSTED}
NO_JUDGEMENT = Steps(READY)

SUMS = Row(
    "In the time shown",
    (
        stat(
            "Calls",
            "Calls of the access tokens chosen.",
            Query(or_zero(increase(CALLS, CALLER))),
            unit="short",
            steps=NO_JUDGEMENT,
            instant=True,
            decimals=0,
        ),
        stat(
            "Input tokens",
            "Tokens that were sent to the models, as Google counted them.",
            Query(or_zero(increase(TOKENS, f'{SPENDER}, type="input"'))),
            unit="short",
            steps=NO_JUDGEMENT,
            instant=True,
        ),
        stat(
            "Output tokens",
            "Tokens of answers, as Google counted them.",
            Query(or_zero(increase(TOKENS, f'{SPENDER}, type="output"'))),
            unit="short",
            steps=NO_JUDGEMENT,
            instant=True,
        ),
        stat(
            "Tokens a call",
            "Input and output together, in the mean over the calls of the access tokens chosen.",
            Query(f"{increase(TOKENS, CALLER)} / ({increase(CALLS, CALLER)} > 0)"),
            unit="short",
            steps=NO_JUDGEMENT,
            nothing="no calls",
            instant=True,
        ),
        stat(
            "Access tokens in use",
            "Access tokens that made at least one call. Those past the first hundred are one, called other.",
            Query(or_zero(f"count ({increase(CALLS, CALLER, by='token')} > 0)")),
            unit="short",
            steps=NO_JUDGEMENT,
            instant=True,
        ),
        stat(
            "Input from the cache",
            "The share of input tokens that Google had in its cache, which costs less.",
            Query(
                share(
                    increase("gateway_tokens_total", f'{OF_MODEL}, type="cached"'),
                    increase("gateway_tokens_total", f'{OF_MODEL}, type="input"'),
                )
            ),
            unit="percentunit",
            steps=NO_JUDGEMENT,
            nothing="no calls",
            instant=True,
        ),
    ),
)

CALLERS = Row(
    "Access tokens",
    (
        series(
            "Tokens by access token",
            "Input and output tokens a second, by the name of the access token, or its masked form if it has "
            "none.",
            Query(rate(TOKENS, SPENDER, by="token"), "{{token}}"),
            unit="short",
            stacked=True,
        ),
        series(
            "Calls by access token",
            "Calls that ended, each second.",
            Query(rate(CALLS, CALLER, by="token"), "{{token}}"),
            unit="reqps",
            stacked=True,
        ),
        table(
            "Access tokens",
            "What each access token used in the time shown, and how its calls went. Calls that were the "
            "client's own doing are left out of the share that succeeded.",
            Query(increase(CALLS, CALLER, by="token")),
            Query(
                share(
                    increase(CALLS, f'{CALLER}, outcome="success"', by="token"),
                    increase(CALLS, f"{CALLER}, {COUNTED}", by="token"),
                )
            ),
            Query(increase(TOKENS, f'{SPENDER}, type="input"', by="token")),
            Query(increase(TOKENS, f'{SPENDER}, type="output"', by="token")),
            columns=(
                Column("token", "Access token"),
                Column("Value #A", "Calls", unit="short"),
                Column("Value #B", "Succeeded", unit="percentunit", steps=bad_below(0.99, 0.95)),
                Column("Value #C", "Input tokens", unit="short"),
                Column("Value #D", "Output tokens", unit="short"),
            ),
            sort="Output tokens",
            width=14,
            height=8,
        ),
        bars(
            "Most tokens",
            "Input and output tokens in the time shown, for the ten access tokens that used most.",
            Query(f"topk (10, {increase(TOKENS, SPENDER, by='token')})", "{{token}}"),
            unit="short",
            steps=NO_JUDGEMENT,
            width=10,
        ),
        series(
            "Outcomes of these calls",
            "How the calls of the access tokens chosen end, each second.",
            Query(rate(CALLS, CALLER, by="outcome"), "{{outcome}}"),
            unit="reqps",
            stacked=True,
            colours=OUTCOME_COLOURS,
        ),
        series(
            "Refused before a call",
            "Requests answered without a call, each second, by dialect and HTTP status: 401 is a wrong "
            "token, 429 one over its own limit. They belong to no access token.",
            Query(
                rate("gateway_refused_requests_total", HERE, by="dialect, status"), "{{dialect}} {{status}}"
            ),
            unit="reqps",
            stacked=True,
        ),
    ),
)

MODELS = Row(
    "Models",
    (
        series(
            "Tokens by model",
            "Input and output tokens a second of the access tokens chosen.",
            Query(rate(TOKENS, SPENDER, by="model"), "{{model}}"),
            unit="short",
            stacked=True,
            width=8,
        ),
        series(
            "Tokens by kind",
            "What they are, over all access tokens: input, output, thoughts (part of what is paid for), and "
            "input that came out of Google's cache.",
            Query(rate("gateway_tokens_total", OF_MODEL, by="type"), "{{type}}"),
            unit="short",
            colours=KIND_COLOURS,
            width=8,
        ),
        series(
            "Size of calls, 95 %",
            "95 of 100 calls have fewer tokens than this, input and output apart.",
            Query(quantile(0.95, USAGE, ASKED, by="gen_ai_token_type"), "{{gen_ai_token_type}}"),
            unit="short",
            colours=KIND_COLOURS,
            width=8,
        ),
        table(
            "Who uses which model",
            "Tokens in the time shown, by access token and model.",
            Query(increase(TOKENS, f'{SPENDER}, type="input"', by="token, model")),
            Query(increase(TOKENS, f'{SPENDER}, type="output"', by="token, model")),
            columns=(
                Column("token", "Access token"),
                Column("model", "Model"),
                Column("Value #A", "Input tokens", unit="short"),
                Column("Value #B", "Output tokens", unit="short"),
            ),
            sort="Output tokens",
            width=14,
            height=8,
        ),
        series(
            "Pictures stored",
            "Generated pictures for the image host, each second, by what became of them.",
            Query(rate("gateway_pictures_total", HERE, by="outcome"), "{{outcome}}"),
            unit="ops",
            stacked=True,
            width=10,
        ),
    ),
)

USERS = Dashboard(
    uid="gateway-users",
    title="Gateway: who uses it?",
    description="Calls and tokens by access token and by model.",
    variables=(JOB, TOKEN, MODEL),
    rows=(SUMS, CALLERS, MODELS),
    since="now-24h",
)
