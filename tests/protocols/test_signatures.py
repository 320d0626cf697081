"""Signatures survive the way to the client and back, or are known to be lost."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.protocols import signatures
from gateway.protocols.shapes import Content, GenerateContentRequest

IDS = st.text("abcXYZ019_", min_size=1, max_size=40)
SIGNATURES = st.binary(min_size=1, max_size=600).map(lambda raw: base64.b64encode(raw).decode())


@given(IDS, SIGNATURES)
def test_a_packed_id_gives_back_both(call_id: str, signature: str) -> None:
    packed = signatures.pack_id(call_id, signature)

    assert signatures.unpack_id(packed) == (call_id, signature)
    assert packed.replace("-", "").replace("_", "").isalnum()


@given(IDS, SIGNATURES, st.data())
def test_a_packed_id_cut_short_gives_no_signature(call_id: str, signature: str, data: st.DataObject) -> None:
    packed = signatures.pack_id(call_id, signature)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]

    assert signatures.unpack_id(cut)[1] is None


@given(st.text(max_size=60))
def test_any_id_can_be_unpacked(client_id: str) -> None:
    signatures.unpack_id(client_id)


@pytest.mark.parametrize("signature", [None, "", "not base64!", "abc", "A" * 2052, signatures.PLACEHOLDER])
def test_what_is_no_fit_signature_stays_out_of_the_id(signature: str | None) -> None:
    assert signatures.pack_id("call_1", signature) == "call_1"


def test_only_the_first_unsigned_call_of_a_step_gets_the_placeholder() -> None:
    contents: list[Content] = [
        {"role": "user", "parts": [{"text": "x"}]},
        {
            "role": "model",
            "parts": [{"text": "a"}, {"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "f"}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "h"}, "thoughtSignature": "real"}]},
    ]

    signatures.fill_placeholders(contents)

    found = [part.get("thoughtSignature") for content in contents for part in content["parts"]]
    assert found == [None, None, signatures.PLACEHOLDER, None, None, "real"]


def test_replacing_signatures_leaves_the_first_request_as_it_was() -> None:
    request: GenerateContentRequest = {
        "contents": [
            {"role": "model", "parts": [{"text": "t", "thoughtSignature": "x"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "y"}]},
        ]
    }

    changed = signatures.without_real_signatures(request)

    assert changed["contents"][0]["parts"] == [{"text": "t"}]
    assert changed["contents"][1]["parts"][0]["thoughtSignature"] == signatures.PLACEHOLDER
    assert request["contents"][1]["parts"][0]["thoughtSignature"] == "y"


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        (1, "m.extra_content"),
        ({"google": []}, "m.extra_content.google"),
        ({"google": {"thought_signature": 5}}, "m.extra_content.google.thought_signature"),
    ],
)
def test_extra_content_of_a_wrong_type_is_named(extra: object, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        signatures.read_extra_content({"extra_content": extra}, "m")

    assert refused.value.param == param
