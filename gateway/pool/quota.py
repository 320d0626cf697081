"""What a bucket's provider said it allows, and how much of that is used: hints to pass it over in time.

A `Meter` exists only for buckets that named a limit; it lives in the ring of its model. A hint must not
outlive its truth: now and then one call may go beyond it, and a success there raises it.
"""

from dataclasses import dataclass

from gateway.pool.bucket import Owner
from gateway.pool.changes import LimitCount
from gateway.pool.lease import Charge, Lease
from gateway.pool.windows import Count, DayCount, MinuteCount
from gateway.protocols.failures import FailureKind, QuotaViolation

MINUTE, DAY = "minute", "day"
_MAX_LIMITS = 6
# Of this many calls inside a limit one is risked beyond it, so that looking costs a hundredth at most …
_PATIENCE_CALLS = 100
# … and seldom enough for a large limit, where calls under way may share the risked one's fate.
_PATIENCE_MINUTES = 10
_DAY_S = 86_400.0
_TRUST_S = {MINUTE: _DAY_S / 4, DAY: 3 * _DAY_S}
_MEAN_SHARE = 0.125
# Not "a day's share of grounding" or another tool's own quota: those count only some of the calls.
_OTHER_COUNTS = ("grounding", "search", "maps", "cache", "batch")


@dataclass(frozen=True, slots=True)
class LearnedRest:
    """A bucket has used up what it is believed to be allowed."""

    kind: FailureKind
    until_s: float


class Limit:
    """One limit of one bucket.

    value     what the provider said
    allowed   what is believed now: more than `value` once calls succeeded beyond it
    heard_s   when it was last said, confirmed or raised
    calls     counted since it was last put to the test
    granted   the next call may go beyond it
    rising    the last test succeeded: the next may follow at once
    """

    __slots__ = (
        "allowed",
        "calls",
        "count",
        "granted",
        "heard_s",
        "quota_id",
        "rising",
        "tokens",
        "value",
        "window",
    )

    def __init__(self, quota_id: str, window: str, value: int, *, tokens: bool, heard_s: float) -> None:
        self.quota_id = quota_id
        self.window = window
        self.tokens = tokens
        self.count: Count = DayCount() if window == DAY else MinuteCount()
        self.hear(value, heard_s)

    def hear(self, value: int, now_s: float) -> None:
        """The provider named the limit (again)."""
        self.value = self.allowed = value
        self.heard_s = now_s
        self.calls = 0
        self.granted = self.rising = False

    def rise(self, now_s: float) -> None:
        """A call beyond the limit succeeded: half as much again is believed, and soon tested."""
        self.allowed += max(self.allowed // 2, 1)
        self.heard_s = now_s
        self.rising = True

    def try_beyond(self, now_s: float) -> bool:
        """Say whether it is time to risk a call beyond the limit."""
        patience = _PATIENCE_CALLS
        if self.window == MINUTE and not self.tokens:
            patience = max(patience, _PATIENCE_MINUTES * self.value)
        return self.rising or self.calls >= patience or now_s - self.heard_s >= _TRUST_S[self.window]

    @property
    def kind(self) -> FailureKind:
        if self.window == DAY:
            return FailureKind.RATE_DAY
        return FailureKind.TOKENS_MINUTE if self.tokens else FailureKind.RATE_MINUTE


class Meter:
    """The limits of one bucket and what was used of them.

    typical_tokens   input tokens of a call, a moving mean: what a call is taken to use until it is reported
    fresh_requests   counted here and not yet told to other processes; fresh_tokens likewise
    touched          already in the roster's list of meters that changed
    """

    __slots__ = ("fresh_requests", "fresh_tokens", "limits", "model", "owner", "touched", "typical_tokens")

    def __init__(self, owner: Owner, model: str) -> None:
        self.owner = owner
        self.model = model
        self.limits: list[Limit] = []
        self.typical_tokens = 0
        self.fresh_requests = 0
        self.fresh_tokens = 0
        self.touched = False

    @property
    def heard_s(self) -> float:
        return max((limit.heard_s for limit in self.limits), default=0.0)

    def limit(self, quota_id: str) -> Limit | None:
        return next((limit for limit in self.limits if limit.quota_id == quota_id), None)

    # Counting, once for every lease

    def spend(self, lease: Lease, now_s: float) -> bool:
        """Count a call that is lent; True when the bucket is used up with it."""
        used_up = False
        charge = lease.charge = Charge()
        self.fresh_requests += 1
        for limit in self.limits:
            amount = 1
            if limit.tokens:
                amount = charge.reserved_tokens = min(self.typical_tokens, limit.allowed)
            count = limit.count
            if limit.granted:
                self._risk(limit, charge, amount, now_s)
            count.add(amount, now_s)
            limit.calls += 1
            if count.used + (amount or 1) > limit.allowed and not limit.granted:
                if charge.beyond is not limit and limit.try_beyond(now_s):
                    limit.granted = True
                else:
                    used_up = True
        return used_up

    def _risk(self, limit: Limit, charge: Charge, amount: int, now_s: float) -> None:
        limit.granted = False
        limit.count.settle(now_s)
        if limit.count.used + (amount or 1) <= limit.allowed:
            return  # the window has moved on: this call is an ordinary one
        limit.rising = False
        limit.calls = 0
        charge.beyond = limit

    def succeed(self, charge: Charge, tokens: int | None, now_s: float) -> None:
        """Count the input tokens of an answered call, and believe in more when it went beyond a limit."""
        if tokens is not None:
            self._count_tokens(charge, tokens, now_s)
        beyond = charge.beyond
        if beyond is not None and beyond in self.limits:
            if not beyond.tokens or (tokens is not None and beyond.count.used > beyond.allowed):
                beyond.rise(now_s)
            else:
                beyond.heard_s = now_s  # smaller than thought: nothing was learned, the next test can wait

    def _count_tokens(self, charge: Charge, tokens: int, now_s: float) -> None:
        typical = self.typical_tokens
        self.typical_tokens = int(typical + (tokens - typical) * _MEAN_SHARE) if typical else tokens
        self.fresh_tokens += tokens
        for limit in self.limits:
            if limit.tokens:
                limit.count.add(tokens - charge.reserved_tokens, now_s)
        charge.reserved_tokens = tokens

    def refund(self, charge: Charge) -> None:
        """Uncount a call that was refused for its quota."""
        self.fresh_requests -= 1
        for limit in self.limits:
            limit.count.refund(charge.reserved_tokens if limit.tokens else 1)

    def add(self, requests: int, tokens: int, now_s: float) -> None:
        """Count what other processes used."""
        for limit in self.limits:
            limit.count.add(tokens if limit.tokens else requests, now_s)

    # What follows

    def rest(self, now_s: float) -> LearnedRest | None:
        """Say how long the bucket is used up; None when a call may go."""
        longest: LearnedRest | None = None
        for limit in self.limits:
            need = min(max(self.typical_tokens, 1), limit.allowed) if limit.tokens else 1
            limit.count.settle(now_s)
            excess = limit.count.used + need - limit.allowed
            if excess <= 0 or limit.granted:
                continue
            until_s = limit.count.free_s(excess, now_s)
            if longest is None or until_s > longest.until_s:
                longest = LearnedRest(limit.kind, until_s)
        return longest

    def learn(self, violation: QuotaViolation, now_s: float, until_s: float) -> None:
        """Take in a limit that the provider says is used up; one without a number confirms what is known.

        until_s   when the provider lets the bucket be asked again
        """
        limit = self.limit(violation.quota_id)
        value = violation.value if violation.value is not None else limit.value if limit else 0
        if value <= 0:
            return
        is_new = limit is None
        if limit is None:
            if len(self.limits) >= _MAX_LIMITS:
                self.limits.remove(min(self.limits, key=lambda held: held.heard_s))
            limit = Limit(violation.quota_id, violation.window, value, tokens=violation.tokens, heard_s=now_s)
            self.limits.append(limit)
        else:
            limit.hear(value, now_s)
        # One call too large for what is left of a token limit does not mean that nothing is left.
        if is_new or not limit.tokens or limit.window == DAY:
            limit.count.fill(limit.value, now_s, until_s)

    def take_over(self, told: LimitCount, as_of_s: float) -> None:
        """Take in a limit that was learned elsewhere or before; what is known here keeps its count."""
        limit = self.limit(told.quota_id)
        if limit is None:
            if len(self.limits) >= _MAX_LIMITS:
                return
            limit = Limit(told.quota_id, told.window, told.value, tokens=told.tokens, heard_s=told.heard_s)
            limit.count.fill(told.used, as_of_s, as_of_s)  # when in that window it was used is not told
            self.limits.append(limit)
        if told.heard_s >= limit.heard_s:
            limit.value, limit.allowed, limit.heard_s = told.value, told.allowed, told.heard_s

    def merge(self, other: "Meter") -> None:
        """Take in the meter of a key that turned out to share this quota: what both used adds up."""
        for theirs in other.limits:
            mine = self.limit(theirs.quota_id)
            if mine is None:
                if len(self.limits) < _MAX_LIMITS:
                    self.limits.append(theirs)
                continue
            mine.count.join(theirs.count)
            if theirs.heard_s > mine.heard_s:
                mine.value, mine.allowed, mine.heard_s = theirs.value, theirs.allowed, theirs.heard_s
        self.typical_tokens = self.typical_tokens or other.typical_tokens
        self.fresh_requests += other.fresh_requests
        self.fresh_tokens += other.fresh_tokens
        other.limits = []


def teaches(violation: QuotaViolation) -> bool:
    """Say whether a violation names a limit that every call of its model counts against."""
    if not violation.quota_id or violation.window not in _TRUST_S:
        return False
    name = f"{violation.quota_id} {violation.metric}".lower()
    return not any(word in name for word in _OTHER_COUNTS)
