"""A conversation is known again by the signatures it brings back, however the client spells them."""

from typing import Any

import pytest

from gateway.protocols.conversations import conversation_of, fingerprint, signature_of, signatures_in
from gateway.protocols.reply_signs import read_signs
from gateway.protocols.signatures import PLACEHOLDER

SIGNED = "EpQC+/a1=="


def turn(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


@pytest.mark.parametrize("spelling", ["EpQC+/a1==", "EpQC-_a1", "EpQC-_a1=="])
def test_a_signature_is_the_same_in_each_base64_alphabet(spelling: str) -> None:
    assert fingerprint(spelling) == fingerprint(SIGNED)
    assert fingerprint("another") != fingerprint(SIGNED)


@pytest.mark.parametrize("field", ["thoughtSignature", "thought_signature"])
def test_the_last_signature_tells_the_conversation(field: str) -> None:
    contents = [
        turn({"text": "a", field: "first"}),
        {"role": "user", "parts": [{"text": "go on"}]},
        turn({"functionCall": {"name": "f"}, field: SIGNED}, {"text": "unsigned"}),
        {"role": "user", "parts": [{"text": "and?"}]},
    ]

    assert conversation_of(contents) == fingerprint(SIGNED)


@pytest.mark.parametrize(
    "contents",
    [
        [],
        None,
        "text",
        [None, 1, {"parts": None}, {"parts": ["x", None]}],
        [turn({"text": "a"})],
        [turn({"text": "a", "thoughtSignature": PLACEHOLDER})],
        [turn({"text": "a", "thoughtSignature": 7})],
    ],
)
def test_without_a_real_signature_no_conversation_is_known(contents: object) -> None:
    assert conversation_of(contents) is None


def test_signatures_are_found_in_events_that_are_not_parsed() -> None:
    data = b'data: {"candidates":[{"content":{"parts":[{"text":"a","thoughtSignature": "one"}]}}]}\r\n\r\n'

    assert list(signatures_in(data * 2)) == ["one", "one"]
    assert list(signatures_in(b'data: {"text":"ignature"}')) == []
    assert list(signatures_in(b"nothing")) == []


def test_a_replys_signs_tell_its_signatures() -> None:
    reply = {"candidates": [{"content": turn({"text": "a", "thoughtSignature": "one"}, {"text": "b"})}]}
    later = {"candidates": [{"content": turn({"text": "", "thoughtSignature": "two"})}]}

    assert read_signs(reply).merged(read_signs(later)).signatures == ("one", "two")


def test_the_placeholder_is_no_signature() -> None:
    assert signature_of({"thoughtSignature": PLACEHOLDER}) is None
