"""A connection of our front without a socket: handed bytes in the pieces a test likes, asked what it sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from tornado.web import Application, RequestHandler

from gateway.serving.connection import Conn
from gateway.serving.ground import Ground
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import Limits
from gateway.serving.refusal import Headers
from tests.serving.fronts import HandRoute, quiet

_TURNS = 200
"""Of the loop, within which every answer of these routes is given."""

Seen = tuple[str, str, dict[str, str], bytes]
"""A request as its route got it: method, target, headers, body."""


class MemoryTransport(asyncio.Transport):
    """Keeps what is written, and the connection's wish to read no further for a while."""

    def __init__(self, protocol: Conn) -> None:
        super().__init__({"socket": self})
        self.sent = bytearray()
        self.is_paused = False
        self.is_ended = False
        self._protocol = protocol

    def fileno(self) -> int:
        """None: there is nothing to write to past this transport."""
        return -1

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def write_eof(self) -> None:
        self.is_ended = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def is_closing(self) -> bool:
        return self._is_closed

    _is_closed = False

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = self.is_ended = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of some bytes.

    seen      the requests that routes got, whole
    sent      all answers, without the interim ones and the time of day
    is_ended  our side is shut: nothing more is read
    """

    seen: list[Seen]
    sent: bytes
    is_ended: bool


class MemoryFront:
    """The ground of connections, of which each is judged by itself; they share the heads that are known.

    Made on a running loop.
    """

    def __init__(self, limits: Limits) -> None:
        self._seen: list[Seen] = []
        self._ground = Ground(
            loop=asyncio.get_running_loop(),
            application=Application([(".*", _Telling, {"seen": self._seen})], log_function=quiet),
            light=lambda method, path: self._echo if path == "/echo" else None,
            limits=limits,
            xheaders=False,
            reject=_reject,
            clock=lambda: 0.0,
        )

    async def judge(self, pieces: Sequence[bytes], *, rests: bool = True) -> Judgement:
        """What a new connection makes of these reads.

        rests   the next comes when the last is acted on, not before
        """
        self._seen.clear()
        conn = Conn(self._ground)
        transport = MemoryTransport(conn)
        conn.connection_made(transport)
        for piece in pieces:
            await self._hand(conn, transport, piece)
            if rests:
                await self._settle(conn)
        await self._settle(conn)
        sent = bytes(transport.sent).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        judgement = Judgement([*self._seen], _without_dates(sent), transport.is_ended)
        transport.close()
        await asyncio.sleep(0)
        return judgement

    async def _hand(self, conn: Conn, transport: MemoryTransport, piece: bytes) -> None:
        while piece:
            for _ in range(_TURNS):
                if not transport.is_paused:
                    break
                await asyncio.sleep(0)
            if transport.is_closing() or transport.is_paused:
                return
            room = memoryview(conn.get_buffer(-1))
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            piece = piece[count:]
            conn.buffer_updated(count)

    async def _settle(self, conn: Conn) -> None:
        """Until nothing that is read is still to be answered."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if conn.turn is None and not conn.reader.events:
                break
            if not conn.reader.events and conn.turn is not None and not conn.turn.is_body_in:
                break

    def _echo(self, reply: Reply, request: RequestHead) -> "_Echo":
        return _Echo(reply, request, self._seen)


class _Echo(HandRoute):
    def __init__(self, reply: Reply, request: RequestHead, seen: list[Seen]) -> None:
        super().__init__(reply, request)
        self._seen = seen
        reply.gather_body()

    def end(self, body: bytes) -> None:
        self.chunks.append(body)
        request = self.request
        self._seen.append((request.method, request.target, dict(request.headers), self.body))
        self.reply.head(200, [], content_length=2)
        self.reply.finish(b"ok")


class _Telling(RequestHandler):
    def initialize(self, seen: list[Seen]) -> None:
        self._seen = seen

    def prepare(self) -> None:
        request = self.request
        headers = dict(request.headers.get_all())
        self._seen.append((str(request.method), str(request.uri), headers, request.body))
        self.finish("ok")


def _reject(status: int, message: str, path: str | None) -> tuple[Headers, bytes]:
    return [], orjson.dumps({"status": status, "message": message, "path": path})


def _without_dates(sent: bytes) -> bytes:
    return b"\r\n".join(line for line in sent.split(b"\r\n") if not line.startswith(b"Date: "))


def bytewise(raw: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in raw]
