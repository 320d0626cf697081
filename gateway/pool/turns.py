"""Taking turns: the open keys of one model, and which of them is lent next.

`Turns` is strict round robin, by weight and by group; `LeastBusy` asks who has the fewest calls under way.
Used by `selection`; a key that rests is not in here, so it costs nothing.
"""

from collections.abc import Container, Mapping, Sequence

from gateway.pool.key import Key
from gateway.pool.order import LaneId
from gateway.pool.slots import SlotSet

Keys = Sequence[Key | None]
_MOST_OWED = 2.0


class Lane:
    """Keys that take strict turns in slot order.

    open     slots that may be lent now
    cursor   the slot lent last in turn
    ahead    slots lent out of turn: their next turn is skipped, which keeps the shares equal
    weight   of each of its keys
    lag      calls its keys are owed, when there are lanes beside it
    """

    __slots__ = ("ahead", "cursor", "lag", "open", "weight")

    def __init__(self, slots: SlotSet, cursor: int, weight: int = 1) -> None:
        self.open = slots
        self.cursor = cursor
        self.ahead: set[int] = set()
        self.weight = weight
        self.lag = 0.0

    def take(self, keys: Keys, tried: Container[int]) -> Key | None:
        """Give the key whose turn it is, the next one when that was tried, None when none is left."""
        slot = self.open.next_after(self.cursor)
        while slot in self.ahead:
            self.ahead.discard(slot)
            self.cursor = slot
            slot = self.open.next_after(slot)
        if slot < 0:
            return None
        key = keys[slot]
        if key is not None and (not tried or key.spec.id not in tried):
            self.cursor = slot
            return key
        return self._out_of_turn(slot, keys, tried)

    def _out_of_turn(self, first: int, keys: Keys, tried: Container[int]) -> Key | None:
        # The tried key keeps its turn for another call; whoever steps in skips one of its own later.
        second_choice: Key | None = None
        slot = self.open.next_after(first)
        while slot != first:
            key = keys[slot]
            if key is not None and key.spec.id not in tried:
                if slot not in self.ahead:
                    self.ahead.add(slot)
                    return key
                second_choice = second_choice or key
            slot = self.open.next_after(slot)
        return second_choice

    def charge(self, slot: int) -> None:
        """Note that an open slot was lent by preference: that was its turn, or its next one is skipped."""
        if slot in self.ahead:
            return
        if self.open.next_after(self.cursor) == slot:
            self.cursor = slot
        else:
            self.ahead.add(slot)

    def discard(self, slot: int) -> None:
        self.open.discard(slot)
        self.ahead.discard(slot)


class Turns:
    """Lanes in groups: the first group that has an open key serves, its lanes by their weight.

    only   the single lane there is, else None
    """

    __slots__ = ("_cursor", "_groups", "_lanes", "only")

    def __init__(self, usable: Mapping[LaneId, SlotSet], cursor: int) -> None:
        self.only: Lane | None = None
        self._cursor = cursor
        self._lanes: dict[LaneId, Lane] = {}
        self._groups: list[list[Lane]] = []
        for lane_id, slots in usable.items():
            self._lanes[lane_id] = Lane(slots.copy(), cursor, lane_id[1])
        self._arrange()

    def __len__(self) -> int:
        return sum(len(lane.open) for lane in self._lanes.values())

    def take(self, keys: Keys, tried: Container[int]) -> Key | None:
        """Give the key whose turn it is among those not tried, None when none is left."""
        if self.only is not None:
            return self.only.take(keys, tried)
        for group in self._groups:
            lanes = [lane for lane in group if len(lane.open)]
            if not lanes:
                continue
            one = len(lanes) == 1
            key = lanes[0].take(keys, tried) if one else _take_weighted(lanes, keys, tried)
            if key is not None:
                return key
        return None

    def charge(self, key: Key) -> None:
        """Note that an open key was lent by preference: it counts as its turn."""
        lane = self._lanes[key.lane]
        lane.charge(key.slot)
        if self.only is None:
            lanes = [other for other in self._group_of(lane) if len(other.open)]
            if len(lanes) > 1:
                _settle(lanes, lane)

    def add(self, key: Key) -> None:
        lane = self._lanes.get(key.lane)
        if lane is None:
            lane = self._lanes[key.lane] = Lane(SlotSet(), self._cursor, key.lane[1])
            self._arrange()
        lane.open.add(key.slot)

    def discard(self, key: Key) -> None:
        lane = self._lanes.get(key.lane)
        if lane is not None:
            lane.discard(key.slot)
            if not len(lane.open):
                lane.lag = 0.0

    def _group_of(self, lane: Lane) -> list[Lane]:
        return next(group for group in self._groups if lane in group)

    def _arrange(self) -> None:
        groups: dict[int, list[Lane]] = {}
        for lane_id in sorted(self._lanes):
            groups.setdefault(lane_id[0], []).append(self._lanes[lane_id])
        self._groups = list(groups.values())
        self.only = next(iter(self._lanes.values())) if len(self._lanes) == 1 else None


def _take_weighted(lanes: list[Lane], keys: Keys, tried: Container[int]) -> Key | None:
    """Choose the lane, then its key; the cost grows with the number of different weights, not of keys.

    Of the lanes that are owed a call the one whose next call is due first: then no lane is ever a whole
    call from its share. Source: R. Tijdeman, The chairman assignment problem, 1980.
    """
    total = sum(lane.weight * len(lane.open) for lane in lanes)
    slack = 1.0 / (2 * len(lanes) - 2)
    choices = []
    for place, lane in enumerate(lanes):
        share = lane.weight * len(lane.open) / total
        owed = lane.lag + share
        due = (1.0 - slack - lane.lag) / share
        choices.append((owed < slack - 1e-9, due, place))
    if not tried:
        lane = lanes[min(choices)[2]]
        key = lane.take(keys, tried)
        _settle(lanes, lane)
        return key
    for _, _, place in sorted(choices):
        key = lanes[place].take(keys, tried)
        if key is not None:
            _settle(lanes, lanes[place])
            return key
    return None


def _settle(lanes: list[Lane], served: Lane) -> None:
    total = sum(lane.weight * len(lane.open) for lane in lanes)
    served.lag -= 1.0
    for lane in lanes:
        lag = lane.lag + lane.weight * len(lane.open) / total
        # Turns alone stay within one call. Preference may go on for long: that debt is bounded.
        lane.lag = min(max(lag, -_MOST_OWED), _MOST_OWED)


class Levels:
    """The keys of a provider by the number of calls they have under way.

    Kept only while the order asks for it. Few levels hold anything: as many as there are different numbers.
    """

    __slots__ = ("_held", "_sets")

    def __init__(self, keys: Sequence[Key | None]) -> None:
        self._sets: dict[int, SlotSet] = {}
        self._held = 0  # bit n is set when level n holds anything
        for key in keys:
            if key is not None:
                self.add(key.slot, key.in_flight)

    def add(self, slot: int, level: int) -> None:
        held = self._sets.get(level)
        if held is None:
            held = self._sets[level] = SlotSet()
            self._held |= 1 << level
        held.add(slot)

    def discard(self, slot: int, level: int) -> None:
        held = self._sets.get(level)
        if held is None:
            return
        held.discard(slot)
        if not len(held):
            del self._sets[level]
            self._held ^= 1 << level

    def move(self, slot: int, level: int, to: int) -> None:
        self.discard(slot, level)
        self.add(slot, to)

    def above(self, level: int) -> tuple[int, SlotSet] | None:
        """Give the first level from `level` on that holds anything, and its slots."""
        rest = self._held >> level
        if not rest:
            return None
        level += (rest & -rest).bit_length() - 1
        return level, self._sets[level]


class LeastBusy:
    """The open keys of one model, the least busy first, ties in turn.

    Costs a step for every level of business below the one that serves; a step looks at one or two words of
    512 slots, and at one in 512 of the slots at the very worst.
    """

    __slots__ = ("_cursor", "_levels", "_open", "only")

    def __init__(self, usable: Mapping[LaneId, SlotSet], cursor: int, levels: Levels) -> None:
        self.only: Lane | None = None
        self._open = SlotSet()
        for slots in usable.values():  # one lane at most: this order knows neither groups nor weights
            self._open = slots.copy()
        self._cursor = cursor
        self._levels = levels

    def __len__(self) -> int:
        return len(self._open)

    def take(self, keys: Keys, tried: Container[int]) -> Key | None:
        found = self._levels.above(0)
        while found is not None:
            level, held = found
            slot = first = self._open.next_within(held, self._cursor)
            while slot >= 0:
                key = keys[slot]
                if key is not None and (not tried or key.spec.id not in tried):
                    self._cursor = slot
                    return key
                slot = self._open.next_within(held, slot)
                if slot == first:
                    break
            found = self._levels.above(level + 1)
        return None

    def charge(self, key: Key) -> None:
        """A call lent by preference needs no note: it makes its key busier."""

    def add(self, key: Key) -> None:
        self._open.add(key.slot)

    def discard(self, key: Key) -> None:
        self._open.discard(key.slot)
