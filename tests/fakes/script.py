"""What the fake upstream's script is made of: requests seen, gates, rules, and how answers are framed.

The server that acts it out, and the calls that write it, are in upstream.py.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from gateway.simulator.http1 import LAST_CHUNK, HttpRequest, http_chunk, response_head
from tests.fakes import gemini_replies

WAIT_S = 5.0

Ending = Literal["keep", "close", "reset", "hang"]
Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it arrived.

    path         undecoded, without the query
    headers      lower-case names; of repeated ones the last (all of them are in header_list)
    key          from x-goog-api-key, else from ?key=
    at           time.monotonic() when it had arrived whole
    connection   the number of the connection it came on, counted from 1
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    header_list: tuple[tuple[str, str], ...]
    body: bytes
    key: str | None
    at: float
    connection: int

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def model(self) -> str | None:
        """The model named in the path, without `models/`."""
        _, found, rest = unquote(self.path).partition("/models/")
        return rest.rpartition(":")[0] or rest if found else None

    @property
    def verb(self) -> str:
        """`generateContent` and so on; `list` and `get` for GETs of models; "" for anything else."""
        if self.method == "GET":
            return "list" if self.path.endswith("/models") else "get" if "/models/" in self.path else ""
        return unquote(self.path).rpartition(":")[2] if ":" in unquote(self.path) else ""


class Gate:
    """A point where an answer waits until the test lets it go on; once released it stays open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open = asyncio.Event()
        self._reached = 0
        self._change = threading.Condition()

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)

    def wait_reached(self, times: int = 1, *, timeout_s: float = WAIT_S) -> None:
        """Wait until so many answers have come to the gate."""
        with self._change:
            if not self._change.wait_for(lambda: self._reached >= times, timeout_s):
                raise AssertionError(f"the gate was reached {self._reached} times, not {times}")

    async def wait_reached_async(self, times: int = 1, *, timeout_s: float = WAIT_S) -> None:
        await asyncio.to_thread(self.wait_reached, times, timeout_s=timeout_s)

    async def go_through(self) -> None:
        with self._change:
            self._reached += 1
            self._change.notify_all()
        await self._open.wait()


Step = bytes | float | Gate
"""What an answer is made of: bytes for the socket, seconds to wait, a gate."""

StreamStep = dict[str, Any] | bytes | float | Gate
"""What a streamed body is made of: events (framed for the form), bytes of the body as they are, waits."""


@dataclass(slots=True)
class Rule:
    """One line of the script. `used` counts its answers."""

    steps: Callable[[SeenRequest], Iterable[Step]]
    then: Ending
    key: str | None = None
    model: str | None = None
    verb: str | None = None
    when: Callable[[SeenRequest], bool] | None = None
    times: int | None = None
    used: int = field(default=0, init=False)

    def fits(self, seen: SeenRequest) -> bool:
        return (
            (self.times is None or self.used < self.times)
            and (self.key is None or self.key == seen.key)
            and (self.model is None or self.model == seen.model)
            and (self.verb is None or self.verb == seen.verb)
            and (self.when is None or self.when(seen))
        )


def seen_request(request: HttpRequest, connection: int) -> SeenRequest:
    # A proxy is sent the whole URL.
    parts = urlsplit(request.target) if "://" in request.target.partition("?")[0] else None
    path, _, query = request.target.partition("?")
    if parts is not None:
        path, query = parts.path, parts.query
    in_query = parse_qs(query).get("key")
    key = request.header("x-goog-api-key") or (in_query[0] if in_query else None)
    return SeenRequest(
        method=request.method,
        path=path,
        query=query,
        headers=dict(request.header_list),
        header_list=request.header_list,
        body=request.body,
        key=key,
        at=time.monotonic(),
        connection=connection,
    )


def sse_event(event: dict[str, Any], line_end: bytes = b"\r\n") -> bytes:
    """Write one event as Google does."""
    return b"data: " + orjson.dumps(event) + line_end * 2


def default_answer(seen: SeenRequest) -> Iterator[bytes]:
    """Answer in a friendly way what no rule answers."""
    model = seen.model or gemini_replies.MODEL
    if seen.verb == "streamGenerateContent":
        events = gemini_replies.text_events(model=model)
        sse = wants_sse(seen)
        yield response_head(
            200,
            (("Content-Type", "text/event-stream" if sse else "application/json; charset=UTF-8"),),
            content_length=None,
        )
        body = (
            b"".join(map(sse_event, events))
            if sse
            else b"[" + b",\r\n".join(map(array_element, events)) + b"]"
        )
        yield http_chunk(body) + LAST_CHUNK
        return
    answers: dict[str, Callable[[], dict[str, Any]]] = {
        "generateContent": lambda: gemini_replies.text(model=model),
        "countTokens": gemini_replies.count_tokens,
        "embedContent": gemini_replies.embedding,
        "batchEmbedContents": lambda: gemini_replies.embeddings(len(seen.json.get("requests", []))),
        "list": gemini_replies.models,
        "get": lambda: gemini_replies.model(model),
    }
    if seen.verb in answers:
        yield whole_answer(answers[seen.verb](), status=200, headers={})
    else:
        yield whole_answer(b"<html><title>Error 404 (Not Found)!!1</title></html>", status=404, headers={})


def wants_sse(seen: SeenRequest) -> bool:
    return "sse" in parse_qs(seen.query).get("alt", [])


def array_element(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_INDENT_2) + b"\r\n"


def whole_answer(body: dict[str, Any] | bytes | str, *, status: int, headers: Headers) -> bytes:
    if isinstance(body, dict):
        content, content_type = (
            orjson.dumps(body, option=orjson.OPT_INDENT_2),
            "application/json; charset=UTF-8",
        )
    else:
        content, content_type = body.encode() if isinstance(body, str) else body, "text/html; charset=UTF-8"
    head = response_head(
        status, header_pairs({"Content-Type": content_type}, headers), content_length=len(content)
    )
    return head + content


def header_pairs(usual: Headers, given: Headers | None) -> tuple[tuple[str, str], ...]:
    replaced = {name.lower() for name in given or {}}
    kept = {name: value for name, value in usual.items() if name.lower() not in replaced}
    return tuple((kept | (given or {})).items())
