"""The pool: lends keys, hears what became of the calls, and remembers.

Pure state machine, single-threaded, no lock: time is an argument, chance is injected. Driven by
gateway/relay/attempts.py; keys are put in and out by gateway/control.
"""

from collections.abc import Callable, Container, Iterable

from gateway.pool.bucket import RESTING_STATES, BucketState
from gateway.pool.busy import BusyLimits, BusyModels
from gateway.pool.changes import (
    BucketExplanation,
    Change,
    KeyExplanation,
    PoolCounts,
    key_change,
    opened,
)
from gateway.pool.effects import EFFECTS, Effect
from gateway.pool.key import Key, KeySpec, KeyState
from gateway.pool.learning import Lesson, learn_failure, learn_success
from gateway.pool.lease import AllResting, AllTried, Lease, NoKeys, NoKeysReason
from gateway.pool.limits import PoolLimits
from gateway.pool.roster import Roster
from gateway.pool.selection import Ring
from gateway.protocols.failures import Failure

GEMINI = "gemini"


class Pool:
    """Every key of every provider.

    busy     models that are overloaded, and what their retries may cost

    Times are wall-clock epoch seconds and may stand still or step back without harm: a key then rests longer.
    """

    __slots__ = ("_jitter", "_limits", "_rosters", "_serial", "busy")

    def __init__(
        self, limits: PoolLimits, jitter: Callable[[], float], *, busy: BusyLimits | None = None
    ) -> None:
        """`jitter` gives a number in [0, 1) each time a rest is measured out."""
        self.busy = BusyModels(busy or BusyLimits())
        self._limits = limits
        self._jitter = jitter
        self._rosters: dict[str, Roster] = {}
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

    def put(self, spec: KeySpec) -> None:
        """Add a key or take over its new configuration.

        A new secret or provider makes it a new key, of which nothing is known. A key that died here stays
        dead until `revive`, or until a spec that called it dead is followed by one that does not.
        """
        roster = self._rosters.get(spec.provider)
        if roster is None:
            roster = self._rosters[spec.provider] = Roster(self._limits)
        key = roster.by_id.get(spec.id)
        if key is not None and key.spec.secret == spec.secret:
            if key.spec != spec:
                roster.respec(key, spec)
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
        if key.fault is None:
            return ()
        roster.set_fault(key, None)
        return (key_change(key, now_s),)

    def reopen(self, key_id: int, now_s: float) -> tuple[Change, ...]:
        """Forget the rests of a key's (or its project's) buckets for every model."""
        found = self._find(key_id)
        if found is None:
            return ()
        roster, key = found
        changes = []
        for model, ring in roster.rings.items():
            bucket = ring.buckets.get(key.owner)
            if bucket is not None:
                if bucket.resting:
                    changes.append(opened(bucket, key, model, now_s))
                roster.lift(ring, bucket)
        return tuple(changes)

    # Lending

    def lease(
        self,
        model: str,
        now_s: float,
        *,
        provider: str = GEMINI,
        tried: Container[int] = (),
        pinned: int | None = None,
    ) -> Lease | AllResting | AllTried | NoKeys:
        """Lend the key whose turn it is for `model`, in amortised constant time.

        model   as the upstream names it, without `models/`; "" for calls that have none
        tried   ids of keys that this call must not be given again
        pinned  id of the only key that can serve the call; turns and `tried` do not matter then
        """
        roster = self._rosters.get(provider)
        if roster is None or not roster.by_id:
            return NoKeys(NoKeysReason.NONE_CONFIGURED if pinned is None else NoKeysReason.PINNED_GONE)
        if roster.due(now_s):
            roster.wake(now_s, self._limits.wakes_per_lease)
        ring = roster.rings.get(model) or roster.ring(model)
        if ring.due(now_s):
            roster.wake_ring(ring, now_s, self._limits.wakes_per_lease)
        if pinned is not None:
            return self._lease_pinned(roster, ring, model, pinned, now_s)
        key = ring.take(roster.slots, tried)
        if key is None:
            return self._nothing_to_lend(roster, ring, model, now_s, tried)
        return self._lend(roster, ring, model, key)

    def _lend(self, roster: Roster, ring: Ring, model: str, key: Key) -> Lease:
        self._serial = ring.used = serial = self._serial + 1
        roster.last_slot = key.slot
        key.in_flight += 1
        return Lease(key, model, serial)

    def _lease_pinned(
        self, roster: Roster, ring: Ring, model: str, key_id: int, now_s: float
    ) -> Lease | AllResting | NoKeys:
        key = roster.by_id.get(key_id)
        if key is None:
            return NoKeys(NoKeysReason.PINNED_GONE)
        bucket = ring.buckets.get(key.owner)
        rests = bucket is not None and bucket.resting
        if key.state is KeyState.ACTIVE and not rests:
            return self._lend(roster, ring, model, key)
        roster.settle(now_s)
        if key.state is KeyState.RESTING and key.fault is not None and key.fault.until_s is not None:
            return AllResting(model, key.fault.until_s, {key.fault.kind: 1})
        if key.state is not KeyState.ACTIVE:
            return NoKeys(NoKeysReason.PINNED_UNUSABLE)
        if bucket is not None and bucket.resting:
            return AllResting(model, bucket.until_s, {bucket.kind: 1})
        return self._lend(roster, ring, model, key)

    def _nothing_to_lend(
        self, roster: Roster, ring: Ring, model: str, now_s: float, tried: Container[int]
    ) -> Lease | AllResting | AllTried | NoKeys:
        # A lease wakes only a few keys at a time; before saying no, all whose time has come.
        roster.wake(now_s, -1)
        roster.wake_ring(ring, now_s, -1)
        key = ring.take(roster.slots, tried)
        if key is not None:
            return self._lend(roster, ring, model, key)
        if len(ring.open):
            return AllTried(model)
        until_s = roster.next_usable_s(ring)
        if until_s is not None:
            reasons = dict(roster.resting)
            for kind, count in ring.blocked.items():
                reasons[kind] = reasons.get(kind, 0) + count
            return AllResting(model, until_s, {kind: count for kind, count in reasons.items() if count})
        if roster.tally[KeyState.DEAD]:
            return NoKeys(NoKeysReason.ALL_DEAD)
        return NoKeys(NoKeysReason.ALL_DISABLED)

    # What became of it

    def release(self, lease: Lease) -> None:
        """Take a lease back whose call says nothing of the key: cancelled, or the client's own mistake."""
        self._close(lease)

    def report_success(self, lease: Lease, now_s: float) -> tuple[Change, ...]:
        """Take a lease back whose call was answered. Clears doubt, and what a later failure did not renew."""
        if self.busy:
            self.busy.repay(lease.model)
        roster = self._close(lease)
        return () if roster is None else learn_success(roster, lease, now_s)

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
        return learn_failure(roster, lease, lesson)

    def _close(self, lease: Lease) -> Roster | None:
        """Give the roster of a lease reported for the first time, whose key is still the pool's."""
        if lease.closed:
            return None
        lease.closed = True
        key = lease.key
        key.in_flight -= 1
        roster = self._rosters.get(key.spec.provider)
        return roster if roster is not None and roster.by_id.get(key.spec.id) is key else None

    # Asking

    def explain(self, key_id: int, now_s: float) -> KeyExplanation | None:
        """Say why a key rests, until when, and what was seen; None for a key that is not here."""
        found = self._find(key_id)
        if found is None:
            return None
        roster, key = found
        roster.settle(now_s)
        buckets = [
            BucketExplanation(
                model, b.owner, b.state, b.kind, b.message, b.since_s, b.until_s, b.streak
            )
            for model, ring in roster.rings.items()
            if (b := ring.buckets.get(key.owner)) is not None
        ]  # fmt: skip
        fault = key.fault
        return KeyExplanation(
            key_id=key_id,
            alias=key.spec.alias,
            provider=key.spec.provider,
            state=key.state,
            project=key.project,
            kind=fault.kind if fault else None,
            message=fault.message if fault else "",
            since_s=fault.since_s if fault else 0.0,
            until_s=fault.until_s if fault else None,
            doubts=key.doubts,
            in_flight=key.in_flight,
            buckets=tuple(buckets),
        )

    def counts(self, now_s: float, *, provider: str = GEMINI) -> PoolCounts:
        """Count keys by state, and by model. Exact; costs what has to wake, not the number of keys."""
        roster = self._rosters.get(provider)
        if roster is None:
            return PoolCounts(dict.fromkeys(KeyState, 0), {})
        roster.settle(now_s)
        models = {}
        for model, ring in roster.rings.items():
            states = dict.fromkeys(BucketState, 0)
            states[BucketState.OPEN] = len(ring.open)
            for kind, count in ring.blocked.items():
                states[RESTING_STATES[kind]] += count
            models[model] = states
        return PoolCounts(roster.tally.copy(), models)

    def next_usable(self, model: str, now_s: float, *, provider: str = GEMINI) -> float | None:
        """Give when a key can serve the model: `now_s` when one can now, None when none ever will."""
        roster = self._rosters.get(provider)
        if roster is None:
            return None
        roster.settle(now_s)
        ring = roster.rings.get(model)
        if ring is None:
            ring = Ring(roster.usable, -1)  # looked at and let go: asking does not make a model known
        return now_s if len(ring.open) else roster.next_usable_s(ring)

    def _find(self, key_id: int) -> tuple[Roster, Key] | None:
        for roster in self._rosters.values():
            key = roster.by_id.get(key_id)
            if key is not None:
                return roster, key
        return None
