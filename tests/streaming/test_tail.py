"""The tail of a relayed stream: bounded, and still able to tell usage and finish reason."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.streaming.tail import StreamTail, TailKeeper

USAGE = {
    "promptTokenCount": 8,
    "totalTokenCount": 13,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
}


def event(text: str, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, **more}
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 8},
        "modelVersion": "gemini-3.5-flash",
    }


def last_event(text: str = "") -> dict[str, Any]:
    return {**event(text, finishReason="STOP"), "usageMetadata": USAGE}


def sse(*events: dict[str, Any], line_end: bytes = b"\r\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(each) + line_end * 2 for each in events)


def array(*events: dict[str, Any]) -> bytes:
    written = (orjson.dumps(each, option=orjson.OPT_INDENT_2) for each in events)
    return b"[" + b"\r\n,\r\n".join(written) + b"\r\n]"


def read(stream: bytes, *, chunk_bytes: int = 100, keep_bytes: int = 4096) -> StreamTail:
    keeper = TailKeeper(keep_bytes)
    for start in range(0, len(stream), chunk_bytes):
        keeper.feed(stream[start : start + chunk_bytes])
        assert keeper.kept_bytes <= 2 * keep_bytes + chunk_bytes
    return keeper.read()


@pytest.mark.parametrize("chunk_bytes", [1, 7, 100, 1_000_000])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_usage_and_finish_reason_are_read_from_the_last_event(chunk_bytes: int, line_end: bytes) -> None:
    facts = read(sse(*[event("word " * 20)] * 40, last_event(), line_end=line_end), chunk_bytes=chunk_bytes)
    assert facts.usage == USAGE
    assert facts.finish_reason == "STOP"
    assert facts.model_version == "gemini-3.5-flash"
    assert facts.error is None


def test_an_event_longer_than_the_tail_is_searched() -> None:
    facts = read(sse(event("hi"), last_event("A" * 100_000)), chunk_bytes=5000)
    assert facts.usage == USAGE
    assert facts.finish_reason == "STOP"


def test_one_huge_chunk_is_not_kept_for_its_end() -> None:
    keeper = TailKeeper(keep_bytes=1000)
    keeper.feed(sse(last_event("A" * 1_000_000)))
    assert keeper.kept_bytes == 1000
    assert keeper.read().usage == USAGE


@pytest.mark.parametrize("chunk_bytes", [1, 7, 100, 1_000_000])
def test_the_array_form_is_searched(chunk_bytes: int) -> None:
    facts = read(array(*[event("word " * 20)] * 40, last_event()), chunk_bytes=chunk_bytes)
    assert facts.usage == USAGE
    assert facts.finish_reason == "STOP"
    assert facts.model_version == "gemini-3.5-flash"


def test_words_of_the_model_are_not_taken_for_members() -> None:
    text = '"usageMetadata": {"promptTokenCount": 666}, "finishReason": "SAFETY", "error": {"code": 1}'
    for stream in (sse(event("x"), last_event(text)), array(event("x"), last_event(text))):
        facts = read(stream, keep_bytes=50_000)
        assert facts.usage == USAGE
        assert facts.finish_reason == "STOP"
        assert facts.error is None


def test_the_finish_reason_may_stand_before_the_last_event() -> None:
    late = {"candidates": [{"groundingMetadata": {"webSearchQueries": ["x"]}}], "usageMetadata": USAGE}
    facts = read(sse(event("a"), event("b", finishReason="MAX_TOKENS"), late))
    assert facts.usage == USAGE
    assert facts.finish_reason == "MAX_TOKENS"


@pytest.mark.parametrize("form", [sse, array])
def test_an_error_in_mid_stream_is_told(form: Any) -> None:
    error = {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}
    facts = read(form(event("a"), {"error": error}))
    assert facts.error == error
    assert facts.finish_reason is None


@pytest.mark.parametrize("form", [sse, array])
def test_a_blocked_prompt_is_told(form: Any) -> None:
    facts = read(form({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}))
    assert (facts.block_reason, facts.usage, facts.finish_reason) == ("SAFETY", USAGE, None)


def test_integer_enums_are_told_as_integers() -> None:
    stream = {**event("a", finishReason=2), "usageMetadata": USAGE}
    assert read(sse(stream)).finish_reason == 2
    assert read(array(stream)).finish_reason == 2


def test_a_stream_cut_off_tells_the_usage_of_its_last_whole_event() -> None:
    facts = read(sse(event("a"), last_event())[:-150])
    assert facts.usage == {"promptTokenCount": 8}
    assert facts.finish_reason is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from([b'data: {"usageMetadata": {', b"\r\n\r\n", b'"finishReason": 1']),
        max_size=12,
    )
)
def test_no_bytes_make_reading_raise(chunks: list[bytes]) -> None:
    keeper = TailKeeper(keep_bytes=64)
    for chunk in chunks:
        keeper.feed(chunk)
    keeper.read()
    keeper.events()


def test_events_are_the_whole_ones_of_the_tail() -> None:
    stream = b"".join(
        b"data: " + word + b"\r\n\r\n" for word in (b"first-is-long-and-cut", b"second", b"third")
    )
    keeper = TailKeeper(keep_bytes=40)
    for start in range(0, len(stream), 10):
        keeper.feed(stream[start : start + 10])
    assert keeper.events() == [b"second", b"third"]
