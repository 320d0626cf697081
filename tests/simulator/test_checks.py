"""No body breaks the simulator: whatever is wrong with it, the answer is Google's 400."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.world import Refusal, SimulatedModel
from tests.simulator.asking import Asker, plain_world, user

GOOD: dict[str, Any] = {
    "contents": [
        user("weather in Paris?"),
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "x"}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": 2}}}]},
        {"role": "model", "parts": [{"text": "Rain."}]},
        user("And the time?"),
    ],
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "get_time",
                    "description": "the time",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {
                            "zone": {"type": "STRING", "enum": ["UTC"]},
                            "n": {"anyOf": [{"type": "INTEGER"}]},
                        },
                    },
                }
            ]
        },
        {"googleSearch": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}},
    "generationConfig": {
        "temperature": 1,
        "maxOutputTokens": 100,
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    },
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 5, -1.5, "", "text", [], {}, [5], [None], {"a": 1}, [[{}]], {"": None}]
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """List every (container, key) below `value`."""
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@settings(max_examples=600, deadline=None)
@given(
    odd=ODD,
    where=st.integers(0, 10_000),
    verb=st.sampled_from(["generateContent", "countTokens"]),
    tools=st.booleans(),
)
def test_any_member_may_be_anything(odd: Any, where: int, verb: str, tools: bool) -> None:
    body = copy.deepcopy(GOOD)
    if not tools:
        del body["tools"], body["toolConfig"]
    candidates = places(body)
    container, key = candidates[where % len(candidates)]
    container[key] = odd
    sent = body if verb == "generateContent" else {"generateContentRequest": body}
    status, answer = Asker().ask(f"/v1beta/models/gemini-3.5-flash:{verb}", sent)
    assert status in (200, 400)
    assert status == 200 or answer["error"]["status"] == "INVALID_ARGUMENT"


@settings(max_examples=200, deadline=None)
@given(odd=ODD, where=st.integers(0, 100), batch=st.booleans())
def test_any_member_of_an_embedding_may_be_anything(odd: Any, where: int, batch: bool) -> None:
    one: dict[str, Any] = {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "a"}]},
        "outputDimensionality": 8,
    }
    body: dict[str, Any] = {"requests": [one]} if batch else one
    candidates = places(body)
    container, key = candidates[where % len(candidates)]
    container[key] = odd
    verb = "batchEmbedContents" if batch else "embedContent"
    assert Asker().ask(f"/v1beta/models/gemini-embedding-001:{verb}", body)[0] in (200, 400)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30))
def test_any_bytes_may_be_the_body(body: bytes) -> None:
    assert Asker().ask("/v1beta/models/gemini-3.5-flash:generateContent", body)[0] == 400


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"category": "HARM_CATEGORY_RUDENESS", "threshold": "OFF"}], "HarmCategory"),
        ([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "MAYBE"}], "HarmBlockThreshold"),
        ([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}] * 2, "duplicate safety setting"),
    ],
)
def test_safety_settings_google_does_not_have_are_refused(rows: list[dict[str, str]], message: str) -> None:
    answer = Asker().generate({"contents": [user("Hi")], "safetySettings": rows})

    assert answer.startswith("400 ")
    assert message in answer


@pytest.mark.parametrize("refusal", list(Refusal))
def test_a_model_refuses_only_what_it_is_said_to_refuse(refusal: Refusal) -> None:
    model = SimulatedModel("unwilling", "Unwilling", 3.6, refuses=frozenset({refusal}))
    world = plain_world(models=(model,))

    assert Asker(world).generate({"contents": [user("Hi")]}, model="unwilling")["candidates"]
    assert Asker(world).generate(EVERYTHING, model="unwilling").startswith("400 ")


EVERYTHING: dict[str, Any] = {
    "contents": [user("Hi")],
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "tools": [
        {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]},
        {"googleSearch": {}},
    ],
    "generationConfig": {
        "presencePenalty": 1,
        "seed": 1,
        "responseMimeType": "application/json",
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "thinkingConfig": {"thinkingBudget": 0},
    },
}
