"""When a transfer has waited too long: pure arithmetic over what libcurl reports, looked at by a sweep.

No timer per call: curl.py asks `overdue` for every running transfer a few times a second, and most
answers cost two comparisons.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pycurl

from gateway.upstream.curl_transfer import CurlTransfer
from gateway.upstream.response import has_begun
from gateway.upstream.transport import FailureCause


@dataclass(frozen=True, slots=True)
class Overdue:
    """Which limit was passed, and the limit."""

    cause: FailureCause
    limit_s: float


class Watch:
    """What the sweeps have seen of a transfer.

    ends_at     when the whole transfer has to be over
    seen_at     when something had last come, or nothing could
    seen_lines  how many header lines there were then
    sent_bytes  how much of a body there had been sent
    """

    __slots__ = ("ends_at", "seen_at", "seen_lines", "sent_bytes")

    def __init__(self, started_at: float, total_s: float) -> None:
        self.ends_at = started_at + total_s if total_s else math.inf
        self.seen_at = started_at
        self.seen_lines = 0
        self.sent_bytes = 0


def overdue(transfer: CurlTransfer, now: float) -> Overdue | None:
    """The limit this transfer has passed, or None. Keeps the watch of it up to date.

    now   the loop's clock, in seconds
    """
    watch = transfer.watch
    if watch is None:
        watch = transfer.watch = Watch(transfer.started_at, transfer.request.timeouts.total_s)
    if now >= watch.ends_at:
        return Overdue(FailureCause.TIMEOUT_TOTAL, transfer.request.timeouts.total_s)
    lines = transfer.lines
    if transfer.moved or transfer.paused or transfer.starved or len(lines) != watch.seen_lines:
        # Paused or starved: it is we who do not read, or have nothing to send.
        transfer.moved = False
        watch.seen_lines = len(lines)
        watch.seen_at = now
        return None
    limits = transfer.request.timeouts
    silent_s = now - watch.seen_at
    if transfer.has_head or has_begun(lines):
        if limits.idle_s and silent_s >= limits.idle_s:
            return Overdue(FailureCause.TIMEOUT_IDLE, limits.idle_s)
        return None
    shortest_s = min(limits.connect_s or silent_s + 1, limits.first_byte_s or silent_s + 1)
    if silent_s < shortest_s or transfer.handle is None:
        return None
    return _overdue_before_head(transfer, watch, now, transfer.handle.curl.getinfo)


def _overdue_before_head(
    transfer: CurlTransfer, watch: Watch, now: float, getinfo: Callable[[int], float]
) -> Overdue | None:
    """The limit that it has passed before there was a head. libcurl's own figures are asked for only here."""
    limits = transfer.request.timeouts
    connected_after_s = getinfo(pycurl.PRETRANSFER_TIME)
    if not connected_after_s:
        # libcurl keeps this limit itself, and better (it shares it out between addresses); what is left
        # to us is a transfer that waits for a free connection. So stay behind libcurl.
        if limits.connect_s and now - transfer.started_at >= limits.connect_s * 1.25:
            return Overdue(FailureCause.TIMEOUT_CONNECT, limits.connect_s)
        return None
    if not limits.first_byte_s:
        return None
    sent_after_s = getinfo(pycurl.POSTTRANSFER_TIME_T) / 1e6
    if sent_after_s:
        waited_s = now - transfer.started_at - max(connected_after_s, sent_after_s)
    else:
        # A large body on a slow line: the wait for the answer begins when it is over or stops moving.
        sent_bytes = int(getinfo(pycurl.SIZE_UPLOAD_T))
        if sent_bytes > watch.sent_bytes:
            watch.sent_bytes = sent_bytes
            watch.seen_at = now
        waited_s = now - max(watch.seen_at, transfer.started_at + connected_after_s)
    if waited_s >= limits.first_byte_s:
        return Overdue(FailureCause.TIMEOUT_FIRST_BYTE, limits.first_byte_s)
    return None
