"""Server-side objects named in native bodies are found in either spelling."""

from typing import Any

import pytest

from gateway.protocols.gemini_request import may_reference, references

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
            ("cachedContents/c1", "files/r", "files/s"),
        ),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://youtu.be/x"}}]}]}, ()),
        ({"contents": [3, {"parts": [None, {"fileData": 7}]}], "cachedContent": {}}, ()),
    ],
)
def test_the_objects_a_body_names_are_found(body: dict[str, Any], names: tuple[str, ...]) -> None:
    assert references(body) == names


@pytest.mark.parametrize(
    ("body", "may"),
    [(b'{"contents":[]}', False), (b'{"file_uri":1}', True), (b'{"cachedContent":"x"}', True)],
)
def test_most_bodies_need_not_be_parsed(body: bytes, may: bool) -> None:
    assert may_reference(body) is may
