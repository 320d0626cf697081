"""A client in memory for deliveries, plans for each way an answer can travel, and strict readers of bytes."""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from google.genai import _api_client
from openai._streaming import SSEDecoder

from gateway.handlers.openai_chat import ChatTranslation
from gateway.pool.key import Key, KeySpec
from gateway.pool.lease import Lease
from gateway.protocols.context import ReplyContext
from gateway.protocols.error_bodies import (
    gemini_error,
    gemini_error_array,
    gemini_error_element,
    gemini_error_event,
    openai_error,
    openai_error_event,
    problem_after_failure,
)
from gateway.protocols.failures import Failure
from gateway.relay.delivery import Delivery, open_delivery
from gateway.relay.outlet import Outlet
from gateway.relay.plan import Framing, Plan, Translation
from gateway.relay.staged import open_staged
from gateway.upstream.response import RawResponseHead

MODEL = "gemini-3.5-flash"
JSON = b"Content-Type: application/json; charset=UTF-8"


@dataclass(slots=True)
class Client:
    """Takes an answer; `keeps_up` False makes every write report a full buffer."""

    keeps_up: bool = True
    status: int = 0
    headers: Sequence[tuple[str, str]] = ()
    length: int | None = None
    writes: list[bytes] = field(default_factory=list)
    finished: bool = False
    aborted: bool = False

    def head(
        self, status: int, headers: Sequence[tuple[str, str]], *, content_length: int | None = None
    ) -> None:
        assert not self.status, "a second head"
        self.status, self.headers, self.length = status, headers, content_length

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.head(status, headers, content_length=len(body))
        self.finish(body)

    def write(self, data: bytes) -> bool:
        assert self.status
        assert not self.finished
        self.writes.append(data)
        return self.keeps_up

    def finish(self, data: bytes = b"") -> None:
        assert self.status
        assert not self.finished
        self.writes.append(data)
        self.finished = True

    def abort(self) -> None:
        self.aborted = True

    @property
    def body(self) -> bytes:
        return b"".join(self.writes)


def chat_translation() -> Translation:
    context = ReplyContext(client_model=MODEL, new_id=lambda: "0" * 24, tool_names={})
    return ChatTranslation(context, "chatcmpl-1", 1_793_000_000)


def plan(framing: Framing, *, translation: Callable[[], Translation] | None = None, **more: Any) -> Plan:
    is_array = framing is Framing.ARRAY
    verb = "generateContent" if framing is Framing.WHOLE else "streamGenerateContent"
    if translation is not None:
        errors = (openai_error, openai_error_event)
    else:
        errors = (
            (gemini_error_array, gemini_error_element) if is_array else (gemini_error, gemini_error_event)
        )
    return Plan(
        dialect="gemini" if translation is None else "openai",
        operation="generateContent",
        model=MODEL,
        resource=f"models/{MODEL}:{verb}",
        framing=framing,
        error_body=errors[0],
        error_tail=errors[1],
        translation=translation,
        **more,
    )


@dataclass(slots=True)
class Timer:
    """A call that is due at its time, unless it is cancelled."""

    when: float
    callback: Callable[[], object]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualLoop:
    """What a stage needs of a loop, with a clock that the test moves; timers run in their order."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self._timers: list[Timer] = []

    def time(self) -> float:
        return self.now_s

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self._timers.append(Timer(when, callback))
        return self._timers[-1]

    def advance(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while due := [timer for timer in self._timers if timer.when <= until_s]:
            first = min(due, key=lambda timer: timer.when)
            self._timers.remove(first)
            if not first.is_cancelled:
                self.now_s = max(self.now_s, first.when)
                first.callback()
        self.now_s = until_s


@dataclass(slots=True)
class Served:
    """One delivery with its client, as one attempt would feed it; a little time passes between two chunks."""

    client: Client
    outlet: Outlet
    delivery: Delivery
    loop: ManualLoop

    def feed(self, *chunks: bytes) -> Failure | None:
        """Hand over chunks, one wake-up each; gives the failure that stopped it."""
        for chunk in chunks:
            self.delivery.data(chunk)
            if self.delivery.failure is not None:
                return self.delivery.failure
            self.loop.advance(0.001)
        return None

    def close(self, failure: Failure | None) -> None:
        """End as the retry loop does on a last try: by the upstream's end, or honestly broken off."""
        ended = self.delivery.end() if failure is None else failure
        self.loop.advance(60.0 if ended is None else 0.0)
        if ended is None:
            return
        if self.outlet.committed:
            problem = problem_after_failure(ended.kind.value, status=ended.status, message=ended.message)
            self.delivery.break_off(problem)


def serve(the_plan: Plan, *, status: int = 200, headers: Sequence[bytes] = (JSON,)) -> Served:
    """A delivery whose upstream has begun its answer with these header lines."""
    client = Client()
    loop = ManualLoop()
    outlet = Outlet(client, (), loop.time)
    if the_plan.staging is None:
        delivery = open_delivery(the_plan, outlet, a_lease(), RawResponseHead(status, headers))
        return Served(client, outlet, delivery, loop)
    staged = open_staged(the_plan, outlet, cast(asyncio.AbstractEventLoop, loop), lambda: staged.flush())
    return Served(client, outlet, staged, loop)


def a_lease() -> Lease:
    spec = KeySpec(id=7, alias="seven", secret="key-of-seven", project="projects/77")
    return Lease(Key(spec, slot=0), MODEL, 1)


def read_as_google(body: bytes) -> list[Any]:
    """What google-genai makes of a stream; raises as it does."""
    # The SDK's generations differ in the HTTP library below them.
    httpx = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")
    response = httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})
    return list(_api_client.HttpResponse(response.headers, response).segments())


def read_as_openai(body: bytes) -> list[Any]:
    """What the openai SDK makes of a stream: each event's data, `[DONE]` as it is."""
    events = list(SSEDecoder().iter_bytes(iter([body])))
    return ["[DONE]" if event.data == "[DONE]" else orjson.loads(event.data) for event in events]


def text_of_google(events: Sequence[Any]) -> str:
    texts = [
        part.get("text", "")
        for event in events
        if "error" not in event
        for candidate in event.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]
    return "".join(texts)


def text_of_openai(events: Sequence[Any]) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for event in events
        if event != "[DONE]" and "error" not in event
        for choice in event["choices"]
    )
