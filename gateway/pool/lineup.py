"""The active keys of a provider in the order of use, from which every ring takes its own.

Beside `roster`, which says who is active; `turns` does the choosing.
"""

from collections.abc import Iterable, Sequence

from gateway.pool.key import Key, KeyState
from gateway.pool.order import LaneId, Order, OrderKind
from gateway.pool.slots import SlotSet
from gateway.pool.turns import LeastBusy, Levels, Turns


class Lineup:
    """Active keys by lane, and keys by calls under way when the order asks for that.

    levels   None unless the order is LEAST_BUSY
    """

    __slots__ = ("_order", "_usable", "levels")

    def __init__(self, order: Order) -> None:
        self._order = order
        self._usable: dict[LaneId, SlotSet] = {}
        self.levels = Levels(()) if order.kind is OrderKind.LEAST_BUSY else None

    def reorder(self, order: Order, keys: Iterable[Key], slots: Sequence[Key | None]) -> None:
        """Line the keys up anew; looks at each of them once."""
        self._order = order
        self._usable = {}
        self.levels = Levels(slots) if order.kind is OrderKind.LEAST_BUSY else None
        for key in keys:
            self.place(key)
            if key.state is KeyState.ACTIVE:
                self.add(key)

    def place(self, key: Key) -> None:
        """Say with whom a key takes turns; not while it is lined up."""
        key.lane = self._order.lane(key.spec.tags, key.spec.weight)

    def add(self, key: Key) -> None:
        lane = self._usable.get(key.lane)
        if lane is None:
            lane = self._usable[key.lane] = SlotSet()
        lane.add(key.slot)

    def discard(self, key: Key) -> None:
        self._usable[key.lane].discard(key.slot)

    def turns(self, cursor: int) -> Turns | LeastBusy:
        """Give the turns of a new ring, beginning behind the slot `cursor`."""
        if self.levels is not None:
            return LeastBusy(self._usable, cursor, self.levels)
        return Turns(self._usable, cursor)
