"""A Responses stream and a whole Response say the same; each kind is in tests/golden/response_replies."""

import gc
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from gateway.protocols.error_bodies import Problem
from gateway.protocols.reply_signs import more_text
from gateway.protocols.told_before import ToldBefore
from tests.protocols.responses import (
    BROKEN_OFF,
    CALL,
    HOSTED,
    accumulated,
    check_stream,
    grounding,
    piece,
    read,
    reply,
    streamed,
    thought,
    told,
    translation,
    whole,
)

# Whole and stream.

TEXT = st.text(max_size=12)
NAMES = st.sampled_from(["f", "custom"])


def part(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(members)


SIGNATURE = st.sampled_from(["c2ln", "b3Ro"])
CALLS = st.fixed_dictionaries({"name": NAMES, "args": st.just({"input": "x"})})
PARTS = st.lists(
    part(text=TEXT)
    | part(text=TEXT, thoughtSignature=SIGNATURE)
    | part(text=TEXT, thought=st.just(True))
    | part(functionCall=CALLS)
    | part(functionCall=CALLS, thoughtSignature=SIGNATURE)
    | part(executableCode=st.fixed_dictionaries({"language": st.just("PYTHON"), "code": TEXT}))
    | part(inlineData=st.just({"mimeType": "image/png", "data": "AAAA"}))
    | part(inlineData=st.just({"mimeType": "image/png", "data": "AAAA"}), thoughtSignature=SIGNATURE)
    | part(inlineData=st.just({"mimeType": "audio/L16;rate=24000", "data": "AAAA"}))
    | part(fileData=st.just(HOSTED["fileData"])),
    max_size=7,
)
GROUNDINGS = st.none() | st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40)), max_size=3).map(
    lambda supports: grounding(*supports)
)
USAGES = st.none() | st.just({"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2})


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    PARTS,
    st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]),
    st.booleans(),
    st.booleans(),
    GROUNDINGS,
    USAGES,
)
def test_a_stream_cut_anywhere_ends_with_the_object_that_the_whole_reply_is(
    data: st.DataObject,
    parts: list[dict[str, Any]],
    reason: str,
    encrypted: bool,
    list_sources: bool,
    found: dict[str, Any] | None,
    usage: dict[str, Any] | None,
) -> None:
    pieces: list[dict[str, Any]] = []
    for each in parts:
        text = each.get("text", "")
        if len(text) > 1 and "thoughtSignature" not in each:
            cut = data.draw(st.integers(0, len(text)))
            pieces += [{**each, "text": text[:cut]}, {**each, "text": text[cut:]}]
        else:
            pieces.append(each)
    events: list[dict[str, Any]] = []
    while pieces:
        count = data.draw(st.integers(1, len(pieces)))
        events.append(piece(*pieces[:count]))
        pieces = pieces[count:]
    last: dict[str, Any] = {"finishReason": reason}
    all_of_it = reply(*parts, finish=reason)
    if found is not None:
        last["groundingMetadata"] = all_of_it["candidates"][0]["groundingMetadata"] = found
    events.append({"candidates": [last]})
    if usage is not None:
        events[-1]["usageMetadata"] = all_of_it["usageMetadata"] = usage
    chosen: dict[str, Any] = {
        "encrypted": encrypted,
        "list_sources": list_sources,
        "custom_tools": frozenset({"custom"}),
    }

    told_events = streamed(translation(**chosen), *events)

    check_stream(told_events)
    assert told_events[-1]["response"] == whole(translation(**chosen), all_of_it)
    snapshot = accumulated(told_events)
    assert snapshot.output_text == Response.model_validate(told_events[-1]["response"]).output_text
    assert [item.type for item in snapshot.output] == [
        item["type"] for item in told_events[-1]["response"]["output"]
    ]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "content parts text thought functionCall name args id inlineData fileData fileUri mimeType "
                "data finishReason index groundingMetadata groundingSupports groundingChunks segment "
                "startIndex endIndex groundingChunkIndices webSearchQueries web uri logprobsResult "
                "chosenCandidates topCandidates executableCode codeExecutionResult thoughtSignature".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
REPLIES = st.fixed_dictionaries(
    {},
    optional={
        "candidates": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "content": st.fixed_dictionaries({"parts": st.lists(ANY_JSON, max_size=3)}) | ANY_JSON,
                    "finishReason": ANY_JSON,
                    "index": ANY_JSON,
                    "groundingMetadata": ANY_JSON,
                    "logprobsResult": ANY_JSON,
                },
            )
            | ANY_JSON,
            max_size=3,
        )
        | ANY_JSON,
        "usageMetadata": ANY_JSON,
        "promptFeedback": ANY_JSON | st.fixed_dictionaries({"blockReason": ANY_JSON}),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(REPLIES, max_size=3), st.booleans(), st.booleans())
def test_nothing_an_upstream_sends_breaks_the_translation(
    events: list[dict[str, Any]], encrypted: bool, keep_text: bool
) -> None:
    chosen: dict[str, Any] = {"encrypted": encrypted, "keep_text": keep_text, "list_sources": True}

    check_stream(streamed(translation(**chosen), *events))
    for event in events:
        whole(translation(**chosen), event)
    broken = translation(**chosen)
    read(b"".join(map(broken.event, events)) + broken.broken(BROKEN_OFF))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.just(CALL) | part(text=TEXT), max_size=6), st.booleans(), st.booleans())
def test_more_text_by_its_short_way_is_what_the_long_way_makes_of_it(
    parts: list[dict[str, Any]], keep_text: bool, encrypted: bool
) -> None:
    short, long = (translation(keep_text=keep_text, encrypted=encrypted) for _ in range(2))
    for event in map(piece, parts):
        event["usageMetadata"] = {"promptTokenCount": 1}
        unusual = {**event, "candidates": [{**each, "nobodyKnows": 1} for each in event["candidates"]]}
        assert more_text(unusual) == ""
        text = more_text(event)
        assert (short.more(text, event) if text else short.event(event)) == long.event(unusual)
    assert short.end() == long.end()


# Failures and beats.


def test_a_stream_that_breaks_off_has_failed_with_what_has_come() -> None:
    translated = translation()
    came = piece(thought("Hm"), CALL, {"text": "On"}), piece({"text": "ce"})
    events = read(b"".join(map(translated.event, came)) + translated.broken(BROKEN_OFF))

    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert told(events)[-2:] == ["output_text.delta", "failed"]
    response = events[-1]["response"]
    assert (response["status"], response["error"]) == (
        "failed",
        {"code": "server_error", "message": "Google's answer broke off."},
    )
    assert [item.get("status") for item in response["output"]] == [None, "completed", "incomplete"]
    assert response["output"][2]["content"][0]["text"] == "Once"
    accumulated(events)


def test_thoughts_that_break_off_are_shown_as_far_as_they_came() -> None:
    translated = translation()
    events = read(translated.event(piece(thought("Hm"))) + translated.broken(BROKEN_OFF))

    assert events[-1]["response"]["output"][0]["summary"] == [{"type": "summary_text", "text": "Hm"}]


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem(500, "x", "internal"), "server_error"),
        (Problem(502, "x", "upstream_error"), "server_error"),
        (Problem(503, "x", "no_keys"), "server_error"),
        (Problem(429, "x", "rate_minute"), "rate_limit_exceeded"),
        (Problem(400, "x", "bad_request"), "invalid_prompt"),
        (
            Problem(
                400, "The input token count exceeds the maximum number of tokens allowed.", "bad_request"
            ),
            "context_length_exceeded",
        ),
    ],
)
def test_a_failure_that_is_all_of_the_stream_is_told_behind_its_opening(problem: Problem, code: str) -> None:
    data = translation().broken(problem)

    blocks = data.split(b"\n\n")
    assert [block.partition(b"\n")[0] for block in blocks[:-1]] == [
        b"event: response.created",
        b"event: response.in_progress",
        b"event: response.failed",
    ]
    assert orjson.loads(blocks[2].partition(b"data: ")[2])["response"]["error"]["code"] == code


def test_beats_open_the_stream_which_goes_on_where_they_ended() -> None:
    told_before = ToldBefore()
    beating = translation(told=told_before)
    beats = beating.beat() + beating.beat()

    first, second = translation(told=told_before), translation(told=told_before)
    first.event(piece({"text": "lost with its attempt"}))
    events = read(beats + second.event(reply({"text": "x"})) + second.end())

    assert told(events)[:5] == [
        "created",
        "in_progress",
        "in_progress",
        "output_item.added",
        "content_part.added",
    ]
    check_stream(events)
    accumulated(events)


def test_a_failure_after_beats_goes_on_where_they_ended() -> None:
    told_before = ToldBefore()
    beats = translation(told=told_before).beat()

    events = read(beats + translation(told=told_before).broken(BROKEN_OFF))

    assert told(events) == ["created", "in_progress", "failed"]
    assert [event["sequence_number"] for event in events] == [0, 1, 2]


def test_a_beat_within_a_stream_repeats_that_it_is_in_progress() -> None:
    translated = translation()
    data = translated.event(piece({"text": "x"})) + translated.beat() + translated.end()

    events = read(data)

    check_stream(events)
    assert told(events)[5] == "in_progress"


def test_an_answer_is_freed_when_it_is_let_go() -> None:
    gc.collect()
    gc.disable()
    try:
        streamed(translation(encrypted=True), piece(thought("Hm"), CALL, {"text": "x"}), reply())
        whole(translation(), reply({"text": "x"}))
        assert gc.collect() == 0, "it waited for the collector"
    finally:
        gc.enable()
