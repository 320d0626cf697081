"""Whether a call may be tried again: not when that might do twice what must be done once, nor without a body.

Pure; asked by the retry loop before the pool's policy.
"""

from gateway.protocols.failure_kinds import FailureKind
from gateway.relay.plan import Plan
from gateway.upstream.transport import FailureCause

# Failures that leave it open whether Google has done what was asked, unless it never got the request.
_UNCERTAIN = frozenset(
    {
        FailureKind.NETWORK,
        FailureKind.TIMEOUT,
        FailureKind.TRUNCATED,
        FailureKind.MALFORMED,
        FailureKind.DEADLINE,
    }
)
_NOT_SENT = frozenset(
    {
        FailureCause.RESOLVE,
        FailureCause.CONNECT,
        FailureCause.PROXY,
        FailureCause.TLS,
        FailureCause.TIMEOUT_CONNECT,
    }
)


def may_repeat(plan: Plan, kind: FailureKind, cause: FailureCause | None) -> bool:
    """Say whether a plan whose attempt failed may go out again.

    cause   why the transfer failed below HTTP, None when it did not
    """
    body = plan.body
    if body is not None and not isinstance(body, bytes):
        return False  # what has been read of it is gone
    return not (plan.passage.once and kind in _UNCERTAIN and cause not in _NOT_SENT)
