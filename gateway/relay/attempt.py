"""One try of a call on one key: the sink that the upstream driver feeds.

Good answers go to a delivery, errors are gathered (bounded) and classified. What follows is decided by the
retry loop in attempts.py.
"""

from dataclasses import replace
from typing import Protocol

from gateway.pool.lease import Lease
from gateway.protocols.failures import Failure, classify, from_transport
from gateway.protocols.redaction import redact
from gateway.relay.delivery import Delivery, StagedDelivery
from gateway.relay.outlet import Outlet
from gateway.relay.own_time import OwnTime
from gateway.upstream.transport import FailureCause, ResponseHead, Transfer, TransportFailure

MAX_ERROR_BYTES = 256 * 1024
"""Of an error's body no more than this is read, kept or relayed."""


class AttemptOwner(Protocol):
    """The retry loop, as its attempts see it."""

    def open_delivery(self, attempt: "Attempt") -> Delivery | None:
        """Begin to deliver a good answer; None for an error."""

    def fed(self, attempt: "Attempt") -> None:
        """Bytes have been handed on, and the client or what the delivery waits for may not keep up."""

    def woken(self, attempt: "Attempt") -> None:
        """Something that was waited for has come: the upstream may go on where nothing else is against it."""

    def delivered(self, attempt: "Attempt", delivery: Delivery) -> None:
        """The attempt has ended well: the client has the whole answer."""

    def failed(self, attempt: "Attempt", failure: Failure) -> None:
        """The attempt has ended otherwise."""

    def crashed(self, attempt: "Attempt", fault: Exception) -> None:
        """Our own code failed on what the upstream sent: nobody may be left waiting for it."""


class Attempt:
    """Receives one upstream answer.

    started_s     the loop's time
    status        the upstream's HTTP status, 0 before the head
    headers       the answer's head, None before it
    error_body    what came with an error status, bounded
    cause         why the transfer failed below HTTP, None when it did not
    staged        the delivery, when it is one that waits for more than the upstream
    own           the call's, running while something is done with what came
    """

    __slots__ = (
        "_has_ended",
        "_outlet",
        "_owner",
        "cause",
        "delivery",
        "error_body",
        "headers",
        "lease",
        "over",
        "own",
        "proxy",
        "staged",
        "started_s",
        "status",
        "transfer",
    )

    def __init__(
        self,
        owner: AttemptOwner,
        outlet: Outlet,
        lease: Lease,
        own: OwnTime,
        started_s: float,
        proxy: str | None,
    ) -> None:
        self._owner = owner
        self._outlet = outlet
        self._has_ended = False
        self.lease = lease
        self.own = own
        self.started_s = started_s
        self.proxy = proxy
        self.status = 0
        self.headers: ResponseHead | None = None
        self.error_body = b""
        self.cause: FailureCause | None = None
        self.delivery: Delivery | None = None
        self.staged: StagedDelivery | None = None
        self.transfer: Transfer | None = None
        self.over = False

    # transport.Sink. The transport cannot know what to do with an exception, so none leaves here.

    def head(self, head: ResponseHead) -> None:
        """Keep the head: what follows it comes at once, and says whether there is anything to deliver."""
        self.status = head.status
        self.headers = head

    def data(self, chunk: bytes) -> None:
        own = self.own
        since_s = own.clock()
        try:
            delivery = self.delivery or self._owner.open_delivery(self)
            if delivery is None:
                self._keep_error(chunk)
                return
            delivery.data(chunk)
            if delivery.failure is None:
                if self._outlet.full or self.staged is not None:
                    self._owner.fed(self)
                own.total_s += own.clock() - since_s
                return
            own.since_s = since_s
            self._fail(delivery.failure, cancel=True)
        except Exception as fault:  # noqa: BLE001 - see above
            own.since_s = since_s
            self._owner.crashed(self, fault)
        own.rest()

    def end(self, last: bytes = b"") -> None:
        own = self.own
        own.since_s = own.clock()
        self._has_ended = True
        try:
            delivery = self.delivery or self._owner.open_delivery(self)
            if delivery is None:
                self._keep_error(last)
                self._fail(self._error())
            elif (failure := delivery.end(last)) is not None:
                self._fail(failure)
            else:
                self._finish(delivery)
        except Exception as fault:  # noqa: BLE001 - see above
            self._owner.crashed(self, fault)
        if own.since_s is not None:  # the call goes on
            own.rest()

    def fail(self, failure: TransportFailure) -> None:
        self.own.begin()
        self.cause = failure.cause
        try:
            delivery = self.delivery or self._owner.open_delivery(self)
            if delivery is None and self.status:
                # The error's head arrived whole; a broken body does not change what it says.
                self._fail(self._error())
            elif delivery is not None and delivery.tells_its_end and delivery.end() is None:
                self._has_ended = True
                self._finish(delivery)
            else:
                self._fail(from_transport(failure.cause.value, failure.message))
        except Exception as fault:  # noqa: BLE001 - see above
            self._owner.crashed(self, fault)
        self.own.rest()

    # What the owner and the delivery say.

    @property
    def is_crowded(self) -> bool:
        """True when the delivery wants nothing more for now."""
        return self.staged is not None and self.staged.is_crowded

    def wake(self) -> None:
        """The client has caught up, or what the delivery waited for has come."""
        if self.over:
            return
        self.own.begin()
        try:
            if self.staged is not None:
                self.staged.flush()
            if self.staged is not None and self._has_ended and not self.staged.waits:
                self._finish(self.staged)
            else:
                self._owner.woken(self)
        except Exception as fault:  # noqa: BLE001 - see above
            self._owner.crashed(self, fault)
        self.own.rest()

    def refuse(self, failure: Failure) -> None:
        """End the attempt for a reason of our own."""
        self._fail(failure, cancel=True)

    def cancel(self) -> None:
        """Drop the attempt: nothing more is heard of it."""
        self.over = True
        if self.staged is not None:
            self.staged.drop()
        if self.transfer is not None:
            self.transfer.cancel()

    def _error(self) -> Failure:
        """What the answer's status, its words and its head say."""
        retry_after = None if self.headers is None else self.headers.get("retry-after")
        return classify(self.status, self.error_body, retry_after=retry_after)

    def _keep_error(self, chunk: bytes) -> None:
        self.error_body += chunk[: MAX_ERROR_BYTES - len(self.error_body)]

    def _finish(self, delivery: Delivery) -> None:
        """End well, unless the delivery has yet to tell some of the answer."""
        if not self.over and (self.staged is None or not self.staged.waits):
            self.over = True
            self._owner.delivered(self, delivery)

    def _fail(self, failure: Failure, *, cancel: bool = False) -> None:
        if self.over:
            return
        if cancel:
            self.cancel()
        elif self.staged is not None:
            self.staged.drop()
        self.over = True
        self._owner.failed(self, _without(failure, self.lease.secret))


def _without(failure: Failure, secret: str) -> Failure:
    """The failure with the key taken out of its words: keys of unusual shape pass the general patterns."""
    if secret not in failure.message and secret not in failure.reason:
        return failure
    secrets = (secret,)
    return replace(failure, message=redact(failure.message, secrets), reason=redact(failure.reason, secrets))
