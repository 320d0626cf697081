"""The pool: lends keys, hears what became of the calls, and remembers.

Pure state machine, single-threaded, no lock: time is an argument, chance is injected. Driven by
gateway/relay/attempts.py; keys are put in and out by gateway/control.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace

from gateway.pool.busy import BusyLimits, BusyModels
from gateway.pool.changes import (
    Change,
    KeyChange,
    State,
    key_change,
)
from gateway.pool.effects import EFFECTS, Effect
from gateway.pool.key import GEMINI, Key, KeySpec
from gateway.pool.learning import Lesson, learn_failure, learn_success, reopen_buckets
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys, NoKeysReason
from gateway.pool.lending import key_of_project, last_resort, pinned_key, preferred_key
from gateway.pool.limits import PoolLimits
from gateway.pool.memory import Journal, snapshot_of, take_in, take_touched
from gateway.pool.order import Order
from gateway.pool.questions import PoolQuestions
from gateway.pool.roster import Roster
from gateway.protocols.failures import Failure


class Pool(PoolQuestions):
    """Every key of every provider.

    busy     models that are overloaded, and what their retries may cost

    Times are wall-clock epoch seconds and may stand still or step back without harm: a key then rests longer.
    """

    __slots__ = ("_jitter", "_journal", "_limits", "_order", "_serial", "busy")

    def __init__(
        self,
        limits: PoolLimits,
        jitter: Callable[[], float],
        *,
        busy: BusyLimits | None = None,
        order: Order | None = None,
    ) -> None:
        """`jitter` gives a number in [0, 1) each time a rest is measured out."""
        super().__init__()
        self.busy = BusyModels(busy or BusyLimits())
        self._limits = limits
        self._jitter = jitter
        self._order = order or Order()
        self._journal = Journal()
        self._serial = 0

    # Keys

    def apply(self, specs: Iterable[KeySpec]) -> None:
        """Make the pool hold exactly these keys. What is known of the surviving ones is kept."""
        named = {spec.id: spec for spec in specs}
        for roster in self._rosters.values():
            for key_id in [key_id for key_id in roster.by_id if key_id not in named]:
                roster.remove(roster.by_id[key_id])
        for spec in named.values():
            self.put(spec)

    def key_ids(self) -> list[int]:
        """The ids of every key, of whatever provider."""
        return [key_id for roster in self._rosters.values() for key_id in roster.by_id]

    def put(self, spec: KeySpec) -> None:
        """Add a key or take over its new configuration.

        A new secret or provider makes it a new key, of which nothing is known. A key that died here stays
        dead until `revive`, or until a spec that called it dead is followed by one that does not.
        """
        roster = self._rosters.get(spec.provider)
        if roster is None:
            roster = self._rosters[spec.provider] = Roster(self._limits, self._order)
        key = roster.by_id.get(spec.id)
        if key is not None and key.spec.secret == spec.secret:
            if key.spec != spec:
                held = key.fault
                roster.respec(key, spec)
                if key.fault is None and held is not None:
                    self._journal.note(key_change(key, 0.0))  # or a restart would bring the fault back
            return
        self.remove(spec.id)
        roster.add(spec)

    def remove(self, key_id: int) -> None:
        """Take a key out. Leases that are out may still be reported; they say nothing then."""
        for roster in self._rosters.values():
            key = roster.by_id.get(key_id)
            if key is not None:
                roster.remove(key)

    def revive(self, key_id: int, now_s: float) -> tuple[Change, ...]:
        """Lift a key's fault and doubts, as an operator or a passing probe may."""
        found = self._find(key_id)
        if found is None:
            return ()
        roster, key = found
        key.doubts = 0
        key.cleared_s = now_s
        if key.fault is None:
            return ()
        roster.set_fault(key, None)
        return self._noted((key_change(key, now_s),))

    def reopen(self, key_id: int, now_s: float) -> tuple[Change, ...]:
        """Forget the rests and the learned limits of a key's (or its project's) buckets for every model."""
        found = self._find(key_id)
        return () if found is None else self._noted(reopen_buckets(*found, now_s))

    @property
    def order(self) -> Order:
        """The order in which keys are used."""
        return self._order

    def set_max_failures(self, count: int) -> None:
        """Put a key in doubt after so many failures of unknown kind in a row, from the next one on."""
        self._limits = replace(self._limits, max_failures=count)

    def set_order(self, order: Order) -> None:
        """Use the keys in another order from the next lease on. Looks at every key once."""
        self._order = order
        for roster in self._rosters.values():
            roster.reorder(order)

    # Lending

    def lease(
        self,
        model: str,
        now_s: float,
        *,
        provider: str = GEMINI,
        tried: Container[int] = (),
        prefer: int | None = None,
        pinned: int | None = None,
        pinned_project: str | None = None,
    ) -> Lease | AllResting | AllTried | NoKeys:
        """Lend the key whose turn it is for `model`, in amortised constant time.

        model           as the upstream names it, without `models/`; "" for calls that have none
        tried           ids of keys that this call must not be given again
        prefer          id of the key to lend if it can serve now; it counts as that key's next turn
        pinned          id of the only key that can serve the call; turns and `tried` do not matter then
        pinned_project  the only project whose keys can serve the call; turns do not matter
        """
        roster = self._rosters.get(provider)
        if roster is None or not roster.by_id:
            free = pinned is None and pinned_project is None
            return NoKeys(NoKeysReason.NONE_CONFIGURED if free else NoKeysReason.PINNED_GONE)
        if roster.wakes and roster.due(now_s):
            roster.wake(now_s, self._limits.wakes_per_lease)
        ring = roster.rings.get(model) or roster.ring(model)
        if (ring.wakes or ring.forgets) and ring.due(now_s):
            roster.wake_ring(ring, now_s, self._limits.wakes_per_lease)
        key: Key | AllResting | AllTried | NoKeys | None = None
        if pinned is not None:
            key = pinned_key(roster, ring, model, pinned, now_s=now_s)
        elif pinned_project is not None:
            key = key_of_project(roster, ring, model, pinned_project, now_s=now_s, tried=tried)
        elif prefer is not None:
            key = preferred_key(roster, ring, prefer, tried)
        if key is None:
            turns = ring.turns.only or ring.turns
            key = turns.take(roster.slots, tried) or last_resort(
                roster, ring, model, now_s=now_s, tried=tried
            )
        if not isinstance(key, Key):
            return key
        self._serial = ring.used = serial = self._serial + 1
        roster.last_slot = key.slot
        levels = roster.lineup.levels
        if levels is not None:
            levels.move(key.slot, key.in_flight, key.in_flight + 1)
        key.in_flight += 1
        lease = Lease(key, model, serial)
        if ring.meters:
            roster.spend(ring, lease, now_s)
        return lease

    # What became of it

    def release(self, lease: Lease) -> None:
        """Take a lease back whose call says nothing of the key: cancelled, or the client's own mistake."""
        self._close(lease)

    def report_success(self, lease: Lease, now_s: float, *, tokens: int | None = None) -> tuple[Change, ...]:
        """Take a lease back whose call was answered. Clears doubt, and what a later failure did not renew.

        tokens   input tokens the answer says were used, None when it does not say
        """
        if self.busy.marks:
            self.busy.repay(lease.model)
        roster = self._close(lease)
        if roster is None:
            return ()
        changes = learn_success(roster, lease, now_s, tokens)
        return self._noted(changes) if changes else changes

    def report_failure(self, lease: Lease, failure: Failure, now_s: float) -> tuple[Change, ...]:
        """Take a lease back whose call failed, and do what the failure calls for.

        returns   what is different now: nothing for failures that are not the key's
        """
        effect = EFFECTS[failure.kind]
        if effect is Effect.BUSY_MODEL:
            self.busy.mark(lease.model, now_s)
        roster = self._close(lease)
        if roster is None or effect is Effect.NONE or effect is Effect.BUSY_MODEL:
            return ()
        lesson = Lesson(failure, now_s, self._serial, self._limits, self._jitter())
        return self._noted(learn_failure(roster, lease, lesson))

    def _close(self, lease: Lease) -> Roster | None:
        """Give the roster of a lease reported for the first time, whose key is still the pool's."""
        if lease.closed:
            return None
        lease.closed = True
        key = lease.key
        key.in_flight -= 1
        roster = key.roster
        if roster is None:
            return None
        levels = roster.lineup.levels
        if levels is not None:
            levels.move(key.slot, key.in_flight + 1, key.in_flight)
        return roster

    # Remembering and sharing

    def snapshot(self, now_s: float) -> Iterator[State]:
        """Give everything that is not as if nothing had happened, in the order `restore` needs.

        Looks at every key; do not change the pool while it runs.
        """
        for provider, roster in self._rosters.items():
            yield from snapshot_of(roster, provider, now_s)

    def take_dirty(self, now_s: float) -> tuple[State, ...]:
        """Give what changed since this was last asked: the last state of each thing, what is open again too.

        Rests that end by themselves are not told: their `until_s` says it. See `memory.identity` for what a
        state replaces, and `memory.is_nothing` for whether anything is left to keep.
        """
        states = self._journal.take()
        for provider, roster in self._rosters.items():
            states += take_touched(roster, provider, now_s)
        return tuple(states)

    def restore(self, states: Iterable[State], now_s: float) -> int:
        """Take in what was remembered, after `apply`; gives how much of it still mattered.

        Rests that are over, and keys and projects that are not here, are passed over.
        """
        for each in self._rosters.values():
            each.settle(now_s)
        # Projects first: they say whose the buckets are.
        ordered = sorted(states, key=lambda state: not isinstance(state, KeyChange))
        return sum(
            take_in(roster, state, now_s=now_s, serial=self._serial, limits=self._limits)
            for state in ordered
            if (roster := self._rosters.get(state.provider))
        )

    def apply_change(self, change: State, now_s: float) -> bool:
        """Take in what another process learned; True when that changed anything here.

        A rest never becomes shorter; only news from after it began opens what rests. The same key or bucket
        change twice does nothing more; limits carry counts, which are added each time. Nothing taken in here
        comes out of `take_dirty`.
        """
        roster = self._rosters.get(change.provider)
        if roster is None:
            return False
        roster.settle(now_s)
        return take_in(roster, change, now_s=now_s, serial=self._serial, limits=self._limits)

    def _noted(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        for change in changes:
            self._journal.note(change)
        return changes
