"""Server-side objects named in native bodies are found in either spelling."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.gemini_request import (
    has_rare_parts,
    may_ask_several,
    may_reference,
    may_reference_beside,
    references,
)

HOST = "https://generativelanguage.googleapis.com/v1beta/"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ()),
        ({"contents": [{"parts": [{"fileData": {"fileUri": HOST + "files/abc"}}]}]}, ("files/abc",)),
        ({"contents": [{"parts": [{"file_data": {"file_uri": "files/abc-1"}}]}]}, ("files/abc-1",)),
        ({"contents": {"parts": {"fileData": {"file_uri": "files/a"}}}}, ("files/a",)),
        ({"cached_content": "cachedContents/c1"}, ("cachedContents/c1",)),
        (
            {
                "cachedContent": "cachedContents/c1",
                "systemInstruction": {"parts": [{"fileData": {"fileUri": "files/s"}}]},
                "contents": [
                    {"parts": [{"functionResponse": {"parts": [{"fileData": {"fileUri": "files/r"}}]}}]},
                    {"parts": [{"fileData": {"fileUri": "files/s"}}]},
                ],
            },
            ("cachedContents/c1", "files/s", "files/r"),
        ),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://youtu.be/x"}}]}]}, ()),
        (
            {"tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/s-1", 7]}}]},
            ("fileSearchStores/s-1",),
        ),
        ({"batch": {"inputConfig": {"file_name": "files/jsonl"}}}, ("files/jsonl",)),
        (
            {
                "batch": {
                    "input_config": {
                        "requests": {"requests": [{"request": {"cachedContent": "cachedContents/c"}}]}
                    }
                }
            },
            ("cachedContents/c",),
        ),
        ({"fileName": "files/abc"}, ("files/abc",)),
        ({"previous_interaction_id": "v1_abc"}, ("interactions/v1_abc",)),
        ({"previousInteractionId": "interactions/i"}, ("interactions/i",)),
        ({"input": [{"type": "document", "uri": HOST + "files/doc"}]}, ("files/doc",)),
        ({"contents": [{"parts": [{"functionCall": {"args": {"fileUri": "files/said"}}}]}]}, ()),
        ({"contents": [{"parts": [{"functionResponse": {"response": {"uri": "files/said"}}}]}]}, ()),
        (
            {"contents": [{"parts": [{"fileData": {"fileUri": HOST + "files/abc:download?alt=media"}}]}]},
            ("files/abc",),
        ),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://bucket/files/abc"}}]}]}, ()),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://example.com/files/report"}}]}]}, ()),
        ({"contents": [3, {"parts": [None, {"fileData": 7}]}], "cachedContent": {}}, ()),
    ],
)
def test_the_objects_a_body_names_are_found(body: dict[str, Any], names: tuple[str, ...]) -> None:
    assert references(body) == names


@pytest.mark.parametrize(
    ("body", "may"),
    [
        ({}, False),
        ({"contents": [{"parts": [{"text": "fileUri"}, {"inlineData": {}}]}]}, False),
        ({"contents": {"parts": {"file_data": {}}}}, True),
        ({"contents": [{"parts": [{"text": "a"}, {"fileData": {}}]}]}, True),
        ({"contents": [{"parts": [{"functionResponse": {}}]}]}, True),
        ({"system_instruction": {"parts": [{"fileData": {}}]}}, True),
        ({"cachedContent": "x"}, True),
        ({"continuation_token": "x"}, True),
        ({"tools": [{"googleSearch": {}}, {"file_search": {}}]}, True),
        ({"tools": 3, "contents": [None, [3]], "systemInstruction": "x"}, False),
    ],
)
def test_most_bodies_name_nothing_at_a_glance(body: dict[str, Any], may: bool) -> None:
    assert may_reference(body) is may
    if not has_rare_parts(body.get("contents")):
        assert may_reference_beside(body) is may


@pytest.mark.parametrize("field", ["thoughtSignature", "thought_signature", "fileData", "function_response"])
def test_parts_that_name_or_sign_are_seen_at_a_glance(field: str) -> None:
    assert has_rare_parts([{"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}, {field: "c"}]}])
    assert not has_rare_parts([{"parts": [{"text": field, "inlineData": {field: "c"}}], field: "c"}])


@given(name=st.sampled_from(["candidateCount", "candidate_count"]), escaped=st.sets(st.integers(0, 14)))
def test_who_asks_for_several_candidates_is_seen_however_it_is_written(name: str, escaped: set[int]) -> None:
    written = "".join(f"\\u{ord(letter):04x}" if at in escaped else letter for at, letter in enumerate(name))
    body = f'{{"generationConfig":{{"{written}":2}}}}'.encode()

    assert orjson.loads(body) == {"generationConfig": {name: 2}}
    assert may_ask_several(body)


def test_a_request_for_one_answer_asks_for_no_several() -> None:
    text = '{"contents":[{"parts":[{"text":"\\u4e00 a \\"quoted\\" C:\\\\users"}]}],"generationConfig":{}}'

    assert orjson.loads(text)
    assert not may_ask_several(text.encode())


def test_a_continuation_is_known_by_its_digest() -> None:
    long = "t" * 5000

    (name,) = references({"continuationToken": long})

    assert name.startswith("continuations/")
    assert len(name) < 100
    assert references({"continuation_token": long}) == (name,)


def test_a_body_nested_without_end_is_not_followed_for_ever() -> None:
    body: dict[str, Any] = {"fileUri": "files/deep"}
    for _ in range(100):
        body = {"inner": [body]}

    assert references(body) == ()
