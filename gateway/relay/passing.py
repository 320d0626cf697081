"""Any answer, passed on with its status, type and length: files, lists, operations, what is not known yet.

JSON is held until it is whole, or long, so that one that breaks off early can still be asked for again; bytes
go on as they come, at the client's pace.
"""

from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.reply_signs import NOTHING_SEEN, ReplySigns
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Plan, Rewriting, Settling, Witness
from gateway.upstream.transport import ResponseHead

HOLD_BYTES = 1024 * 1024
_UPLOAD = "x-goog-upload-"
_OF_ITS_BYTES = frozenset({"accept-ranges", "content-range", "etag", "x-goog-hash"})
"""What is no longer true of an answer that was rewritten."""
_KEPT = frozenset(
    {
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-language",
        "content-range",
        "etag",
        "last-modified",
        "x-goog-hash",
        "x-goog-stored-content-length",
    }
)
"""Lower case. What the upstream says about the answer and not about the connection, or about itself."""


class AnyAnswer:
    """One answer of any kind."""

    tells_its_end = False

    __slots__ = (
        "_head",
        "_held",
        "_is_json",
        "_outlet",
        "_plan",
        "_rewriting",
        "_size",
        "_witness",
        "failure",
        "signs",
    )

    def __init__(self, plan: Plan, outlet: Outlet, lease: Lease, head: ResponseHead) -> None:
        witness = plan.passage.witness
        self._plan = plan
        self._outlet = outlet
        self._head = head
        self._witness: Witness | None = None if witness is None else witness(lease)
        rewriting = plan.passage.rewriting
        self._rewriting: Rewriting | None = None if rewriting is None else rewriting()
        is_json = (head.get("content-type") or "").lower().startswith("application/json")
        self._is_json = is_json and rewriting is None
        self._held: list[bytes] = []
        self._size = 0
        self.failure: Failure | None = None
        self.signs = NOTHING_SEEN

    def data(self, chunk: bytes) -> None:
        self._take_in(chunk)
        if self.failure is None:
            self._let_out()

    def _take_in(self, chunk: bytes) -> None:
        if self._rewriting is not None:
            try:
                chunk = self._rewriting.feed(chunk)
            except ValueError as error:
                self.failure = Failure(kind=FailureKind.MALFORMED, status=200, message=str(error))
                return
            if not chunk:
                return
        self._held.append(chunk)
        self._size += len(chunk)
        if self._witness is not None:
            self._witness.data(chunk)

    def _let_out(self) -> None:
        if not self._held or (self._is_json and self._size <= HOLD_BYTES and not self._outlet.committed):
            return
        if not self._outlet.committed:
            self._commit(self._announced_bytes())
        pending = b"".join(self._held)
        self._held.clear()
        self._outlet.write(pending)

    def end(self, last: bytes = b"") -> Failure | None:
        if last:
            self._take_in(last)
        if self.failure is not None:
            return self.failure
        if self._rewriting is not None:
            self._held.append(self._rewriting.end())
        body = b"".join(self._held)
        self._held.clear()
        if not self._outlet.committed:
            if self._is_json and self._plan.method != "HEAD" and not _looks_whole(body):
                why = "The upstream's answer is not whole JSON."
                return Failure(kind=FailureKind.MALFORMED, status=200, message=why)
            self._commit(self._announced_bytes() if self._plan.method == "HEAD" else len(body))
        settling = None
        if self._witness is not None:
            settling = self._witness.end()
            self.signs = ReplySigns(has_content=True, usage=self._witness.usage)
        self._finish(body, settling)
        return None

    def _finish(self, body: bytes, settling: Settling | None) -> None:  # noqa: ARG002 - see staged.py
        self._outlet.finish(body)

    def release(self) -> bool:
        return False

    def break_off(self, problem: Problem) -> None:  # noqa: ARG002 - what it would say has no place
        # No error can be written into half a file: the missing end is the honest sign.
        self._outlet.abort()

    def _commit(self, content_length: int | None) -> None:
        head = self._head
        kept = [(name, value) for name, value in head.items() if self._is_kept(name.lower())]
        media_type = self._plan.media_type or head.get("content-type")
        self._outlet.commit(head.status, media_type, content_length=content_length, extra=kept)

    def _is_kept(self, name: str) -> bool:
        if self._rewriting is not None and name in _OF_ITS_BYTES:
            return False
        return name in _KEPT or name.startswith(_UPLOAD)

    def _announced_bytes(self) -> int | None:
        if self._rewriting is not None:
            return None
        length = self._head.get("content-length") or ""
        return int(length) if length.isascii() and length.isdigit() else None


def told_of_error(head: ResponseHead | None) -> list[tuple[str, str]]:
    """What an upload's client must know beside the error itself: whether the upload is over."""
    if head is None:
        return []
    return [(name, value) for name, value in head.items() if name.lower() == "x-goog-upload-status"]


def _looks_whole(body: bytes) -> bool:
    """A look at both ends; an answer that says it is JSON may also be empty."""
    text = body.strip()
    return not text or (text[:1] in b"{[" and text[-1:] in b"}]")
