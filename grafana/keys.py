"""The dashboard *Which key is sick*: states, single keys, reasons, quotas until Pacific midnight."""

from grafana.boards import JOB, Dashboard, Row, Variable
from grafana.looks import (
    DEAD,
    DISABLED,
    EXHAUSTED,
    FAILED,
    GOOD,
    KEY_STATES,
    MODEL_STATE_COLOURS,
    READY,
    RESTING,
    STATE_COLOURS,
    Steps,
    bad_above,
    bad_below,
)
from grafana.panels import Panel, Query, bars, series, stat, timeline
from grafana.promql import increase, least, longest, over_providers, rate, share, worst
from grafana.tables import Column, table

PROVIDER = Variable("provider", "Provider", "gateway_keys")
KEY = Variable("key", "Key", "gateway_key_up")
MODEL = Variable("model", "Model", "gateway_model_keys")

HERE = 'job=~"$job", provider=~"$provider"'
ONE_KEY = f'{HERE}, key=~"$key"'
ATTEMPTS = 'job=~"$job", key=~"$key"'
ONE_MODEL = f'{HERE}, model=~"$model"'
OF_KEY = "key_id, key, provider"
DAY = f'{ONE_MODEL}, window="day", unit="requests"'

CODES = " or ".join(
    f'gateway_key_state{{{ONE_KEY}, state="{state.name}"}} * {state.code}' for state in KEY_STATES
)
"""The state of each key as its code (looks.py)."""
ATTEMPTS_OF_KEY = increase("gateway_key_attempts_total", ATTEMPTS, by="key_id, key")
FAILED_OF_KEY = increase("gateway_key_attempts_total", f'{ATTEMPTS}, kind!="ok"', by="key_id, key")
MIDNIGHT = 'scalar (max (gateway_quota_reset_seconds{job=~"$job"}))'
BY_MIDNIGHT = f"predict_linear (gateway_learned_quota_left{{{DAY}}}[1h], {MIDNIGHT})"


def keys_in(state: str) -> str:
    """How many keys are in a state."""
    return over_providers(worst("gateway_keys", f'{HERE}, state="{state}"', by="provider"))


def _count(title: str, description: str, state: str, steps: Steps) -> Panel:
    return stat(title, description, Query(keys_in(state)), unit="short", steps=steps, nothing="no keys")


NOW = Row(
    "Now",
    (
        _count(
            "Ready",
            "Keys that may serve calls. A ready key may still rest for single models: see the models below.",
            "active",
            bad_below(3, 1),
        ),
        _count(
            "Resting",
            "Keys that as a whole are left alone for a while and come back by themselves.",
            "resting",
            Steps(READY, ((1, RESTING),)),
        ),
        _count(
            "Dead",
            "Keys that Google refuses: invalid, leaked, suspended. They stay out until somebody looks at "
            "them.",
            "dead",
            Steps(READY, ((1, DEAD),)),
        ),
        _count("Disabled", "Keys that an operator switched off.", "disabled", Steps(DISABLED)),
        stat(
            "Next key",
            "Seconds until the model that waits longest has a usable key; 0 when all have one.",
            Query(longest(least("gateway_next_key_seconds", ONE_MODEL, by="provider, model"))),
            unit="s",
            steps=Steps(READY, ((1, RESTING), (300, DEAD))),
            nothing="no keys",
        ),
        stat(
            "Quotas renew in",
            "Google's daily quotas begin anew at midnight in California (Pacific time).",
            Query('max (gateway_quota_reset_seconds{job=~"$job"})'),
            unit="s",
            steps=Steps(EXHAUSTED),
        ),
    ),
)

_STATES = tuple(Query(keys_in(state.name), state.text) for state in KEY_STATES)

STATES = Row(
    "States",
    (
        series(
            "Keys by state",
            "How many keys were in which state. Amber comes back by itself; red does not.",
            *_STATES,
            unit="short",
            stacked=True,
            colours=STATE_COLOURS,
        ),
        series(
            "Ready keys for each model",
            "Keys that can serve the model now. Where a line is at 0, calls to the model wait or are "
            "refused.",
            Query(
                worst("gateway_model_keys", f'{ONE_MODEL}, state="open"', by="provider, model"), "{{model}}"
            ),
            unit="short",
        ),
        timeline(
            "Each key over time",
            "One line for each key (the first METRICS_MAX_KEYS keys), in the admin's colours: green ready, "
            "amber resting, grey disabled, red dead. Choose keys at the top.",
            Query(f"max by (key_id, key) ({CODES})", "{{key}} · {{key_id}}"),
        ),
    ),
)

SINGLE = Row(
    "Single keys",
    (
        table(
            "Keys",
            "Each key by its masked name: how it stands, why it rests and for how long, and what its "
            "attempts came to in the time shown. The sickest come first. The admin's page of keys can test, "
            "revive and disable them.",
            Query(f"max by ({OF_KEY}) ({CODES})"),
            Query(f"max by ({OF_KEY}, reason) (gateway_key_rest_seconds{{{ONE_KEY}}})"),
            Query(ATTEMPTS_OF_KEY),
            Query(share(FAILED_OF_KEY, ATTEMPTS_OF_KEY)),
            columns=(
                Column("key", "Key", width=140),
                Column("provider", "Provider", width=110),
                Column("Value #A", "State", states=True, width=110),
                Column("reason", "Rests because", width=180),
                Column("Value #B", "Comes back in", unit="s"),
                Column("Value #C", "Attempts", unit="short"),
                Column("Value #D", "Failed", unit="percentunit", steps=bad_above(0.2, 0.5)),
                Column("key_id", "Id", width=70),
            ),
            sort="State",
        ),
    ),
)

WHY = Row(
    "Why",
    (
        series(
            "Resting keys by reason",
            "Keys that rest as a whole, by what Google said (the first METRICS_MAX_KEYS keys).",
            Query(
                f"count by (reason) (max by (key_id, reason) (gateway_key_rest_seconds{{{ONE_KEY}}}))",
                "{{reason}}",
            ),
            unit="short",
            stacked=True,
        ),
        series(
            "Failed attempts by kind",
            "Attempts on keys that failed, each second. rate_minute, tokens_minute and rate_day are Google's "
            "limits; key_… and project_… are sick keys; overloaded, internal and deadline are Google's own "
            "trouble.",
            Query(
                rate("gateway_attempts_total", 'job=~"$job", model=~"$model", kind!="ok"', by="kind"),
                "{{kind}}",
            ),
            unit="ops",
            stacked=True,
        ),
        bars(
            "Keys with most failures",
            "Failed attempts in the time shown, for the ten keys that have most.",
            Query(f"topk (10, {FAILED_OF_KEY} > 0)", "{{key}} · {{key_id}}"),
            unit="short",
            steps=bad_above(10, 100),
        ),
        series(
            "Failovers by reason",
            "Calls moved on to a further attempt, each second, by what had failed. Clients did not notice.",
            Query(rate("gateway_failovers_total", 'job=~"$job"', by="kind"), "{{kind}}"),
            unit="ops",
            stacked=True,
        ),
    ),
)

QUOTA = Row(
    "Quotas",
    (
        series(
            "Left of the day's requests",
            "What is left of the learned daily limits of all keys together, as a share, by model. It burns "
            "down until midnight in California and is whole again then. Limits are learned from Google's "
            "refusals: before the first one nothing is shown.",
            Query(
                share(
                    worst("gateway_learned_quota_left", DAY, by="model"),
                    worst("gateway_learned_quota_limit", DAY, by="model"),
                ),
                "{{model}}",
            ),
            unit="percentunit",
            steps=bad_below(0.2, 0.05),
            most=1,
        ),
        series(
            "Expected to be left at Pacific midnight",
            "Requests of the day that will be left when the quota renews, if use goes on as in the last "
            "hour. At 0 the model runs dry before: GatewayQuotaRunsOut fires.",
            Query(
                f"clamp_min (max by (model) ({BY_MIDNIGHT}), 0)",
                "{{model}}",
            ),
            unit="short",
        ),
        series(
            "Left of the minute's limits",
            "What is left of the learned limits of a minute, as a share, by model and unit. Low is no harm "
            "as long as other keys can serve.",
            Query(
                share(
                    worst("gateway_learned_quota_left", f'{ONE_MODEL}, window="minute"', by="model, unit"),
                    worst("gateway_learned_quota_limit", f'{ONE_MODEL}, window="minute"', by="model, unit"),
                ),
                "{{model}} {{unit}}",
            ),
            unit="percentunit",
            most=1,
        ),
        series(
            "Keys by the state of their quotas",
            "Over the models chosen: open may serve, cooling rests for a minute or so, exhausted until "
            "Pacific midnight, unavailable is not offered this model at all.",
            Query(
                f"sum by (state) ({worst('gateway_model_keys', ONE_MODEL, by='provider, model, state')})",
                "{{state}}",
            ),
            unit="short",
            stacked=True,
            colours=MODEL_STATE_COLOURS,
        ),
        bars(
            "Left of the day's requests, now",
            "Requests that the learned daily limits leave until Pacific midnight, by model.",
            Query(worst("gateway_learned_quota_left", DAY, by="model"), "{{model}}"),
            unit="short",
            steps=Steps(FAILED, ((1, RESTING), (20, GOOD))),
        ),
        bars(
            "Next key by model",
            "Seconds until a key can serve the model; 0 when one can now. A model without any key is not "
            "listed.",
            Query(least("gateway_next_key_seconds", ONE_MODEL, by="model"), "{{model}}"),
            unit="s",
            steps=Steps(READY, ((1, RESTING), (300, DEAD))),
        ),
    ),
)

KEYS = Dashboard(
    uid="gateway-keys",
    title="Gateway: which key is sick?",
    description="States of keys over time, each key's standing, why keys rest, and what is left of quotas.",
    variables=(JOB, PROVIDER, KEY, MODEL),
    rows=(NOW, STATES, SINGLE, WHY, QUOTA),
)
