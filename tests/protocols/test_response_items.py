"""What a response is made of: each kind of output item, its events, its end, its signatures."""

from typing import Any

import orjson
import pytest

from gateway.protocols import response_stream
from gateway.protocols.citations import MAX_QUERIES
from gateway.protocols.response_items import OutputItems
from tests.protocols.responses import (
    BROKEN_OFF,
    CALL,
    CREATED_S,
    HOSTED,
    PICTURE,
    RESPONSE_ID,
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

# The order of a stream.


def test_a_text_is_told_in_the_order_the_clients_know() -> None:
    events = streamed(translation(), piece({"text": "Hel"}), piece({"text": "lo"}), reply())

    assert told(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[2]["item"]["content"] == []
    assert events[3]["part"] == {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def test_thoughts_are_done_before_the_text_begins() -> None:
    events = streamed(
        translation(), piece(thought("Hm")), piece(thought("m.")), piece({"text": "Yes"}), reply()
    )

    assert told(events)[2:10] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
    ]
    assert events[8]["item"] == {
        "id": "rs_00c0ffee_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hmm."}],
    }


def test_a_text_is_done_before_the_call_that_follows_and_text_after_it_is_another_message() -> None:
    events = streamed(translation(), piece({"text": "Look: "}), piece(CALL), piece({"text": "Done"}), reply())

    assert [
        (event["type"].rpartition(".")[2], event["item"]["type"]) for event in events if "item" in event
    ] == [
        ("added", "message"),
        ("done", "message"),
        ("added", "function_call"),
        ("done", "function_call"),
        ("added", "message"),
        ("done", "message"),
    ]
    output = events[-1]["response"]["output"]
    assert [item["id"] for item in output] == ["msg_00c0ffee_0", "fc_00c0ffee_1", "msg_00c0ffee_2"]


def test_a_call_comes_whole_in_one_delta() -> None:
    events = streamed(translation(), reply(CALL))

    added, delta, done = events[2:5]
    assert told(events)[2:6] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert (added["item"]["arguments"], added["item"]["status"]) == ("", "in_progress")
    assert (delta["delta"], done["arguments"], done["name"]) == ('{"a":1}', '{"a":1}', "f")
    assert events[5]["item"] == {
        "id": "fc_00c0ffee_0",
        "type": "function_call",
        "name": "f",
        "arguments": '{"a":1}',
        "call_id": "call_new1",
        "status": "completed",
    }


def test_a_call_of_a_custom_tool_is_one_of_its_own_kind() -> None:
    call = {"functionCall": {"name": "patch", "args": {"input": "*** Begin"}, "id": "c1"}}
    events = streamed(translation(custom_tools=frozenset({"patch"})), reply(call))

    assert told(events)[2:6] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert events[2]["item"]["input"] == ""
    assert events[5]["item"] == {
        "id": "ctc_00c0ffee_0",
        "type": "custom_tool_call",
        "name": "patch",
        "input": "*** Begin",
        "call_id": "c1",
        "status": "completed",
    }


# Pictures and sound.


def test_a_picture_inside_is_an_image_generation_and_one_with_an_address_stands_in_the_text() -> None:
    events = streamed(translation(), piece({"text": "Here: "}), piece(HOSTED), piece(PICTURE), reply())

    message, picture = events[-1]["response"]["output"]
    assert message["content"][0]["text"] == "Here: ![image](https://pictures.example/1.png)"
    assert picture == {
        "id": "ig_00c0ffee_1",
        "type": "image_generation_call",
        "status": "completed",
        "result": "AAAA",
        "output_format": "png",
    }
    assert told(events)[-6:-1] == [
        "output_item.added",
        "image_generation_call.in_progress",
        "image_generation_call.generating",
        "image_generation_call.completed",
        "output_item.done",
    ]
    assert [event["item"]["result"] for event in events if event.get("item", {}).get("result", 0) != 0] == [
        None,
        "AAAA",
    ]


def test_sound_which_has_no_item_of_its_own_stands_under_the_text() -> None:
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
    response = whole(translation(), reply({"text": "Listen: "}, sound))

    text = response["output"][0]["content"][0]["text"]
    assert text.startswith("Listen: [audio](data:audio/wav;base64,UklGR")


# Citations.


def test_citations_are_told_before_their_text_is_done_and_the_search_at_the_end() -> None:
    found = grounding((0, 2), (3, 5))
    events = streamed(translation(), piece({"text": "ab cd"}), reply(groundingMetadata=found))

    names = told(events)
    first = names.index("output_text.annotation.added")
    assert names[first : first + 3] == ["output_text.annotation.added"] * 2 + ["output_text.done"]
    assert [events[first + at]["annotation_index"] for at in range(2)] == [0, 1]
    message, search = events[-1]["response"]["output"]
    assert message["content"][0]["annotations"] == [
        {
            "type": "url_citation",
            "start_index": start,
            "end_index": end,
            "url": "https://a.example",
            "title": "A",
        }
        for start, end in ((0, 2), (3, 5))
    ]
    assert search == {
        "id": "ws_00c0ffee_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "who", "queries": ["who", "when"]},
    }
    assert names[-6:-1] == [
        "output_item.added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "output_item.done",
    ]


def test_each_message_has_its_own_citations_counted_from_its_own_beginning() -> None:
    found = grounding((1, 3), (5, 6), (2, 6))
    answer = reply({"text": "一b"}, CALL, {"text": "c d"}, groundingMetadata=found)

    first, _, second = whole(translation(), answer)["output"][:3]

    places = [
        [(each["start_index"], each["end_index"]) for each in message["content"][0]["annotations"]]
        for message in (first, second)
    ]
    # In characters of the whole text: 0-1, 3-4, 0-4; the first message's are two characters.
    assert places == [[(0, 1), (0, 2)], [(1, 2)]]


def test_text_told_the_short_way_is_counted_for_citations() -> None:
    items = OutputItems("resp_1", lambda kind, members: None, encrypted=False)
    items.say("ab")
    items.say_on("cd")

    items.annotate(
        [
            {
                "type": "url_citation",
                "url_citation": {"start_index": 2, "end_index": 4, "title": "A", "url": "u"},
            }
        ]
    )

    (cited,) = items.output[0]["content"][0]["annotations"]
    assert (cited["start_index"], cited["end_index"]) == (2, 4)


def test_of_many_searches_the_first_are_told() -> None:
    found = {"webSearchQueries": [str(number) for number in range(MAX_QUERIES + 1)]}

    search = whole(translation(), reply({"text": "x"}, groundingMetadata=found))["output"][1]

    assert search["action"]["queries"] == [str(number) for number in range(MAX_QUERIES)]


def test_the_sources_are_listed_under_the_text_where_the_model_says_so() -> None:
    answer = reply({"text": "ab"}, groundingMetadata=grounding((0, 2)))

    part_ = whole(translation(list_sources=True), answer)["output"][0]["content"][0]

    assert part_["text"].startswith("ab\n\n---\n")
    assert part_["text"].endswith("- [A](https://a.example)\n")
    assert [(each["start_index"], each["end_index"]) for each in part_["annotations"]] == [(0, 2)]


# How a response ends.


def test_the_limit_makes_a_response_and_its_last_message_incomplete() -> None:
    events = streamed(translation(), piece({"text": "Onc"}), reply(finish="MAX_TOKENS"))

    assert events[-1]["type"] == "response.incomplete"
    response = events[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )
    assert response["output"][0]["status"] == "incomplete"
    assert response["completed_at"] is None


def test_a_limit_reached_in_thought_leaves_the_thoughts() -> None:
    response = whole(translation(), reply(thought("Hm"), finish="MAX_TOKENS"))

    assert [item["type"] for item in response["output"]] == ["reasoning"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}}
WITHHELD = {"candidates": [{"finishReason": "RECITATION", "finishMessage": "A poem."}]}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (BLOCKED, "The prompt was blocked by Gemini: SAFETY."),
        (WITHHELD, "The answer was withheld by Gemini: RECITATION. A poem."),
    ],
)
def test_what_was_blocked_is_a_message_that_refuses(answer: dict[str, Any], words: str) -> None:
    events = streamed(translation(encrypted=True), answer)

    check_stream(events)
    assert told(events)[2:] == [
        "output_item.added",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "incomplete",
    ]
    response = events[-1]["response"]
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": words}]
    assert response["incomplete_details"] == {"reason": "content_filter"}
    assert response == whole(translation(), answer)


def test_an_answer_filtered_after_its_beginning_keeps_it() -> None:
    response = whole(translation(), reply({"text": "Once"}, finish="SAFETY"))

    assert [part_["type"] for part_ in response["output"][0]["content"]] == ["output_text"]
    assert response["incomplete_details"] == {"reason": "content_filter"}


def test_a_block_told_after_an_answer_leaves_the_answer() -> None:
    response = streamed(translation(), piece({"text": "Once"}), BLOCKED, reply())[-1]["response"]

    assert (response["status"], len(response["output"])) == ("completed", 1)


@pytest.mark.parametrize("reason", ["STOP", "OTHER", "MALFORMED_FUNCTION_CALL", "NEW_REASON"])
def test_any_other_end_completes_a_response_at_its_time(reason: str) -> None:
    response = whole(translation(wall_s=lambda: CREATED_S + 2.9), reply({"text": "x"}, finish=reason))

    assert (response["status"], response["completed_at"]) == ("completed", CREATED_S + 2)
    assert (response["error"], response["incomplete_details"]) == (None, None)


def test_what_is_longer_than_a_response_may_be_ends_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_stream, "MAX_KEPT_CHARS", 10)
    events = streamed(
        translation(), piece({"text": "12345678"}), piece({"text": "9012"}), piece(CALL), reply()
    )

    response = events[-1]["response"]
    assert [item["content"][0]["text"] for item in response["output"]] == ["12345678"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


# Signatures.


def test_the_signature_of_a_call_stands_on_it_in_its_id_and_before_it() -> None:
    signed = {**CALL, "thoughtSignature": "c2lnbmF0dXJl"}

    reasoning, call = whole(translation(encrypted=True), reply(signed))["output"]

    assert reasoning == {
        "id": "rs_00c0ffee_0",
        "type": "reasoning",
        "summary": [],
        "encrypted_content": "c2lnbmF0dXJl",
    }
    assert call["extra_content"] == {"google": {"thought_signature": "c2lnbmF0dXJl"}}
    assert call["call_id"].startswith("call_new1-ts-")


def test_thoughts_before_a_call_bear_its_signature() -> None:
    answer = reply(thought("Hm"), {**CALL, "thoughtSignature": "c2ln"}, CALL)

    output = whole(translation(encrypted=True), answer)["output"]

    assert [item["type"] for item in output] == ["reasoning", "function_call", "function_call"]
    assert output[0]["encrypted_content"] == "c2ln"
    assert output[0]["summary"] == [{"type": "summary_text", "text": "Hm"}]


def test_the_signature_of_a_call_behind_a_text_stands_between_them() -> None:
    answer = reply(
        thought("Hm"), {"text": "So:", "thoughtSignature": "b25l"}, {**CALL, "thoughtSignature": "c2ln"}
    )

    output = whole(translation(encrypted=True), answer)["output"]

    assert [(item["type"], item.get("encrypted_content", "")) for item in output] == [
        ("reasoning", None),
        ("message", ""),
        ("reasoning", "c2ln"),
        ("function_call", ""),
    ]
    assert "extra_content" not in output[1]


@pytest.mark.parametrize("thoughts", [[], [thought("Hm")]])
def test_the_signature_of_a_text_stands_on_its_message_and_behind_it(thoughts: list[dict[str, Any]]) -> None:
    events = streamed(
        translation(encrypted=True),
        piece(*thoughts, {"text": "Yes"}),
        reply({"text": "", "thoughtSignature": "c2ln"}),
    )

    message, reasoning = events[-1]["response"]["output"][-2:]
    assert (reasoning["summary"], reasoning["encrypted_content"]) == ([], "c2ln")
    assert message["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    check_stream(events)


def test_thoughts_without_an_answer_bear_the_signature_that_follows_them() -> None:
    answer = reply(thought("Hm"), {"text": "", "thoughtSignature": "c2ln"}, finish="MAX_TOKENS")

    output = whole(translation(encrypted=True), answer)["output"]

    assert [item.get("encrypted_content", "") for item in output] == ["c2ln"]


def test_a_signature_before_its_text_is_the_texts() -> None:
    answer = reply(thought("Hm"), {"text": "", "thoughtSignature": "c2ln"}, {"text": "Yes"})

    output = whole(translation(encrypted=True), answer)["output"]

    assert [item.get("encrypted_content", "") for item in output] == [None, "", "c2ln"]
    assert output[1]["extra_content"] == {"google": {"thought_signature": "c2ln"}}


def test_thoughts_that_bear_no_signature_say_so() -> None:
    output = whole(translation(encrypted=True), reply(thought("Hm"), {"text": "Yes"}))["output"]

    assert [item.get("encrypted_content", "") for item in output] == [None, ""]


def test_a_reasoning_item_has_no_encrypted_content_that_was_not_asked_for() -> None:
    output = whole(translation(), reply(thought("Hm"), {"text": "Yes", "thoughtSignature": "c2ln"}))["output"]

    assert "encrypted_content" not in output[0]
    assert output[1]["extra_content"] == {"google": {"thought_signature": "c2ln"}}


def test_a_picture_bears_its_own_signature() -> None:
    answer = reply({"text": "Look", "thoughtSignature": "b25l"}, {**PICTURE, "thoughtSignature": "dHdv"})

    output = whole(translation(encrypted=True), answer)["output"]

    assert [(item["type"], item.get("encrypted_content")) for item in output] == [
        ("message", None),
        ("reasoning", "b25l"),
        ("reasoning", "dHdv"),
        ("image_generation_call", None),
    ]
    assert output[3]["extra_content"] == {"google": {"thought_signature": "dHdv"}}


# What stands beside.


def test_tokens_are_counted_and_the_last_count_holds() -> None:
    counted = {"promptTokenCount": 8, "cachedContentTokenCount": 3, "toolUsePromptTokenCount": 2}
    first = {**piece({"text": "x"}), "usageMetadata": counted}
    last = {
        **reply(),
        "usageMetadata": {
            **counted,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 20,
            "totalTokenCount": 35,
        },
    }

    assert streamed(translation(), first, last)[-1]["response"]["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 25,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 35,
    }


def test_no_count_is_not_a_count_of_nothing() -> None:
    assert whole(translation(), reply({"text": "x"}))["usage"] is None


def test_the_request_is_repeated_but_says_nothing_of_the_answer() -> None:
    response = whole(translation(), reply({"text": "x"}))

    assert (response["id"], response["object"], response["created_at"]) == (
        RESPONSE_ID,
        "response",
        CREATED_S,
    )
    assert (response["model"], response["store"], response["tool_choice"]) == (
        "gemini-3.5-flash",
        True,
        "auto",
    )


def test_logprobs_stand_with_their_text() -> None:
    result = {"chosenCandidates": [{"token": "Hi", "logProbability": -0.5}]}
    events = streamed(
        translation(), {"candidates": [{**piece({"text": "Hi"})["candidates"][0], "logprobsResult": result}]}
    )

    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    told_ = {event["type"]: event["logprobs"] for event in events if "logprobs" in event}
    assert told_ == {"response.output_text.delta": [token], "response.output_text.done": [token]}
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]


def test_logprobs_that_come_without_text_wait_for_it_or_end_the_text() -> None:
    token = {"chosenCandidates": [{"token": "x", "logProbability": -1}]}
    bare = {"candidates": [{"content": {"parts": [{"text": ""}]}, "logprobsResult": token}]}
    translated = translation(keep_text=False)
    events = [translated.event(bare), translated.more("a", piece({"text": "a"})), translated.more("b", {})]
    events += [translated.event(bare), translated.more("c", {})]
    told_events = read(b"".join(events) + translated.event(bare) + translated.end())

    deltas = [event for event in told_events if event["type"] == "response.output_text.delta"]
    assert [(event["delta"], len(event["logprobs"])) for event in deltas] == [
        ("a", 1),
        ("b", 0),
        ("c", 1),
        ("", 1),
    ]
    check_stream(told_events)
    assert len(told_events[-1]["response"]["output"][0]["content"][0]["logprobs"]) == 3


def test_a_finished_response_is_kept_before_the_client_has_it_and_a_broken_one_is_not() -> None:
    kept: list[dict[str, Any]] = []

    events = streamed(translation(keep=kept.append), reply({"text": "x"}))
    unary = whole(translation(keep=kept.append), reply({"text": "x"}))
    broken = translation(keep=kept.append)
    broken.event(piece({"text": "x"}))
    broken.broken(BROKEN_OFF)

    assert orjson.loads(orjson.dumps(kept)) == [events[-1]["response"], unary]


def test_a_second_candidate_is_not_read() -> None:
    events = [
        {"candidates": [{"index": 0, "content": {"parts": [{"text": "a"}]}}]},
        {"candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "SAFETY"}]},
        {"candidates": [{"index": 0, "finishReason": "STOP"}]},
    ]

    response = streamed(translation(), *events)[-1]["response"]

    assert (response["status"], response["output"][0]["content"][0]["text"]) == ("completed", "a")
