"""A Messages stream adds up to the whole Message; each kind of answer is in tests/golden/message_replies."""

import gc
import re
from typing import Any

import orjson
import pytest
from anthropic.types import ErrorResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.citations import CitedText
from gateway.protocols.error_bodies import Problem
from gateway.protocols.error_dialects import anthropic_error
from gateway.protocols.reply_signs import more_text
from gateway.protocols.told_before import ToldBefore
from tests.protocols.messages import accumulated, check_stream, read, streamed, translation, whole
from tests.protocols.responses import BROKEN_OFF, CALL, HOSTED, PICTURE, grounding, piece, reply, thought
from tests.protocols.test_response_stream import REPLIES

TEXT = st.text(max_size=8)
PARTS = st.lists(
    st.one_of(
        TEXT.map(lambda text: {"text": text}),
        TEXT.map(thought),
        st.sampled_from(
            [
                CALL,
                {**CALL, "thoughtSignature": "c2ln"},
                {"text": "", "thoughtSignature": "c2ln"},
                PICTURE,
                HOSTED,
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
            ]
        ),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    PARTS,
    st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]),
    st.booleans(),
    st.none() | st.tuples(st.integers(0, 20), st.integers(0, 40)).map(grounding),
)
def test_a_stream_cut_anywhere_adds_up_to_the_message_that_the_whole_reply_is(
    data: st.DataObject,
    parts: list[dict[str, Any]],
    reason: str,
    searches: bool,
    found: dict[str, Any] | None,
) -> None:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2}
    last: dict[str, Any] = {"candidates": [{"finishReason": reason}], "usageMetadata": usage}
    all_of_it = {**reply(*parts, finish=reason), "usageMetadata": usage}
    if found is not None:
        last["candidates"][0]["groundingMetadata"] = found
        all_of_it["candidates"][0]["groundingMetadata"] = found
    events = []
    while parts:
        count = data.draw(st.integers(1, len(parts)))
        events.append(piece(*parts[:count]))
        parts = parts[count:]

    chosen: dict[str, Any] = {"list_sources": searches, "shows_search": searches}

    told = streamed(translation(**chosen), *events, last)

    check_stream(told)
    assert accumulated(told) == whole(translation(**chosen), all_of_it)


@settings(max_examples=60, deadline=None)
@given(st.lists(REPLIES, max_size=3), st.booleans())
def test_nothing_an_upstream_sends_breaks_the_translation(
    events: list[dict[str, Any]], keep_text: bool
) -> None:
    chosen: dict[str, Any] = {"keep_text": keep_text, "list_sources": True, "shows_search": True}

    check_stream(streamed(translation(**chosen), *events))
    for event in events:
        whole(translation(**chosen), event)


@pytest.mark.parametrize("keep_text", [False, True])
def test_more_text_by_its_short_way_is_what_the_long_way_makes_of_it(keep_text: bool) -> None:
    short, long = (translation(keep_text=keep_text) for _ in range(2))
    for event in (
        piece({"text": "a"}),
        piece(thought("Hm"), CALL),
        piece({"text": "b"}),
        piece({"text": "c"}),
    ):
        event["usageMetadata"] = {"promptTokenCount": 1}
        unusual = {**event, "candidates": [{**each, "nobodyKnows": 1} for each in event["candidates"]]}
        text = more_text(event)
        assert (short.more(text, event) if text else short.event(event)) == long.event(unusual)
    assert short.end() == long.end()


@pytest.mark.parametrize(
    ("finish", "parts", "stop_reason"),
    [
        ("STOP", [{"text": "x"}], "end_turn"),
        ("STOP", [], "end_turn"),
        ("SOMETHING_NEW", [{"text": "x"}], "end_turn"),
        ("MAX_TOKENS", [thought("Hm")], "max_tokens"),
        ("MAX_TOKENS", [CALL], "tool_use"),
        ("RECITATION", [{"text": "x"}], "refusal"),
        ("SAFETY", [thought("Hm")], "refusal"),
        ("SAFETY", [CALL], "tool_use"),
        (None, [{"text": "x"}, CALL], "tool_use"),
    ],
)
def test_a_message_says_why_it_stops(
    finish: str | None, parts: list[dict[str, Any]], stop_reason: str
) -> None:
    message = whole(translation(), reply(*parts, finish=finish))

    assert message["stop_reason"] == stop_reason
    assert (message["stop_details"] is not None) == (stop_reason == "refusal")


def test_arguments_nested_as_deeply_as_can_be_written_are_given_whole() -> None:
    args: dict[str, Any] = {}
    for _ in range(250):
        args = {"a": args}
    call = {"functionCall": {"name": "f", "args": args}}

    assert orjson.loads(translation().whole(reply(call)))["content"][0]["input"] == args


def test_an_id_holds_nothing_that_clients_refuse() -> None:
    calls = [{"functionCall": {"name": "f", "id": given}} for given in ("a/b:c", "ü", "", "plain-1")]
    message = whole(translation(), reply({**calls[0], "thoughtSignature": "c2ln"}, *calls[1:]))

    ids = [block["id"] for block in message["content"]]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", each) for each in ids)
    assert ids[-1] == "plain-1"


def test_sound_stands_in_the_text() -> None:
    sound = {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}

    (block,) = whole(translation(), reply(sound))["content"]

    assert block == {"type": "text", "text": "[audio](data:audio/mp3;base64,AAAA)"}


def test_a_source_is_cited_with_the_words_it_is_for() -> None:
    found = grounding((0, 4), (5, 500))
    long = "é" * 300
    message = whole(translation(), reply({"text": "Bon, "}, {"text": long}, groundingMetadata=found))

    assert [citation["cited_text"] for citation in message["content"][0]["citations"]] == ["Bon,", "é" * 150]


def test_what_is_not_text_is_not_cited() -> None:
    cited = CitedText(pieces=[(0, "before"), (50, "behind")])  # a picture's markdown stands between

    assert cited.passage(3, 53) == "orebeh"
    assert cited.passage(20, 40) == ""


# Failures and beats.


def test_a_stream_that_breaks_off_ends_with_its_error() -> None:
    translated = translation()
    data = translated.event(piece({"text": "Once"})) + translated.broken(BROKEN_OFF)

    *came, (name, line) = [block.split(b"\n") for block in data.split(b"\n\n")[:-1]]
    error = line.removeprefix(b"data: ")
    assert len(came) == 3
    assert (name, error) == (b"event: error", anthropic_error(BROKEN_OFF))
    assert ErrorResponse.model_validate_json(error).error.type == "api_error"


def test_a_failure_may_be_all_of_the_stream() -> None:
    data = translation().broken(Problem(503, "Busy.", "overloaded"))

    assert data.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')
    assert data.count(b"\n\n") == 1


def test_beats_open_the_stream_which_goes_on_where_they_ended() -> None:
    told_before = ToldBefore()
    beats = translation(told=told_before).beat() + translation(told=told_before).beat()

    first, second = translation(told=told_before), translation(told=told_before)
    first.event(piece({"text": "lost with its attempt"}))
    answer = {**reply({"text": "x"}), "usageMetadata": {"promptTokenCount": 7}}
    events = read(beats + second.event(answer) + second.end())

    assert [event["type"] for event in events][:4] == ["message_start", "ping", "ping", "content_block_start"]
    message = accumulated(events)
    assert message["content"] == [{"type": "text", "text": "x"}]
    assert message["usage"]["input_tokens"] == 7, "what was not known when it began is told at the end"


def test_an_answer_is_freed_when_it_is_let_go() -> None:
    gc.collect()
    gc.disable()
    try:
        translated = translation()
        translated.event(piece(thought("Hm"), CALL, {"text": "x"}))
        translated.end()
        translation().whole(reply({"text": "x"}))
        del translated
        assert gc.collect() == 0, "it waited for the collector"
    finally:
        gc.enable()
