"""What follows a failed attempt for the call: the right-hand column of the failure table.

Pure. `relay` asks after every failure; what happens to the key is in `effects`.
"""

import enum
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.pool.limits import RetryLimits
from gateway.protocols.failures import Failure, FailureKind
from gateway.values import value

_BACK_OFF_BASES_S = (1.0, 2.0, 4.0, 8.0)
# A request larger than a project's token limit fails on every key: two keys are proof enough.
_TOKEN_LIMITED_KEYS = 2


class Action(enum.Enum):
    """What the call does next."""

    ANSWER = "answer"  # give the client what the upstream said, or the honest error
    NEXT_KEY = "next_key"  # at once, with another lease
    BACK_OFF = "back_off"  # after delay_s, with any key
    ONCE_MORE = "once_more"  # at once, with any key, not counted as a further key
    OTHER_EGRESS = "other_egress"  # at once, through another proxy, with any key


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows.

    delay_s       seconds to wait first
    exclude_key   the failed key must not be lent to this call again: pass its id in `tried`
    """

    action: Action
    delay_s: float = 0.0
    exclude_key: bool = False


@value(frozen=True, slots=True)
class AttemptCount:
    """What a call has spent so far. Starts as it is; `after` counts on.

    tries          attempts that count against MAX_RETRIES, the first included
    back_offs      waits for an overloaded model
    repeats        second tries for an empty or malformed reply
    deadlines      second tries after the upstream's own deadline
    egresses       changes of the way out
    token_limited  keys whose token limit refused the request
    """

    tries: int = 1
    back_offs: int = 0
    repeats: int = 0
    deadlines: int = 0
    egresses: int = 0
    token_limited: int = 0

    def after(self, failure: Failure, decision: Decision) -> "AttemptCount":
        """Give the count once `decision` has been followed."""
        if decision.action is Action.NEXT_KEY:
            token_limited = self.token_limited + (failure.kind is FailureKind.TOKENS_MINUTE)
            return replace(self, tries=self.tries + 1, token_limited=token_limited)
        if decision.action is Action.BACK_OFF:
            return replace(self, back_offs=self.back_offs + 1)
        if decision.action is Action.OTHER_EGRESS:
            return replace(self, egresses=self.egresses + 1)
        if decision.action is Action.ONCE_MORE:
            if failure.kind is FailureKind.DEADLINE:
                return replace(self, deadlines=self.deadlines + 1)
            return replace(self, repeats=self.repeats + 1)
        return self


NEXT, ANSWER = Action.NEXT_KEY, Action.ANSWER
_ACTIONS = MappingProxyType(
    {
        FailureKind.CLIENT_ERROR: ANSWER,
        FailureKind.NOT_FOUND: ANSWER,
        FailureKind.OBJECT_DENIED: ANSWER,
        FailureKind.GATEWAY_FAULT: ANSWER,
        FailureKind.BLOCKED: ANSWER,
        FailureKind.CANCELLED: ANSWER,
        FailureKind.KEY_INVALID: NEXT,
        FailureKind.KEY_LEAKED: NEXT,
        FailureKind.KEY_BLOCKED: NEXT,
        FailureKind.PROJECT_SUSPENDED: NEXT,
        FailureKind.PROJECT_DENIED: NEXT,
        FailureKind.SERVICE_DISABLED: NEXT,
        FailureKind.BILLING: NEXT,
        FailureKind.ACCOUNT_LIMITED: NEXT,
        FailureKind.RATE_MINUTE: NEXT,
        FailureKind.TOKENS_MINUTE: NEXT,
        FailureKind.RATE_DAY: NEXT,
        FailureKind.NO_ALLOWANCE: NEXT,
        FailureKind.RATE_UNKNOWN: NEXT,
        FailureKind.UNKNOWN: NEXT,
        FailureKind.NETWORK: NEXT,
        FailureKind.TIMEOUT: NEXT,
        FailureKind.TRUNCATED: NEXT,
        FailureKind.OVERLOADED: Action.BACK_OFF,
        FailureKind.INTERNAL: Action.BACK_OFF,
        FailureKind.DEADLINE: Action.ONCE_MORE,
        FailureKind.EMPTY: Action.ONCE_MORE,
        FailureKind.MALFORMED: Action.ONCE_MORE,
        FailureKind.LOCATION: Action.OTHER_EGRESS,
    }
)
# Failures of the way, not of the key: the same key may well serve the next try.
_NOT_THE_KEY = frozenset({FailureKind.NETWORK, FailureKind.TIMEOUT, FailureKind.TRUNCATED})
_FINAL = Decision(Action.ANSWER)
_ANOTHER_KEY = Decision(Action.NEXT_KEY, exclude_key=True)
_ANY_KEY = Decision(Action.NEXT_KEY)
_AGAIN = Decision(Action.ONCE_MORE)
_ELSEWHERE = Decision(Action.OTHER_EGRESS)

# Our keys' and our own faults: never shown as the client's 400, 401 or 403.
_OURS = frozenset(
    {
        FailureKind.KEY_INVALID,
        FailureKind.KEY_LEAKED,
        FailureKind.KEY_BLOCKED,
        FailureKind.PROJECT_SUSPENDED,
        FailureKind.PROJECT_DENIED,
        FailureKind.SERVICE_DISABLED,
        FailureKind.BILLING,
        FailureKind.ACCOUNT_LIMITED,
        FailureKind.GATEWAY_FAULT,
        FailureKind.UNKNOWN,
    }
)
# For failures that came with no status, or inside a 200 of which nothing can be relayed.
_OWN_STATUSES = MappingProxyType(
    {
        FailureKind.TRUNCATED: 502,
        FailureKind.ACCOUNT_LIMITED: 503,
        FailureKind.TIMEOUT: 504,
        FailureKind.CANCELLED: 499,
    }
)


def decide(failure: Failure, attempts: AttemptCount, limits: RetryLimits, *, random: float) -> Decision:
    """Say what follows a failed attempt.

    attempts  what the call has spent, this attempt included
    random    in [0, 1): half of a back-off is jitter

    ANSWER once content is committed, the deadline has passed, or MAX_RETRIES is 0. The same input gives
    the same answer.
    """
    if limits.committed or limits.remaining_s <= 0 or limits.max_retries <= 0:
        return _FINAL
    action = _ACTIONS[failure.kind]
    if action is Action.NEXT_KEY:
        return _next_key(failure.kind, attempts, limits)
    if action is Action.BACK_OFF:
        return _back_off(failure, attempts, limits, random)
    if action is Action.ONCE_MORE:
        spent = attempts.deadlines if failure.kind is FailureKind.DEADLINE else attempts.repeats
        return _FINAL if spent else _AGAIN
    if action is Action.OTHER_EGRESS:
        return _FINAL if attempts.egresses else _ELSEWHERE
    return _FINAL


def answered_status(failure: Failure) -> int:
    """Give the HTTP status for the client: the upstream's true one, unless the fault is ours.

    A fault of our keys is 503 where the upstream said 400, 401, 402 or 403; no answer at all is 502 or
    504. EMPTY, MALFORMED and BLOCKED replies keep their 200: the client gets them as they are.
    """
    status = failure.status
    if failure.kind in _OURS and 300 <= status < 404:
        return 503
    if status < 300:
        return _OWN_STATUSES.get(failure.kind, status or 502)
    return 502 if status < 400 or status == 407 else status


def _next_key(kind: FailureKind, attempts: AttemptCount, limits: RetryLimits) -> Decision:
    if attempts.tries > limits.max_retries:
        return _FINAL
    if kind in _NOT_THE_KEY:
        return _ANY_KEY
    if limits.pinned:
        return _FINAL
    if kind is FailureKind.TOKENS_MINUTE and attempts.token_limited + 1 >= _TOKEN_LIMITED_KEYS:
        return _FINAL
    return _ANOTHER_KEY


def _back_off(failure: Failure, attempts: AttemptCount, limits: RetryLimits, random: float) -> Decision:
    if limits.crowded or attempts.back_offs >= len(_BACK_OFF_BASES_S):
        return _FINAL
    base_s = _BACK_OFF_BASES_S[attempts.back_offs]
    delay_s = base_s / 2 + base_s / 2 * random
    if failure.retry_after_s is not None:
        delay_s = max(delay_s, min(failure.retry_after_s, _BACK_OFF_BASES_S[-1]))
    return Decision(Action.BACK_OFF, delay_s) if delay_s < limits.remaining_s else _FINAL
