"""A key's attempts of a day as a line of small columns: one path for the served, one for the failed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.store.key_use import KeyHour

HOURS = 24
COLUMN_PX, HEIGHT_PX = 3, 16
_GAP_PX = 1
_LEAST_PX = 1.5


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Paths in a box of `width` by HEIGHT_PX; both are "" when there was nothing.

    attempts, failures   what they add up to
    """

    served: str
    failed: str
    attempts: int
    failures: int
    width: int = HOURS * (COLUMN_PX + _GAP_PX)


def sparkline(hours: Sequence[KeyHour], last_hour: int) -> Sparkline:
    """Draw the 24 hours up to an epoch hour; each key's busiest hour is as high as the box."""
    first_hour = last_hour - HOURS + 1
    shown = [each for each in hours if first_hour <= each.hour <= last_hour]
    if not shown:
        return Sparkline("", "", 0, 0)
    _, attempts, failures = zip(*shown, strict=True)
    top = max(attempts)
    served, failed = zip(
        *[_columns(hour - first_hour, tried, lost, top) for hour, tried, lost in shown], strict=True
    )
    return Sparkline("".join(served), "".join(failed), sum(attempts), sum(failures))


# A page may have twelve thousand of them, and keys that share the calls have much the same ones.
@lru_cache(maxsize=16_384)
def _columns(place: int, attempts: int, failures: int, top: int) -> tuple[str, str]:
    """The columns of one hour: of the served, on top of the failed."""
    x = place * (COLUMN_PX + _GAP_PX)
    bad = _px(failures, top)
    good = max(_px(attempts, top) - bad, _LEAST_PX) if attempts > failures else 0
    return _column(x, max(HEIGHT_PX - bad - good, 0), good), _column(x, HEIGHT_PX - bad, bad)


def _px(count: int, top: int) -> float:
    return max(round(count * HEIGHT_PX / top, 1), _LEAST_PX) if count else 0


def _column(x: int, y: float, height: float) -> str:
    return f"M{x} {y:g}h{COLUMN_PX}v{height:g}h-{COLUMN_PX}z" if height else ""
