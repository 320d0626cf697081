"""What the overview is given."""

from dataclasses import dataclass

from admin.charts import OutcomeChart
from gateway.control.ailments import Ailment
from gateway.control.overview import Numbers
from gateway.control.pulse import Pulse
from gateway.pool.key import KeyState
from gateway.pool.rests import Rest
from gateway.protocols.failure_kinds import FailureKind


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One model's calls in the time shown; without a name, those of all the others.

    share   of the calls that were not the client's own doing, how many succeeded; None without any
    """

    model: str
    calls: int
    share: float | None
    tokens: int
    first_token_ms: float | None


@dataclass(frozen=True, slots=True)
class Ailing:
    """A key that failed often in a day; `state` is how it stands now, None when it is not in use."""

    key_id: int
    alias: str
    state: KeyState | None
    kind: FailureKind
    attempts: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a day's learned limits, over all keys and projects that have one.

    tokens    they count input tokens, not requests
    buckets   keys or projects that have one
    """

    tokens: bool
    buckets: int
    left: int
    limit: int

    @property
    def share(self) -> float:
        return self.left / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """Usable keys by what their quota for a model allows now.

    provider   "" for Gemini
    next_s     epoch seconds of the next usable key while there is none; else None
    """

    provider: str
    model: str
    ready: int
    resting: int
    exhausted: int
    unavailable: int
    next_s: float | None
    quotas: tuple[Quota, ...]


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """pages/overview.html and fragments/overview/*.

    now_ms       when all this was so
    period       the time shown: "1h", "8h", "24h", "7d"
    numbers      None while the database is away; then there is no chart, use or ailing key either
    ailment      the group of reasons that is shown, None for all
    standings    models that are used or rest; `more_standings` how many more there are
    renew_s      epoch seconds when Google's daily quotas begin anew
    streams      open now, over all workers of this machine
    origin       scheme and host as the reader reached us, for the first call
    """

    now_ms: int
    period: str
    pulse: Pulse
    numbers: Numbers | None
    chart: OutcomeChart | None
    models: tuple[ModelUse, ...]
    ailment: Ailment | None
    ailing: tuple[Ailing, ...]
    standings: tuple[ModelStanding, ...]
    more_standings: int
    rests: tuple[Rest, ...]
    renew_s: float
    streams: int
    origin: str

    @property
    def since_ms(self) -> int:
        """Where the time shown begins; models count whole hours."""
        return self.numbers.steps[0].at_ms // 3_600_000 * 3_600_000 if self.numbers else self.now_ms
