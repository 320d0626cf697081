"""Waiting calls: first come, first served, no herd, no more than fit."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from gateway.pool.waiting import Waiter, WaitingCalls, WaitingLimits
from tests.pool.builders import NOON_S

DEADLINE_S = NOON_S + 30


def queue(*tokens: str, line: str = "m", **limits: float) -> WaitingCalls[str, str]:
    waiting: WaitingCalls[str, str] = WaitingCalls(WaitingLimits(**limits))  # type: ignore[arg-type]  # some are counts
    for token in tokens:
        waiting.enqueue(token, line, DEADLINE_S)
    return waiting


def open_keys(**lines: int) -> Callable[[str], int]:
    return lambda line: lines.get(line, 0)


def names(waiters: tuple[Waiter[str, str], ...]) -> str:
    return "".join(waiter.token for waiter in waiters)


def test_calls_go_in_the_order_they_came() -> None:
    waiting = queue("a", "b", "c")
    assert names(waiting.release(NOON_S, open_keys(m=2)).go) == "ab"
    assert names(waiting.release(NOON_S + 1, open_keys(m=2)).go) == "c"


def test_no_more_go_than_keys_are_open_and_the_next_only_after_a_gap() -> None:
    waiting = queue(*"abcdef", gap_s=0.5)
    assert names(waiting.release(NOON_S, open_keys(m=2)).go) == "ab"
    assert names(waiting.release(NOON_S + 0.4, open_keys(m=2)).go) == ""
    assert waiting.next_wake_s(lambda _: NOON_S) == NOON_S + 0.5
    assert names(waiting.release(NOON_S + 0.5, open_keys(m=3)).go) == "cde"


def test_the_position_is_told_and_a_full_queue_refuses() -> None:
    waiting = queue(max_calls=3)
    assert [waiting.enqueue(token, "m", DEADLINE_S) for token in "ab"] == [1, 2]
    assert waiting.enqueue("c", "n", DEADLINE_S) == 1
    assert waiting.enqueue("d", "m", DEADLINE_S) is None
    assert waiting.enqueue("a", "m", DEADLINE_S) is None
    waiting.leave("a")
    assert waiting.enqueue("d", "m", DEADLINE_S) == 2


def test_lines_do_not_wait_on_each_other() -> None:
    waiting = queue("a", "b")
    waiting.enqueue("x", "n", DEADLINE_S)
    assert names(waiting.release(NOON_S, open_keys(n=5)).go) == "x"
    assert waiting.is_awaited("m")
    assert not waiting.is_awaited("n")


def test_a_call_released_in_vain_keeps_its_place() -> None:
    waiting = queue("a", "b", "c", gap_s=0)
    first, second = waiting.release(NOON_S, open_keys(m=2)).go
    waiting.put_back(second)
    waiting.put_back(first)
    waiting.put_back(first)
    assert names(waiting.release(NOON_S, open_keys(m=9)).go) == "abc"
    assert len(waiting) == 0


def test_calls_past_their_deadline_are_handed_out_to_be_answered() -> None:
    waiting = queue("a")
    waiting.enqueue("b", "m", NOON_S + 5)
    assert waiting.next_wake_s(lambda _: None) == NOON_S + 5
    released = waiting.release(NOON_S + 5, open_keys())
    assert names(released.expired) == "b"
    assert waiting.next_wake_s(lambda _: None) == DEADLINE_S


def test_a_call_that_was_put_back_expires_once() -> None:
    waiting = queue("a", gap_s=0)
    for _ in range(3):
        (waiter,) = waiting.release(NOON_S, open_keys(m=1)).go
        waiting.put_back(waiter)
    assert names(waiting.release(DEADLINE_S, open_keys()).expired) == "a"
    assert waiting.next_wake_s(lambda _: None) is None


def test_the_next_look_is_when_the_first_bucket_wakes() -> None:
    waiting = queue("a")
    waiting.enqueue("x", "n", DEADLINE_S)
    wakes = {"m": NOON_S + 20, "n": NOON_S + 7}
    assert waiting.next_wake_s(lambda line: wakes[str(line)]) == NOON_S + 7
    assert waiting.leave("x")
    assert not waiting.leave("x")
    assert waiting.next_wake_s(lambda line: wakes[str(line)]) == NOON_S + 20


def test_an_empty_queue_asks_for_no_timer() -> None:
    assert queue().next_wake_s(lambda _: NOON_S) is None


def test_calls_that_come_and_go_leave_nothing_behind() -> None:
    waiting = queue("first", max_calls=5)
    for number in range(200):
        assert waiting.enqueue(f"call {number}", "m", DEADLINE_S + number) == 2
        waiting.leave(f"call {number}")
    assert len(waiting._lines["m"]) <= 11
    assert len(waiting._deadlines) <= 11
    assert names(waiting.release(NOON_S, open_keys(m=9)).go) == "first"


class WaitingMachine(RuleBasedStateMachine):
    """The queue against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: WaitingCalls[int, str] = WaitingCalls(WaitingLimits(max_calls=6, gap_s=0))
        self.now_s = NOON_S
        self.plain: list[Waiter[int, str]] = []
        self.out: list[Waiter[int, str]] = []
        self.number = 0

    @rule(line=st.sampled_from("ab"), patience_s=st.sampled_from([1.0, 5.0, 100.0]))
    def come(self, line: str, patience_s: float) -> None:
        self.number += 1
        deadline_s = self.now_s + patience_s
        position = self.waiting.enqueue(self.number, line, deadline_s)
        if len(self.plain) >= 6:
            assert position is None
            self.number -= 1
            return
        self.plain.append(Waiter(self.number, line, deadline_s, self.number))
        assert position == sum(waiter.line == line for waiter in self.plain)

    @precondition(lambda self: self.plain)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        waiter = self.plain.pop(data.draw(st.integers(0, len(self.plain) - 1)))
        assert self.waiting.leave(waiter.token)

    @precondition(lambda self: self.out)
    @rule()
    def put_back(self) -> None:
        waiter = self.out.pop()
        self.waiting.put_back(waiter)
        self.plain = sorted([*self.plain, waiter], key=lambda each: each.number)

    @rule(seconds=st.sampled_from([0.0, 2.0, 50.0]), a=st.integers(0, 3), b=st.integers(0, 3))
    def release(self, seconds: float, a: int, b: int) -> None:
        self.now_s += seconds
        released = self.waiting.release(self.now_s, open_keys(a=a, b=b))
        late = {waiter for waiter in self.plain if waiter.deadline_s <= self.now_s}
        assert set(released.expired) == late
        self.plain = [waiter for waiter in self.plain if waiter not in late]
        for line, room in (("a", a), ("b", b)):
            going = [waiter for waiter in self.plain if waiter.line == line][:room]
            assert [waiter for waiter in released.go if waiter.line == line] == going
            self.plain = [waiter for waiter in self.plain if waiter not in going]
        self.out = list(released.go)
        assert len(self.waiting) == len(self.plain)


WaitingMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestWaitingAgainstAList = WaitingMachine.TestCase
