"""The one attempt of a call that went well at once, as a few columns of the call's own row.

Nearly every call is such a one. A row in `attempt` would repeat most of the call's, and was a fifth of what
writing the call cost. All other attempts have rows there, and so have all that older versions wrote: those of
a call are in one of the two places.
"""

from gateway.store.records import AttemptRecord, CallRecord
from gateway.store.texts import as_name

COLUMNS = ("tried_key_id", "tried_alias", "tried_after_ms", "tried_ms")
"""Its key, the key's masked name, when it began after the call, and how long it took; NULL without one."""
Own = tuple[int, str, int, int] | tuple[None, None, None, None]
NONE: Own = (None, None, None, None)


def own_of(call: CallRecord) -> Own:
    """The columns' values; NONE when the call's attempts need rows of their own, or there are none."""
    if len(call.attempts) != 1:
        return NONE
    (attempt,) = call.attempts
    if (
        attempt.failure_kind is not None
        or attempt.bucket_state is not None
        or attempt.number != 1
        or attempt.status != call.status
    ):
        return NONE
    return (
        attempt.key_id,
        as_name(attempt.key_alias, 40),
        attempt.started_at_ms - call.started_at_ms,
        attempt.duration_ms,
    )


def attempts_of(own: Own, started_at_ms: int, status: int) -> tuple[AttemptRecord, ...]:
    """The attempt that the columns of a call's row tell of, if any."""
    if own[0] is None:
        return ()
    key_id, alias, after_ms, duration_ms = own
    return (AttemptRecord(1, key_id, alias, None, status, duration_ms, started_at_ms + after_ms),)
