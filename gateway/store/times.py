"""Moments as the database keeps them: whole milliseconds since 1970, UTC, in a BIGINT.

The same in SQLite and MySQL, whatever the session's time zone. Called by the repositories.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The present moment, aware UTC."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(epoch_ms: int) -> datetime:
    """The aware UTC datetime of epoch milliseconds, exact to the millisecond."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
