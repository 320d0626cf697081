"""Which pictures of a reply can be put elsewhere, and what stands there then."""

from typing import Any

import pytest

from gateway.protocols.media import Media
from gateway.protocols.reply_pictures import pictures_in, place

PICTURE: dict[str, Any] = {
    "inlineData": {"mimeType": "image/png", "data": "AAAA"},
    "thoughtSignature": "c2ln",
}


def reply(*parts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}}]}


def test_pictures_of_the_answer_are_found_in_order() -> None:
    other = {"inlineData": {"mimeType": "image/webp", "data": "BBBB"}}

    found = pictures_in(reply({"text": "see"}, PICTURE, other))

    assert [picture for _, picture in found] == [Media("image/png", "AAAA"), Media("image/webp", "BBBB")]


@pytest.mark.parametrize(
    "part",
    [
        {**PICTURE, "thought": True},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        {"inlineData": {"mimeType": "image/png"}},
        {"inlineData": {"mimeType": 5, "data": "AAAA"}},
        {"inlineData": "AAAA"},
        {"text": "![image](data:image/png;base64,AAAA)"},
        "no part",
    ],
)
def test_drafts_sounds_and_nonsense_are_none(part: Any) -> None:
    assert pictures_in(reply(part)) == []


@pytest.mark.parametrize(
    "strange", [{}, {"candidates": 5}, {"candidates": [5]}, {"candidates": [{"content": []}]}]
)
def test_replies_of_any_shape_are_looked_at(strange: dict[str, Any]) -> None:
    assert pictures_in(strange) == []


def test_the_address_stands_where_the_picture_was() -> None:
    whole = reply({"text": "see"}, dict(PICTURE))
    ((part, picture),) = pictures_in(whole)

    place(part, picture, "https://host.example/1.png")

    stored = {"mimeType": "image/png", "fileUri": "https://host.example/1.png"}
    assert whole == reply({"text": "see"}, {"thoughtSignature": "c2ln", "fileData": stored})
