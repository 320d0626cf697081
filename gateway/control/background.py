"""What a process does beside its calls: it hears the others, remembers what the pool learned, and runs jobs.

Made by building.py; started before the first client comes in, stopped after the last one has left.
"""

from dataclasses import dataclass

from gateway.control.bus import Bus
from gateway.control.freed_memory import FreedMemory
from gateway.control.jobs import Jobs
from gateway.control.kept_responses import PRUNED_EVERY_S, KeptResponses
from gateway.control.leases import LeaseKeeper
from gateway.control.loop_lag import LoopLag
from gateway.control.memory import PoolMemory
from gateway.control.object_sweep import ObjectSweep
from gateway.control.objects import ObjectBook
from gateway.control.probe import Prober

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Background:
    """The parts, which others may use as well.

    keeper   holds the lease of the one process on this database that runs the jobs
    """

    bus: Bus
    memory: PoolMemory
    keeper: LeaseKeeper
    jobs: Jobs
    prober: Prober
    objects: ObjectBook
    sweep: ObjectSweep
    kept_responses: KeptResponses
    lag: LoopLag
    freed: FreedMemory

    def __post_init__(self) -> None:
        """Say what is heard and what is done again and again."""
        self.bus.listen("pool", self.memory.heard, reload=self.memory.reload)
        self.jobs.add("probe keys", self.prober.sweep, every_s=self.prober.every_s)
        self.jobs.add("prune changes", self.bus.prune, every_s=_HOUR_S / 4)
        self.jobs.add("prune objects", self.sweep.prune, every_s=_HOUR_S)
        self.jobs.add("delete old files", self.sweep.delete_files, every_s=self.sweep.interval_s)
        self.jobs.add("prune responses", self.kept_responses.prune, every_s=PRUNED_EVERY_S)
        self.jobs.add("prune pool states", self.memory.prune, every_s=12 * _HOUR_S)

    def start(self) -> None:
        """Begin; on the running loop."""
        self.bus.start()
        self.memory.start()
        self.keeper.start()
        self.jobs.start()
        self.lag.start()
        self.freed.start()

    async def stop(self) -> None:
        """End, with everything told and written that was learned."""
        self.freed.stop()
        self.lag.stop()
        await self.jobs.stop()
        await self.kept_responses.stop()
        await self.keeper.stop()
        await self.memory.stop()
        await self.bus.stop()
