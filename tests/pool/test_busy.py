"""An overloaded model's retries are few, and come back with success and time."""

from gateway.pool.busy import BusyLimits, BusyModels

LIMITS = BusyLimits(reserve=4, refill_per_s=1, memory_s=60, max_models=3)


def spend_all(busy: BusyModels, now_s: float) -> int:
    retries = 0
    while not busy.crowded("m", now_s) and retries < 1000:
        busy.spend("m")
        retries += 1
    return retries


def test_a_model_that_never_failed_is_not_crowded() -> None:
    busy = BusyModels(LIMITS)
    assert not busy.crowded("m", 0)
    assert not busy.is_busy("m", 0)


def test_a_storm_spends_the_reserve_and_no_more() -> None:
    busy = BusyModels(LIMITS)
    for _ in range(500):
        busy.mark("m", 0)
    assert spend_all(busy, 0) == 4


def test_each_success_pays_for_one_retry_up_to_the_reserve() -> None:
    busy = BusyModels(LIMITS)
    busy.mark("m", 0)
    spend_all(busy, 0)
    busy.repay("m")
    assert spend_all(busy, 0) == 1
    for _ in range(100):
        busy.repay("m")
    assert spend_all(busy, 0) == 4


def test_time_gives_retries_back_slowly() -> None:
    busy = BusyModels(LIMITS)
    busy.mark("m", 0)
    spend_all(busy, 0)
    assert busy.crowded("m", 0.5)
    assert spend_all(busy, 2) == 2


def test_models_do_not_share_their_balance() -> None:
    busy = BusyModels(LIMITS)
    busy.mark("m", 0)
    busy.mark("other", 0)
    spend_all(busy, 0)
    assert not busy.crowded("other", 0)


def test_a_mark_ages_and_the_balance_with_it() -> None:
    busy = BusyModels(LIMITS)
    busy.mark("m", 0)
    spend_all(busy, 0)
    assert busy.is_busy("m", 60)
    assert not busy.is_busy("m", 61)
    busy.mark("m", 61)
    assert spend_all(busy, 61) == 4


def test_marks_are_bounded_and_the_oldest_goes() -> None:
    busy = BusyModels(LIMITS)
    for number in range(10):
        busy.mark(f"m{number}", number)
    assert len(busy) == 3
    assert busy.is_busy("m9", 9)
    assert not busy.is_busy("m0", 9)


def test_old_marks_can_be_swept() -> None:
    busy = BusyModels(LIMITS)
    busy.mark("m", 0)
    busy.mark("n", 50)
    busy.forget_old(100)
    assert len(busy) == 1
