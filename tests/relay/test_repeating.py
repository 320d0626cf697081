"""What must be done once is not done twice, and a body that has been read is not sent again."""

import pytest

from gateway.protocols.failure_kinds import FailureKind
from gateway.relay.plan import Framing, Passage
from gateway.relay.repeating import may_repeat
from gateway.upstream.body_pipe import BodyPipe
from gateway.upstream.transport import FailureCause
from tests.relay.clients import plan

ONCE = Passage(once=True)


@pytest.mark.parametrize(
    ("kind", "cause", "expected"),
    [
        (FailureKind.RATE_MINUTE, None, True),
        (FailureKind.KEY_INVALID, None, True),
        (FailureKind.OVERLOADED, None, True),
        (FailureKind.NETWORK, FailureCause.CONNECT, True),
        (FailureKind.TIMEOUT, FailureCause.TIMEOUT_CONNECT, True),
        (FailureKind.NETWORK, FailureCause.RESET, False),
        (FailureKind.TIMEOUT, FailureCause.TIMEOUT_FIRST_BYTE, False),
        (FailureKind.TRUNCATED, FailureCause.TRUNCATED, False),
        (FailureKind.MALFORMED, None, False),
        (FailureKind.DEADLINE, None, False),
    ],
)
def test_what_may_have_been_done_is_not_asked_again(
    kind: FailureKind, cause: FailureCause | None, expected: bool
) -> None:
    assert may_repeat(plan(Framing.ANY, body=b"{}", passage=ONCE), kind, cause) is expected
    assert may_repeat(plan(Framing.ANY, body=b"{}"), kind, cause)


def test_a_body_that_arrives_while_it_is_sent_is_sent_once() -> None:
    pipe = BodyPipe(10, lambda: None)

    assert not may_repeat(plan(Framing.ANY, body=pipe), FailureKind.RATE_MINUTE, None)
