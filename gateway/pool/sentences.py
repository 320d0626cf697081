"""How a key or a bucket stands, as a sentence for people: what, until when, because of what.

English, whole sentences, no secrets. Called by `explaining`.
"""

import math
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.pool.bucket import BucketState
from gateway.pool.key import KeyState
from gateway.protocols.failures import FailureKind

_BECAUSE = MappingProxyType(
    {
        FailureKind.KEY_INVALID: "Google says that the key is not valid",
        FailureKind.KEY_LEAKED: "Google says that the key has leaked",
        FailureKind.KEY_BLOCKED: "the key's own restrictions do not let us use it",
        FailureKind.PROJECT_SUSPENDED: "its project has been suspended",
        FailureKind.PROJECT_DENIED: "its project has been denied access",
        FailureKind.SERVICE_DISABLED: "the Gemini API is not enabled in its project",
        FailureKind.BILLING: "its project has no billing, no credit left, or has reached its spending cap",
        FailureKind.ACCOUNT_LIMITED: "Google has limited the account",
        FailureKind.RATE_MINUTE: "the requests of the minute are used up",
        FailureKind.TOKENS_MINUTE: "the input tokens of the minute are used up",
        FailureKind.RATE_DAY: "the day's quota is used up",
        FailureKind.NO_ALLOWANCE: "the model is not offered to its project",
        FailureKind.RATE_UNKNOWN: "Google refused calls without saying which limit they met",
        FailureKind.UNKNOWN: "several calls in a row failed for reasons that nothing explains",
    }
)


def because(kind: FailureKind, message: str) -> str:
    """Say why; kinds that no words are ready for speak for themselves."""
    known = _BECAUSE.get(kind)
    if known is None or (kind is FailureKind.UNKNOWN and message):
        return f"“{message}”" if message else kind.value.replace("_", " ")
    return known


def key_sentence(
    state: KeyState, kind: FailureKind | None, message: str, *, until_s: float | None, now_s: float
) -> str:
    """Say how a key as a whole stands."""
    if state is KeyState.ACTIVE or kind is None:
        return "Disabled by the admin." if state is KeyState.DISABLED else "In use."
    reason = because(kind, message)
    if state is KeyState.RESTING and until_s is not None:
        return f"Resting until {moment(until_s, now_s)} because {reason}."
    if state is KeyState.DISABLED:
        return f"Disabled by the admin; before that, not used because {reason}."
    return f"Not used any more, until someone revives it, because {reason}."


def bucket_sentence(
    state: BucketState,
    kind: FailureKind,
    *,
    model: str,
    until_s: float,
    now_s: float,
    learned: str | None,
) -> str:
    """Say how a key stands with one model; `learned` names the learned limits that are used up."""
    what = model or "calls without a model"
    if state is BucketState.OPEN:
        return f"Open for {what}; it was refused lately because {because(kind, '')}."
    until = moment(until_s, now_s)
    if learned is not None:
        return f"Resting for {what} until {until} because {learned}, so that no call is wasted on a refusal."
    verb = "Not offered" if state is BucketState.UNAVAILABLE else "Resting"
    retry = "; asked again after" if state is BucketState.UNAVAILABLE else " until"
    return f"{verb} for {what}{retry} {until} because {because(kind, '')}."


def limit_phrase(window: str, *, tokens: bool, used: int, limit: int) -> str:
    """Say what is used of a limit, as the end of a sentence: `10 of 10 requests a minute are used`."""
    what = "input tokens" if tokens else "requests"
    span = "today" if window == "day" else "this minute"
    return f"{used:,} of {limit:,} {what} are used {span}"


def moment(at_s: float, now_s: float) -> str:
    """Give a time in UTC and how far away it is: `2026-01-14 20:01:00 UTC (in 45 s)`."""
    at = datetime.fromtimestamp(math.ceil(at_s), UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC (in {span(at_s - now_s)})"


def span(seconds: float) -> str:
    """Give a length of time in the largest fitting units: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    whole = max(math.ceil(seconds), 0)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
