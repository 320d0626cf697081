"""What dashboards look like: the admin's colours for states and outcomes, thresholds, words for codes."""

from dataclasses import dataclass

# The dark values of static/css/tokens.css: Grafana is dark by default, and they read well on white too.
READY, RESTING, EXHAUSTED, DEAD, DISABLED = "#6fcf97", "#e9b35f", "#a3b9d4", "#f39087", "#a0a8b1"
GOOD, CLIENT, LIMITED, FAILED = "#4aa874", "#7f8a97", "#d29a3c", "#e0665c"

OUTCOME_COLOURS = {
    "success": GOOD,
    "blocked": CLIENT,
    "client_error": CLIENT,
    "client_closed": DISABLED,
    "rate_limited": LIMITED,
    "no_key": RESTING,
    "upstream_error": FAILED,
    "broken": DEAD,
}


@dataclass(frozen=True, slots=True)
class State:
    """A state of a key: its name in the metrics, the code that stands for it in a panel, its look.

    The worst has the highest code, so that of several replicas the one that knows the worst is shown.
    """

    name: str
    code: int
    text: str
    colour: str


KEY_STATES = (
    State("active", 1, "ready", READY),
    State("resting", 2, "resting", RESTING),
    State("disabled", 3, "disabled", DISABLED),
    State("dead", 4, "dead", DEAD),
)
STATE_COLOURS = {state.text: state.colour for state in KEY_STATES}
MODEL_STATE_COLOURS = {"open": READY, "cooling": RESTING, "exhausted": EXHAUSTED, "unavailable": DISABLED}


@dataclass(frozen=True, slots=True)
class Steps:
    """Thresholds: the first colour from below, then (from this value on, colour)."""

    first: str
    then: tuple[tuple[float, str], ...] = ()

    def json(self) -> dict[str, object]:
        steps: list[dict[str, object]] = [{"color": self.first, "value": None}]
        steps += [{"color": colour, "value": value} for value, colour in self.then]
        return {"mode": "absolute", "steps": steps}


PLAIN = Steps(GOOD)


def bad_above(warning: float, critical: float) -> Steps:
    """Good while small."""
    return Steps(GOOD, ((warning, LIMITED), (critical, FAILED)))


def bad_below(warning: float, critical: float) -> Steps:
    """Good while large."""
    return Steps(FAILED, ((critical, LIMITED), (warning, GOOD)))


def words_for_codes(states: tuple[State, ...] = KEY_STATES) -> list[dict[str, object]]:
    """Value mappings: a state's word in its colour in the place of its code."""
    options = {
        str(state.code): {"text": state.text, "color": state.colour, "index": index}
        for index, state in enumerate(states)
    }
    return [{"type": "value", "options": options}]
