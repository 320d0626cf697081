"""Models whose upstream is overloaded, and how many retries each may still cost.

A retry costs one from a small balance, a success pays one back, time pays slowly: as long as half of the
attempts succeed every call may retry, and when none does a storm of calls stays a storm of calls.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BusyLimits:
    """How far retries may go for one overloaded model.

    reserve       retries free at once when the trouble begins, and the most the balance can hold
    refill_per_s  retries that time gives back
    memory_s      a model without overload for so long is forgotten
    max_models    marks kept; beyond it the oldest goes
    """

    reserve: float = 32.0
    refill_per_s: float = 3.0
    memory_s: float = 60.0
    max_models: int = 256


class Mark:
    """What is known of one: the retries it may still cost, and when it was overloaded last."""

    __slots__ = ("balance", "marked_s", "seen_s")

    def __init__(self, balance: float, now_s: float) -> None:
        self.balance = balance
        self.marked_s = now_s
        self.seen_s = now_s


class BusyModels:
    """What is known of overloaded models.

    marks   by model; empty, and free of cost, while nothing is overloaded
    """

    __slots__ = ("_limits", "marks")

    def __init__(self, limits: BusyLimits) -> None:
        self._limits = limits
        self.marks: dict[str, Mark] = {}

    def __len__(self) -> int:
        return len(self.marks)

    def mark(self, model: str, now_s: float) -> None:
        """Note an overload."""
        mark = self.marks.pop(model, None)
        if mark is None or now_s - mark.marked_s > self._limits.memory_s:
            mark = Mark(self._limits.reserve, now_s)
            self._forget(now_s)
        mark.marked_s = now_s
        self.marks[model] = mark  # at the end: the dict stays ordered by the last mark

    def is_busy(self, model: str, now_s: float) -> bool:
        """Say whether the model was overloaded within the memory."""
        mark = self.marks.get(model)
        return mark is not None and now_s - mark.marked_s <= self._limits.memory_s

    def crowded(self, model: str, now_s: float) -> bool:
        """Say whether the model's retries are spent: answer the call instead of backing off."""
        mark = self.marks.get(model)
        if mark is None:
            return False
        elapsed_s = max(now_s - mark.seen_s, 0.0)
        mark.balance = min(mark.balance + elapsed_s * self._limits.refill_per_s, self._limits.reserve)
        mark.seen_s = now_s
        return mark.balance < 1.0

    def spend(self, model: str) -> None:
        """Take one retry from the balance."""
        mark = self.marks.get(model)
        if mark is not None:
            mark.balance -= 1.0

    def repay(self, model: str) -> None:
        """A call succeeded: there is room for one retry more."""
        mark = self.marks.get(model)
        if mark is not None:
            mark.balance = min(mark.balance + 1.0, self._limits.reserve)

    def forget_old(self, now_s: float) -> None:
        """Drop the marks that have aged."""
        marks = self.marks
        while marks:
            oldest = next(iter(marks))
            if now_s - marks[oldest].marked_s <= self._limits.memory_s:
                return
            del marks[oldest]

    def _forget(self, now_s: float) -> None:
        self.forget_old(now_s)
        while len(self.marks) >= self._limits.max_models:
            del self.marks[next(iter(self.marks))]
