"""An answer that breaks off anywhere is replaced in silence, or told in part and said to be broken.

Each test cuts the first key's answer at many bytes, in every way a connection can end; the next key would
give another answer, so that a mixture of both would show.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import orjson
import pytest

from gateway.simulator.http1 import LAST_CHUNK, http_chunk, response_head
from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, array, chat, native, sse
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

FIRST = ("Once", " upon — 从前", ' a "time".')
SECOND = "Another answer altogether."
FIRST_TEXT = "".join(FIRST)
SHAPES: dict[str, dict[str, str]] = {
    "as it comes": {},
    "paced": {"STREAM_OPTIMIZER_ENABLED": "true", "STREAM_MIN_DELAY": "0.0005", "STREAM_MAX_DELAY": "0.0005"},
    "fake": {"FAKE_STREAM_ENABLED": "true"},
    "fake with beats": {"FAKE_STREAM_ENABLED": "true", "FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS": "0.1"},
}
Ending = Literal["end", "close", "reset"]


def chat_stream(gateway: RunningGateway) -> Answer:
    return chat(gateway, stream=True)


CALLERS: dict[str, Callable[[RunningGateway], Answer]] = {"sse": sse, "array": array, "chat": chat_stream}


def body_of(form: str) -> bytes:
    """The first key's whole answer in the form the gateway asks for."""
    events = gemini_replies.text_events(*FIRST)
    if form == "whole":
        return orjson.dumps(gemini_replies.text(FIRST_TEXT), option=orjson.OPT_INDENT_2)
    if form == "array":
        return b"[" + b",\r\n".join(orjson.dumps(event) for event in events) + b"]"
    return b"".join(b"data: " + orjson.dumps(event) + b"\r\n\r\n" for event in events)


def cuts(body: bytes, ending: Ending) -> Iterator[int]:
    """Places to cut at: a few at both ends, and every so many between."""
    edge = 3
    yield from range(edge)
    yield from range(edge, len(body) - edge, max(1, len(body) // 12) + (1 if ending == "end" else 0))
    yield from range(len(body) - edge, len(body) + 1)


def script(fake_upstream: FakeUpstream, form: str, piece: bytes, ending: Ending, *, wait_s: float) -> None:
    """The first call gets a piece of an answer, all others another answer, whole."""
    kind = "text/event-stream" if form == "sse" else "application/json"
    steps: list[bytes | float] = [response_head(200, (("Content-Type", kind),), content_length=None)]
    steps += [wait_s] if wait_s else []
    steps += [http_chunk(piece)] if piece else []
    if ending == "end":
        steps.append(LAST_CHUNK)
    fake_upstream.forget()
    fake_upstream.raw(*steps, then="keep" if ending == "end" else ending, times=1)
    fake_upstream.stream(gemini_replies.text_events(SECOND), verb="streamGenerateContent")
    fake_upstream.reply(gemini_replies.text(SECOND))


def told(answer: Answer) -> tuple[str, bool, bool]:
    """The text a client read, whether it was told that it is whole, and whether that it is broken."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        events: list[Any] = [event if event == b"[DONE]" else orjson.loads(event) for event in answer.events]
    else:
        events = answer.json
    text, whole, broken = "", False, False
    for event in events:
        assert not broken, "something follows the error"
        if event == b"[DONE]":
            whole = True
            continue
        broken = "error" in event
        for choice in event.get("choices", []):
            text += choice["delta"].get("content") or ""
        for candidate in event.get("candidates", []):
            whole = whole or "finishReason" in candidate
            text += "".join(part.get("text", "") for part in candidate["content"]["parts"])
    return text, whole, broken


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", ["end", "close", "reset"])
def test_an_answer_is_whole_or_replaced_or_said_to_be_broken(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, caller: str, shape: str, ending: Ending
) -> None:
    gateway = start_gateway(**SHAPES[shape], MAX_FAILURES="1000")
    form = "whole" if "fake" in shape else "array" if caller == "array" else "sse"
    body = body_of(form)
    seen: set[str] = set()
    for cut in cuts(body, ending):
        wait_s = 0.12 if "beats" in shape and cut % 5 == 0 else 0.0
        script(fake_upstream, form, body[:cut], ending, wait_s=wait_s)

        answer = CALLERS[caller](gateway)

        assert (answer.status, answer.complete) == (200, True), cut
        text, whole, broken = told(answer)
        assert whole is not broken, cut
        if whole:
            assert text in (FIRST_TEXT, SECOND), cut
        else:
            assert text, cut
            assert FIRST_TEXT.startswith(text), cut
        seen.add("broken" if broken else "first" if text == FIRST_TEXT else "second")

    # A whole answer is never told in part; a stream is, from its first content on.
    assert seen == ({"first", "second"} if "fake" in shape else {"first", "second", "broken"})


@pytest.mark.parametrize("ending", ["end", "close", "reset"])
@pytest.mark.parametrize("ask", [native, chat], ids=["native", "chat"])
def test_a_whole_answer_is_whole_or_another(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, ask: Callable[..., Answer], ending: Ending
) -> None:
    gateway = start_gateway(MAX_FAILURES="1000")
    body = body_of("whole")
    for cut in cuts(body, ending):
        script(fake_upstream, "whole", body[:cut], ending, wait_s=0.0)

        answer = ask(gateway)

        assert (answer.status, answer.complete) == (200, True), cut
        if ask is native:
            text = answer.json["candidates"][0]["content"]["parts"][0]["text"]
        else:
            text = answer.json["choices"][0]["message"]["content"]
        assert text in (FIRST_TEXT, SECOND), cut


def test_a_long_answer_that_ends_with_its_connection_is_not_cut_in_silence(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    body = orjson.dumps(gemini_replies.text("x" * 4_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    fake_upstream.raw(head + body[: len(body) // 2], times=1)
    fake_upstream.raw(head + body, times=1)

    cut, whole = native(gateway), native(gateway)

    assert not cut.complete
    assert (whole.complete, whole.body) == (True, body)
