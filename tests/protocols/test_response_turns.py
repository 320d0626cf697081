"""What a response says comes back in the next request: the model gets it as it gave it, signed, in order."""

import itertools
from typing import Any

import pytest

from gateway.protocols.context import ChatOptions
from gateway.protocols.openai_request import encode_body, translate_chat
from gateway.protocols.responses_request import read_response_request
from tests.protocols.responses import CALL, reply, thought, translation, whole

OTHER_CALL = {"functionCall": {"name": "g", "args": {"b": 2}, "id": "g1"}}
TURNS = {
    "a call": [{**CALL, "thoughtSignature": "Y2FsbA=="}],
    "thoughts and calls": [thought("Hm"), {**CALL, "thoughtSignature": "Y2FsbA=="}, OTHER_CALL],
    "a text and calls": [{"text": "So:"}, {**CALL, "thoughtSignature": "Y2FsbA=="}, OTHER_CALL],
    "a text": [thought("Hm"), {"text": "Yes", "thoughtSignature": "dGV4dA=="}],
    "a text alone": [{"text": "Yes", "thoughtSignature": "dGV4dA=="}],
}


def sent_back(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The model's turns as they go upstream in the request after it."""
    outputs = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "ok"}
        for item in items
        if item["type"] == "function_call"
    ]
    said = [{"role": "user", "content": "Go on."}, *items, *outputs, {"role": "user", "content": "And?"}]
    request = read_response_request({"model": "gemini-3.5-flash", "input": said})
    numbers = itertools.count()
    options = ChatOptions(show_thoughts=False, new_id=lambda: str(next(numbers)))
    body: Any = translate_chat(request.chat, options=options).body
    assert encode_body(body)
    return [part for content in body["contents"] if content["role"] == "model" for part in content["parts"]]


def without_thoughts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for part in parts if not part.get("thought")]


def as_given(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parts without the ids of calls, which the gateway gave where the model gave none."""
    return [
        {**part, "functionCall": {name: part["functionCall"][name] for name in ("name", "args")}}
        if "functionCall" in part
        else part
        for part in parts
    ]


@pytest.mark.parametrize("parts", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_turn_that_comes_back_whole_is_the_models_own(parts: list[dict[str, Any]], encrypted: bool) -> None:
    output = whole(translation(encrypted=encrypted), reply(*parts))["output"]

    assert as_given(sent_back(output)) == as_given(without_thoughts(parts))


@pytest.mark.parametrize("parts", TURNS.values(), ids=TURNS)
def test_encrypted_reasoning_alone_signs_a_turn(parts: list[dict[str, Any]]) -> None:
    """Some clients drop the members they do not know, and signatures may be too long for ids."""
    output = whole(translation(encrypted=True, signatures_in_ids=False), reply(*parts))["output"]
    for item in output:
        item.pop("extra_content", None)

    assert as_given(sent_back(output)) == as_given(without_thoughts(parts))


def test_pictures_come_back_with_their_signatures() -> None:
    picture = {
        "inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAAN"},
        "thoughtSignature": "cGljdA==",
    }
    parts: list[dict[str, Any]] = [{"text": "Look", "thoughtSignature": "dGV4dA=="}, picture]
    output = whole(translation(encrypted=True), reply(*parts))["output"]
    bare = [{name: item[name] for name in item if name != "extra_content"} for item in output]

    assert sent_back(output) == sent_back(bare) == parts
