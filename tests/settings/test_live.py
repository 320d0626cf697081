"""The snapshot in use and its listeners."""

from gateway.settings.live import LiveHolder
from gateway.settings.model import LiveSettings


def test_a_swap_replaces_the_snapshot_and_tells_each_listener_both() -> None:
    old, new = LiveSettings(), LiveSettings(max_retries=7)
    holder = LiveHolder(old)
    told: list[tuple[str, LiveSettings, LiveSettings]] = []
    holder.subscribe(lambda before, after: told.append(("first", before, after)))
    holder.subscribe(lambda before, after: told.append(("second", before, after)))
    holder.swap(new)
    assert holder.current is new
    assert told == [("first", old, new), ("second", old, new)]


def test_a_snapshot_taken_before_a_swap_stays_as_it_was() -> None:
    holder = LiveHolder(LiveSettings())
    taken = holder.current
    holder.swap(LiveSettings(max_retries=7))
    assert taken.max_retries == 3


def test_equal_settings_tell_nobody() -> None:
    holder = LiveHolder(LiveSettings(custom_headers={"X-A": "1"}))
    told: list[LiveSettings] = []
    holder.subscribe(lambda _, after: told.append(after))
    holder.swap(LiveSettings(custom_headers={"X-A": "1"}))
    assert told == []


def test_a_listener_that_left_is_told_nothing_more_even_by_another_listener() -> None:
    holder = LiveHolder(LiveSettings())
    told: list[int] = []
    leave = holder.subscribe(lambda _, after: told.append(after.max_retries))
    holder.swap(LiveSettings(max_retries=7))
    leave()
    leave()
    holder.swap(LiveSettings(max_retries=8))
    assert told == [7]
