"""A scriptable Gemini upstream on a real socket, in its own thread, driven by ordinary calls.

    with FakeUpstream() as fake:
        fake.error(gemini_errors.rate_day(), key="key-1")
        fake.stream(gemini_replies.text_events("a", "b"), then="reset", key="key-2", times=1)
        …point BASE_URL at fake.url and call the gateway…
        assert [seen.key for seen in fake.requests] == ["key-1", "key-2"]

Rules are tried in the order they were made; the first that matches and has uses left answers. Without
one a friendly default answers. Waits come in two kinds: plain ones for tests with the gateway in another
process or thread, `…_async` ones for tests whose own loop runs it.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Self

import orjson

from gateway.simulator.error_bodies import ErrorAnswer
from gateway.simulator.http1 import LAST_CHUNK, HttpRequest, RequestParser, http_chunk, response_head
from tests.fakes.script import (
    WAIT_S,
    Ending,
    Gate,
    Headers,
    Rule,
    SeenRequest,
    Step,
    StreamStep,
    array_element,
    default_answer,
    header_pairs,
    seen_request,
    sse_event,
    wants_sse,
    whole_answer,
)

StreamEnding = Literal["end", "cut", "reset", "hang"]


class FakeUpstream:
    """The upstream; use it in a `with` block (or through the `fake_upstream` fixture).

    Matchers of every scripting call: `key`, `model` (without `models/`), `verb` (see SeenRequest.verb),
    `when` (any predicate), `times` (uses; None is no end).
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake-upstream", daemon=True)
        self._change = threading.Condition()
        self._requests: list[SeenRequest] = []
        self._rules: list[Rule] = []
        self._faults: list[BaseException] = []
        self._closed_at: dict[int, float] = {}
        self._sent_bytes: dict[int, int] = {}
        self._connections: set[_Connection] = set()
        self._all_gone = asyncio.Event()
        self._accepted = 0
        self._server: asyncio.Server | None = None
        self.port = 0

    # Life.

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()
        if self._faults:
            raise AssertionError("the fake upstream's script failed") from self._faults[0]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [task for connection in list(self._connections) for task in connection.stop()]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._connections:
            await self._all_gone.wait()

    # What was seen.

    @property
    def url(self) -> str:
        """The base address with its version, as BASE_URL wants it."""
        return f"http://127.0.0.1:{self.port}/v1beta"

    @property
    def requests(self) -> list[SeenRequest]:
        with self._change:
            return list(self._requests)

    @property
    def connections_accepted(self) -> int:
        with self._change:
            return self._accepted

    @property
    def connections_open(self) -> int:
        with self._change:
            return self._accepted - len(self._closed_at)

    def sent_bytes(self, request: SeenRequest) -> int:
        """Give the bytes written on the connection of `request` so far: back-pressure shows here."""
        with self._change:
            return self._sent_bytes.get(request.connection, 0)

    def wait_for(self, count: int, *, timeout_s: float = WAIT_S) -> list[SeenRequest]:
        """Wait until at least `count` requests have arrived; gives all."""
        with self._change:
            if not self._change.wait_for(lambda: len(self._requests) >= count, timeout_s):
                raise AssertionError(f"{len(self._requests)} requests arrived, not {count}")
            return list(self._requests)

    async def wait_for_async(self, count: int, *, timeout_s: float = WAIT_S) -> list[SeenRequest]:
        return await asyncio.to_thread(self.wait_for, count, timeout_s=timeout_s)

    def connection_closed_after(
        self, request: SeenRequest, *, since: float | None = None, timeout_s: float = WAIT_S
    ) -> float | None:
        """Wait for the end of the connection that `request` came on.

        since     a time.monotonic() to count from, such as the moment the client left; else request.at
        returns   seconds from then to the close, or None when it is still open after timeout_s
        """
        with self._change:
            if not self._change.wait_for(lambda: request.connection in self._closed_at, timeout_s):
                return None
            return self._closed_at[request.connection] - (request.at if since is None else since)

    async def connection_closed_after_async(
        self, request: SeenRequest, *, since: float | None = None, timeout_s: float = WAIT_S
    ) -> float | None:
        return await asyncio.to_thread(
            self.connection_closed_after, request, since=since, timeout_s=timeout_s
        )

    def forget(self) -> None:
        """Drop the rules and the requests seen so far."""
        with self._change:
            self._requests.clear()
            self._rules.clear()

    # The script.

    def gate(self) -> Gate:
        """Make a gate to put into a stream's events or before a reply."""
        return Gate(self._loop)

    def reply(
        self,
        body: dict[str, Any] | bytes | str | Callable[[SeenRequest], dict[str, Any] | bytes | str],
        *,
        status: int = 200,
        headers: Headers | None = None,
        delay_s: float = 0.0,
        gate: Gate | None = None,
        then: Ending = "keep",
        **match: Any,
    ) -> Rule:
        """Answer with a whole body: JSON from a dict, bytes and text as they are, or made for each request.

        delay_s, gate   waited for before the head
        then            `keep` the connection (usual), or `close` or `reset` it afterwards without a word
        """

        def steps(seen: SeenRequest) -> Iterator[Step]:
            if gate is not None:
                yield gate
            yield delay_s
            made = body(seen) if callable(body) else body
            yield whole_answer(made, status=status, headers=headers or {})

        return self._add(steps, then, match)

    def error(
        self,
        error: ErrorAnswer,
        *,
        headers: Headers | None = None,
        delay_s: float = 0.0,
        gate: Gate | None = None,
        **match: Any,
    ) -> Rule:
        """Answer with one of gemini_errors; wrapped in an array where Google does that."""

        def body(seen: SeenRequest) -> bytes:
            wrap = seen.verb == "streamGenerateContent" and not wants_sse(seen)
            return orjson.dumps([error.body] if wrap else error.body, option=orjson.OPT_INDENT_2)

        json_type = {"Content-Type": "application/json; charset=UTF-8"}
        return self.reply(
            body,
            status=error.status,
            headers=json_type | (headers or {}),
            delay_s=delay_s,
            gate=gate,
            **match,
        )

    def stream(
        self,
        events: Iterable[StreamStep],
        *,
        delay_s: float = 0.0,
        then: StreamEnding = "end",
        form: Literal["sse", "array"] | None = None,
        line_end: bytes = b"\r\n",
        status: int = 200,
        headers: Headers | None = None,
        gate: Gate | None = None,
        **match: Any,
    ) -> Rule:
        """Answer with a stream of events.

        events    dicts are framed for the form; bytes go into the body as they are; a float waits, a Gate
                  holds. Use a list, or a generator function's result when the rule answers once only.
        delay_s   waited before each event
        then      `end` properly; `cut`: close without the end; `reset`: by RST; `hang`: stay silent
        form      `sse` or `array`; None follows the request's `alt=sse`
        gate      holds before the head
        """

        def steps(seen: SeenRequest) -> Iterator[Step]:
            if gate is not None:
                yield gate
            sse = form == "sse" if form else wants_sse(seen)
            content_type = "text/event-stream" if sse else "application/json; charset=UTF-8"
            yield response_head(
                status, header_pairs({"Content-Type": content_type}, headers), content_length=None
            )
            sent = 0
            for event in events:
                if isinstance(event, Gate | float | int):
                    yield event
                    continue
                if delay_s:
                    yield delay_s
                if isinstance(event, bytes):
                    yield http_chunk(event)
                    continue
                framed = (
                    sse_event(event, line_end) if sse else (b",\r\n" if sent else b"[") + array_element(event)
                )
                sent += 1
                yield http_chunk(framed)
            if then == "end":
                closing = b"" if sse else b"]" if sent else b"[]"
                yield http_chunk(closing) + LAST_CHUNK

        endings: dict[StreamEnding, Ending] = {
            "end": "keep",
            "cut": "close",
            "reset": "reset",
            "hang": "hang",
        }
        return self._add(steps, endings[then], match)

    def raw(self, *steps: Step, then: Ending = "close", **match: Any) -> Rule:
        """Answer with these very bytes (and waits, and gates) on the socket: broken heads, bad framing."""
        return self._add(lambda _: steps, then, match)

    def hang(self, **match: Any) -> Rule:
        """Take the request and never answer."""
        return self.raw(then="hang", **match)

    def drop(self, *, reset: bool = False, **match: Any) -> Rule:
        """Take the request and close the connection without a byte; by RST with reset=True."""
        return self.raw(then="reset" if reset else "close", **match)

    def truncate(self, body: dict[str, Any] | bytes, *, missing_bytes: int = 100, **match: Any) -> Rule:
        """Promise more bytes in Content-Length than come, then close."""
        sent = body if isinstance(body, bytes) else orjson.dumps(body)
        head = response_head(
            200, (("Content-Type", "application/json"),), content_length=len(sent) + missing_bytes
        )
        return self.raw(head + sent, **match)

    def _add(
        self, steps: Callable[[SeenRequest], Iterable[Step]], then: Ending, match: dict[str, Any]
    ) -> Rule:
        rule = Rule(steps, then, **match)
        with self._change:
            self._rules.append(rule)
        return rule

    # What connections tell.

    def _opened(self, connection: "_Connection") -> int:
        self._connections.add(connection)
        self._all_gone.clear()
        with self._change:
            self._accepted += 1
            self._change.notify_all()
            return self._accepted

    def _gone(self, connection: "_Connection") -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()
        with self._change:
            self._closed_at[connection.number] = time.monotonic()
            self._change.notify_all()

    def _sent(self, connection: "_Connection", size: int) -> None:
        with self._change:
            self._sent_bytes[connection.number] = self._sent_bytes.get(connection.number, 0) + size

    def _arrived(self, seen: SeenRequest) -> Rule:
        with self._change:
            self._requests.append(seen)
            self._change.notify_all()
            for rule in self._rules:
                if rule.fits(seen):
                    rule.used += 1
                    return rule
        return Rule(default_answer, "keep")

    def _failed(self, fault: BaseException) -> None:
        self._faults.append(fault)


class _Connection(asyncio.Protocol):
    """One connection: requests are answered one after another by one task."""

    def __init__(self, fake: FakeUpstream) -> None:
        self._fake = fake
        self._parser = RequestParser(self._request, self._continue)
        self._waiting: asyncio.Queue[tuple[SeenRequest, bool]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.number = self._fake._opened(self)
        self._task = asyncio.get_running_loop().create_task(self._answer_all())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self._fake._gone(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed(data)
        except ValueError as error:
            self._fake._failed(error)
            self._transport.abort()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def stop(self) -> list[asyncio.Task[None]]:
        self._transport.abort()
        return [self._task] if self._task is not None else []

    def _continue(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _request(self, request: HttpRequest) -> None:
        self._waiting.put_nowait((seen_request(request, self.number), request.keep_alive))

    async def _answer_all(self) -> None:
        try:
            while True:
                seen, keep_alive = await self._waiting.get()
                rule = self._fake._arrived(seen)
                for step in rule.steps(seen):
                    await self._take(step)
                if rule.then == "hang":
                    await asyncio.Event().wait()
                elif rule.then == "reset":
                    # Lingering for no time makes the kernel send RST instead of FIN.
                    sock = self._transport.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self._transport.abort()
                elif rule.then == "close" or not keep_alive:
                    self._transport.close()
        except asyncio.CancelledError:
            raise
        except BaseException as fault:  # noqa: BLE001  a fault of the script is raised when the fake closes
            self._fake._failed(fault)
            self._transport.abort()

    async def _take(self, step: Step) -> None:
        if isinstance(step, Gate):
            await step.go_through()
        elif isinstance(step, bytes):
            self._transport.write(step)
            self._fake._sent(self, len(step))
            await self._writable.wait()
            await asyncio.sleep(0)  # a long script must see that the peer has left
        elif step > 0:
            await asyncio.sleep(step)
