"""The production `transport.Transport`: pycurl's multi interface driven by the running asyncio loop.

Owns the sockets' readiness, libcurl's turns, the sweep of time limits and the stock of handles; what one
request does is in curl_transfer.py. Works under any asyncio loop with `add_reader`, Tornado's included.
"""

import asyncio
import logging
from time import monotonic

import pycurl

from gateway.upstream.curl_failures import describe, failure_from_curl
from gateway.upstream.curl_handle import CurlHandle
from gateway.upstream.curl_options import TransportOptions, system_ca_bundle
from gateway.upstream.curl_setup import LEAST_SENT_BYTES, setup_of
from gateway.upstream.curl_transfer import CurlTransfer
from gateway.upstream.deadlines import overdue
from gateway.upstream.readiness import READ, WRITE, Readiness
from gateway.upstream.transport import Sink, TransportFailure, UpstreamRequest
from gateway.upstream.turns import Turns

_log = logging.getLogger("gateway.upstream")

_READABLE = pycurl.CSELECT_IN
_TELLS_OF_ALL = 0x081700
"""This libcurl wants connections watched, which it tells of by SOCKOPTFUNCTION when it opens them, and one
descriptor that it keeps; earlier ones, and c-ares, also such as a look-up of a name opens."""
_MOST_ORIGINS = 1_000
_MOST_RESENDS = 2  # of one request, on connections that turn out dead


class CurlTransport:
    """Sends requests over libcurl. One per process and loop.

    Counters, for the metrics: `requests_sent`, `connections_opened` (sockets made, proxies' and failed
    ones too), `connections_reused` (requests that went over a connection already open), `running`.

    How a wake-up goes: libcurl's callbacks only collect; then finished transfers are taken out; then each
    sink touched gets head, data and the end; then what libcurl has said of its next turn is heeded. So no
    sink ever runs inside libcurl or `submit`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, options: TransportOptions | None = None) -> None:
        self._loop = loop
        self._options = options or TransportOptions()
        self._ca_bundle = self._options.ca_bundle or system_ca_bundle()
        self._active: dict[pycurl.Curl, CurlTransfer] = {}  # inside libcurl
        self._waiting: dict[pycurl.Curl, CurlTransfer] = {}  # submitted, not yet given to libcurl
        self.touched: dict[CurlTransfer, None] = {}  # with something for their sink
        self.heaping: list[CurlTransfer] = []  # with more of it inside libcurl
        self._stock: list[CurlHandle] = []
        self._roomy_stock: list[CurlHandle] = []
        self._kick_scheduled = False
        self._turns = Turns(loop, self._kick, self.wake)
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self.requests_sent = 0
        self.connections_opened = 0
        self.connections_reused = 0
        self.http2_origins: set[str] = set()
        self.max_head_bytes = self._options.max_response_head_bytes
        self._readiness = Readiness(tells_of_new=_tells_of_new_descriptors())
        loop.add_reader(self._readiness.fileno(), self._on_ready)
        self._multi = multi = pycurl.CurlMulti()
        # Kept, as pycurl takes as long to find a method as to enter it.
        self._socket_action = multi.socket_action
        self._remove_handle = multi.remove_handle
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._readiness.wish)
        multi.setopt(pycurl.M_TIMERFUNCTION, self._turns.told.append)
        multi.setopt(pycurl.M_MAXCONNECTS, self._options.max_cached_connections)
        multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, self._options.max_connections_per_host)

    @property
    def running(self) -> int:
        """Requests submitted and not yet finished, failed or cancelled."""
        return len(self._active) + len(self._waiting)

    def submit(self, request: UpstreamRequest, sink: Sink) -> CurlTransfer:
        """Send a request on the loop's next turn; the sink is never called before that.

        ValueError for what cannot be sent (scheme, method, header); its text repeats no secret.
        RuntimeError after `close`.
        """
        if not self._waiting:
            self._expect_requests()
        setup = setup_of(request)
        stock = self._stock
        if self._roomy_stock and setup.manner.at_once_bytes > LEAST_SENT_BYTES:
            stock = self._roomy_stock
        handle = stock.pop() if stock else CurlHandle(self, self._options, self._ca_bundle)
        try:
            handle.prepare(request, setup)
        except BaseException:
            handle.close()  # half set to one request, half to another
            raise
        transfer = handle.transfer = CurlTransfer(self, handle, request, sink, monotonic())
        self._waiting[handle.curl] = transfer
        return transfer

    def _expect_requests(self) -> None:
        if self._closed:
            raise RuntimeError("the upstream transport is closed")
        self.wake()
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._options.sweep_interval_s, self._sweep_limits)

    async def close(self) -> None:
        """Cancel what runs and close every connection and descriptor. Sinks are not called. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for transfer in [*self._waiting.values(), *self._active.values(), *self.touched]:
            transfer.cancel()
        self._waiting.clear()
        self.touched.clear()
        self.heaping.clear()
        self._turns.close()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for handle in (*self._stock, *self._roomy_stock):
            handle.close()
        self._stock.clear()
        self._roomy_stock.clear()
        self._multi.close()  # closes the cached connections
        self._loop.remove_reader(self._readiness.fileno())
        self._readiness.close()
        await asyncio.sleep(0)  # a turn already scheduled finds everything closed

    # For CurlTransfer.

    def wake(self) -> None:
        if not self._kick_scheduled:
            self._kick_scheduled = True
            self._loop.call_soon(self._kick)

    def socket_opened(self, fd: int) -> None:
        self.connections_opened += 1
        self._readiness.opened(fd)

    def note_origin(self, origin: str, *, http2: bool) -> None:
        if not http2:
            self.http2_origins.discard(origin)
            return
        if len(self.http2_origins) >= _MOST_ORIGINS:
            self.http2_origins.clear()  # learned again with the next answers
        self.http2_origins.add(origin)

    def detach(self, transfer: CurlTransfer) -> None:
        handle = transfer.handle
        if handle is None:
            return
        transfer.handle = None
        if self._active.pop(handle.curl, None) is not None:
            # Unfinished, so libcurl closes the HTTP/1 connection at once, or resets the HTTP/2 stream.
            self._remove_handle(handle.curl)
        else:
            del self._waiting[handle.curl]
        handle.close()  # its pause state and error buffer are nobody's any more
        self._turns.heed()

    def set_timer(self) -> None:
        self._turns.heed()

    # Called by the loop.

    def _on_ready(self) -> None:
        socket_action = self._socket_action
        told = None
        for fd, events in self._readiness.ready():
            told = socket_action(fd, _READABLE if events == READ else _selected(events))
        if told is not None:
            self._settle(told[1])

    def _kick(self) -> None:
        """Give libcurl the new requests and its turn."""
        self._kick_scheduled = False
        if self._closed:
            return
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            self._active.update(waiting)
            add_handle = self._multi.add_handle
            for curl in waiting:
                add_handle(curl)
            self.requests_sent += len(waiting)
        self._settle(self._socket_action(pycurl.SOCKET_TIMEOUT, 0)[1])

    def _sweep_limits(self) -> None:
        self._sweep = None
        now = monotonic()
        try:
            for transfer in list(self._active.values()):
                passed = overdue(transfer, now)
                if passed is not None:
                    transfer.fail_now(describe(passed.cause, transfer.request, limit_s=passed.limit_s))
            if self.touched:
                self._deliver()
            self._turns.heed()
        finally:
            if (self._active or self._waiting) and self._sweep is None and not self._closed:
                self._sweep = self._loop.call_later(self._options.sweep_interval_s, self._sweep_limits)

    # After every call into libcurl.

    def _settle(self, running: int) -> None:
        """Do what follows; so many requests run on in libcurl."""
        if self.heaping:
            running = self._let_heaps_out()
        if running < len(self._active):
            self._collect_finished()
        if self.touched:
            self._deliver()
        self._turns.heed()

    def _let_heaps_out(self) -> int:
        heaping, self.heaping = self.heaping, []
        for transfer in heaping:
            transfer.unpause()
        # What has come meanwhile belongs to the same wake-up.
        running: int = self._socket_action(pycurl.SOCKET_TIMEOUT, 0)[1]
        return running

    def _collect_finished(self) -> None:
        queued = 1
        while queued:
            queued, complete, failed = self._multi.info_read()
            for curl in complete:
                self._finish(curl, None)
            for curl, code, text in failed:
                transfer = self._active.get(curl)
                if transfer is None or transfer.handle is None or self._sent_again(transfer, code):
                    continue
                failure = failure_from_curl(code, text, transfer.request, curl.getinfo)
                self._finish(curl, transfer.handle.refusal or failure)

    def _sent_again(self, transfer: CurlTransfer, code: int) -> bool:
        """Whether a request that met a dead kept connection goes out once more.

        libcurl does this by itself where it reads the end of the connection, or notices before the body;
        it does not where the sending fails later, as with HTTP/2 and with large bodies.
        """
        handle = transfer.handle
        if (
            code != pycurl.E_SEND_ERROR
            or handle is None
            or handle.opened_connection
            or handle.lines
            or transfer.resends >= _MOST_RESENDS
        ):
            return False
        del self._active[handle.curl]
        self._remove_handle(handle.curl)
        self._waiting[handle.curl] = transfer
        transfer.resends += 1
        self.wake()
        return True

    def _finish(self, curl: pycurl.Curl, failure: TransportFailure | None) -> None:
        transfer = self._active.pop(curl, None)
        if transfer is None or (handle := transfer.handle) is None:
            return
        transfer.handle = None
        self._remove_handle(curl)
        if not transfer.has_head:
            transfer.lines = handle.lines[:]
        if failure is None:
            self._put_away(handle)
        else:
            handle.close()
        transfer.finish(failure)

    def _put_away(self, handle: CurlHandle) -> None:
        """Keep a handle, whose request went well, for the next one."""
        if handle.opened_connection:
            handle.opened_connection = False
        else:
            self.connections_reused += 1
        stock, most = self._stock, self._options.max_idle_handles
        if handle.is_roomy:
            stock, most = self._roomy_stock, self._options.max_idle_roomy_handles
        if len(stock) < most:
            handle.release()
            stock.append(handle)
        else:
            handle.close()

    def _deliver(self) -> None:
        while self.touched:
            touched, self.touched = self.touched, {}
            for transfer in touched:
                transfer.moved = True
                try:
                    transfer.deliver()
                except Exception:  # noqa: BLE001 - one call's fault must not hurt the others of this wake-up
                    _log.exception("sink_failed")
                    self._abandon(transfer)

    def _abandon(self, transfer: CurlTransfer) -> None:
        try:
            transfer.abandon()
        except Exception:  # noqa: BLE001 - a sink that cannot even be told of its own fault; likewise
            _log.exception("sink_failed_twice")


def _tells_of_new_descriptors() -> bool:
    version = pycurl.version_info()
    return version[2] >= _TELLS_OF_ALL and version[9] is None


def _selected(events: int) -> int:
    """A socket's events in libcurl's terms. A hang-up or error is readable: that is how it learns of them."""
    ready = pycurl.CSELECT_OUT if events & WRITE else 0
    return ready | _READABLE if events & ~WRITE else ready
