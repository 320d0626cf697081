"""An outage of the database: since when nothing works, why, and when it is worth another try.

Changed by the writer's thread; `words` is read by those who would hand it a job.
"""

from gateway.errors import StoreUnavailable
from gateway.log import get_logger

log = get_logger("gateway.store")
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0


class Outage:
    """Begins with a failure, ends with a success; said once each in the log.

    words     why the database is away; None while all is well
    pause_s   how long to wait before the next try
    """

    def __init__(self) -> None:
        self.words: str | None = None
        self.pause_s = 0.0

    def failed(self, reason: StoreUnavailable) -> None:
        """The database did not serve us."""
        if self.words is None:
            log.error("database_unavailable", reason=str(reason))
        self.words = str(reason)
        self.pause_s = min(max(self.pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)

    def over(self, *, dropped: int) -> None:
        """The database serves us."""
        if self.words is None:
            return
        self.words = None
        self.pause_s = 0.0
        log.warning("database_available_again", dropped=dropped)
