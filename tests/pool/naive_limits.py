"""A learned limit as the pool's reference model knows it: a list of everything that was ever used."""

import math

from gateway.pool.calendar import last_pacific_midnight, next_pacific_midnight

SLOT_S, SLOTS = 2, 31
TRUST_S = {"minute": 6 * 3600, "day": 3 * 86_400}


class NaiveLimit:
    """One limit on requests. `used` holds (time, amount); nothing is ever thrown away."""

    def __init__(self, value: int, window: str, now_s: float) -> None:
        self.window = window
        self.uses: list[tuple[float, int]] = []
        self.hear(value, now_s)

    def hear(self, value: int, now_s: float) -> None:
        self.value = self.allowed = value
        self.heard_s = now_s
        self.calls = 0
        self.granted = self.rising = False

    def counts(self, at_s: float, now_s: float) -> bool:
        if self.window == "day":
            return at_s >= last_pacific_midnight(now_s)
        return at_s // SLOT_S > now_s // SLOT_S - SLOTS

    def used(self, now_s: float) -> int:
        return sum(amount for at_s, amount in self.uses if self.counts(at_s, now_s))

    def spend(self, now_s: float) -> tuple[bool, bool]:
        """Count a call; whether it goes beyond the limit, and whether the limit is used up after it."""
        beyond = self.granted and self.used(now_s) + 1 > self.allowed
        self.granted = False
        if beyond:
            self.rising, self.calls = False, 0
        self.uses.append((now_s, 1))
        self.calls += 1
        if self.used(now_s) + 1 <= self.allowed:
            return beyond, False
        patience = max(100, 10 * self.value) if self.window == "minute" else 100
        if not beyond and (
            self.rising or self.calls >= patience or now_s - self.heard_s >= TRUST_S[self.window]
        ):
            self.granted = True
        return beyond, not self.granted

    def refund(self, now_s: float) -> None:
        counted = [use for use in self.uses if use[1] > 0 and self.counts(use[0], now_s)]
        if counted:
            latest = max(counted, key=lambda use: use[0])
            self.uses.remove(latest)
            self.uses.append((latest[0], latest[1] - 1))

    def fill(self, limit: int, now_s: float, until_s: float) -> None:
        missing = limit - self.used(now_s)
        if missing <= 0:
            return
        if self.window == "day":
            self.uses.append((now_s, missing))
            return
        last = int(now_s // SLOT_S)
        first = min(max(int(until_s // SLOT_S) - SLOTS, last - SLOTS + 1), last)
        slots = range(first, last + 1)
        shares = [math.ceil(missing * number / len(slots)) for number in range(len(slots) + 1)]
        for slot, before, after in zip(slots, shares, shares[1:], strict=False):
            self.uses.append((slot * SLOT_S, after - before))

    def full_until_s(self, now_s: float) -> tuple[float, str] | None:
        excess = self.used(now_s) + 1 - self.allowed
        if excess <= 0 or self.granted:
            return None
        if self.window == "day":
            return next_pacific_midnight(now_s), "day"
        for slot in range(int(now_s // SLOT_S) - SLOTS + 1, int(now_s // SLOT_S) + 1):
            excess -= sum(amount for at_s, amount in self.uses if at_s // SLOT_S == slot)
            if excess <= 0:
                return (slot + SLOTS) * SLOT_S, "minute"
        raise AssertionError("what is used leaves")

    def rise(self, now_s: float) -> None:
        self.allowed += max(self.allowed // 2, 1)
        self.heard_s = now_s
        self.rising = True

    def join(self, other: "NaiveLimit") -> None:
        self.uses = sorted(self.uses + other.uses)
        if other.heard_s > self.heard_s:
            self.value, self.allowed, self.heard_s = other.value, other.allowed, other.heard_s

    def restart(self, now_s: float) -> None:
        """Of the uses only their number is remembered, and of the tests nothing."""
        used = self.used(now_s)
        self.uses = []
        self.fill(used, now_s, now_s)
        self.calls = 0
        self.granted = self.rising = False
