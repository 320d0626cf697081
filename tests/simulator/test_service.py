"""The simulated Gemini answers as the real one: good answers, refusals, keys, quotas."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.simulator.world import (
    KeyHealth,
    Project,
    Quota,
    SimulatedKey,
    SimulatedModel,
    demo_world,
    world_of,
)
from tests.simulator.asking import KEY, Asker, parts_of, plain_world, text_of, user

HELLO = {"contents": [user("Hello there, what is this?")]}
WEATHER = {
    "functionDeclarations": [
        {
            "name": "get_weather",
            "description": "Look up rain and sun",
            "parameters": {
                "type": "OBJECT",
                "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}},
            },
        }
    ]
}


@pytest.fixture
def asker() -> Asker:
    return Asker()


# Good answers.


def test_a_plain_answer_is_whole(asker: Asker) -> None:
    reply = asker.generate(HELLO)
    (candidate,) = reply["candidates"]
    assert candidate["finishReason"] == "STOP"
    assert "Hello there" in text_of(reply)
    usage = reply["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert reply["modelVersion"] == "gemini-3.5-flash"
    assert reply["responseId"]


def test_the_same_world_gives_the_same_answers() -> None:
    assert Asker().generate(HELLO) == Asker().generate(HELLO)
    assert Asker().generate(HELLO) != Asker(plain_world(seed=2)).generate(HELLO)


def test_a_chinese_question_is_answered_in_chinese(asker: Asker) -> None:
    assert "你好" in text_of(asker.generate({"contents": [user("你好，请介绍一下自己")]}))


@pytest.mark.parametrize("query", ["?alt=sse", ""])
@pytest.mark.parametrize("model", ["gemini-3.5-flash", "gemini-3.8-flash", "gemini-2.5-flash-lite"])
def test_a_stream_says_the_same_in_several_events(asker: Asker, query: str, model: str) -> None:
    events = asker.stream(HELLO, query=query, model=model)
    assert len(events) > 3
    assert "".join(map(text_of, events)) == text_of(asker.generate(HELLO, model=model))
    assert [event["candidates"][0].get("finishReason") for event in events] == [None] * (len(events) - 1) + [
        "STOP"
    ]
    totals = [event["usageMetadata"]["totalTokenCount"] for event in events]
    assert totals == sorted(totals)


def test_the_two_forms_are_framed_as_googles(asker: Asker) -> None:
    sse = b"".join(asker.send("/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse", HELLO).pieces)
    assert sse.startswith(b"data: {")
    assert sse.endswith(b"}\r\n\r\n")
    array = b"".join(asker.send("/v1beta/models/gemini-3.5-flash:streamGenerateContent", HELLO).pieces)
    assert array.startswith(b"[{\n")
    assert b"}\r\n,\r\n{" in array
    assert array.endswith(b"}\r\n]")
    assert len(orjson.loads(array)) > 3


def test_a_thinking_model_counts_its_thoughts_and_shows_them_when_asked(asker: Asker) -> None:
    reply = asker.generate(HELLO, model="gemini-3.8-flash")
    assert reply["usageMetadata"]["thoughtsTokenCount"] > 0
    assert not any(part.get("thought") for part in parts_of(reply))
    asked = HELLO | {
        "generationConfig": {"thinking_config": {"include_thoughts": True, "thinkingLevel": "LOW"}}
    }
    thought, answer = parts_of(asker.generate(asked, model="gemini-3.8-flash"))
    assert thought["thought"] is True
    assert answer["thoughtSignature"]
    last = asker.stream(asked, model="gemini-3.8-flash")[-1]
    assert parts_of(last)[0]["text"] == ""
    assert parts_of(last)[0]["thoughtSignature"]


@pytest.mark.parametrize("tool", ["googleSearch", "google_search"])
def test_a_search_is_grounded_with_byte_offsets(asker: Asker, tool: str) -> None:
    reply = asker.generate({"contents": [user("巴黎天气")], "tools": [{tool: {}}]})
    grounding = reply["candidates"][0]["groundingMetadata"]
    (support,) = grounding["groundingSupports"]
    assert support["segment"]["endIndex"] == len(text_of(reply).encode())
    assert grounding["webSearchQueries"]
    events = asker.stream({"contents": [user("weather")], "tools": [{tool: {}}]})
    assert "groundingMetadata" in events[-1]["candidates"][0]
    assert "groundingMetadata" not in events[0]["candidates"][0]


def test_max_tokens_and_stop_sequences_end_the_answer(asker: Asker) -> None:
    short = asker.generate(HELLO | {"generationConfig": {"maxOutputTokens": 5}})
    assert short["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert 0 < len(text_of(short)) <= 20
    starved = asker.generate(HELLO | {"generationConfig": {"max_output_tokens": 5}}, model="gemini-3.8-flash")
    assert starved["candidates"][0] == {
        "content": {"role": "model"},
        "finishReason": "MAX_TOKENS",
        "index": 0,
    }
    stopped = asker.generate(HELLO | {"generationConfig": {"stopSequences": ["what"]}})
    assert "what" not in text_of(stopped)
    assert stopped["candidates"][0]["finishReason"] == "STOP"


def test_json_is_answered_when_asked_for(asker: Asker) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "kind": {"enum": ["a", "b"]}}}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    reply = asker.generate({"contents": [user("Give me 7")], "generationConfig": config})
    assert orjson.loads(text_of(reply)) == {"n": 7, "kind": "a"}


# Tools.


def weather_turns(asker: Asker, **change: Any) -> list[dict[str, Any]]:
    """Ask, take the call (changed as told), answer it."""
    question = user("What is the weather in Paris?")
    reply = asker.generate({"contents": [question], "tools": [WEATHER]})
    (part,) = parts_of(reply)
    assert part["functionCall"]["name"] == "get_weather"
    assert part["functionCall"]["args"] == {"city": "Paris", "days": 1}
    part |= change
    call = part["functionCall"]
    response = {"id": call["id"], "name": call["name"], "response": {"output": "rain"}}
    return [
        question,
        {"role": "model", "parts": [part]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]


def test_a_tool_is_called_and_its_response_used(asker: Asker) -> None:
    reply = asker.generate({"contents": weather_turns(asker), "tools": [WEATHER]})
    assert 'get_weather answered {"output":"rain"}' in text_of(reply)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("", "400 Function call is missing a thought_signature in functionCall parts."),
        ("bm90IG91cnM=", "400 Corrupted thought signature."),
        ("not base64!", "400 Corrupted thought signature."),
    ],
)
def test_a_call_of_the_current_turn_needs_its_signature(asker: Asker, signature: str, message: str) -> None:
    body = {"contents": weather_turns(asker, thoughtSignature=signature), "tools": [WEATHER]}
    assert asker.generate(body).startswith(message)
    assert isinstance(asker.generate(body, model="gemini-2.5-flash-lite"), dict)


def test_the_placeholder_passes_for_a_signature(asker: Asker) -> None:
    turns = weather_turns(asker, thoughtSignature="skip_thought_signature_validator")
    assert text_of(asker.generate({"contents": turns, "tools": [WEATHER]}))


def test_calls_of_earlier_turns_need_no_signature(asker: Asker) -> None:
    turns = weather_turns(asker, thoughtSignature="")
    turns += [{"role": "model", "parts": [{"text": "Rain."}]}, user("Thanks!")]
    assert text_of(asker.generate({"contents": turns}))


def test_only_the_first_of_parallel_calls_is_signed_and_ids_differ(asker: Asker) -> None:
    tools = [{"functionDeclarations": [{"name": "get_weather"}, {"name": "get_time"}]}]
    events = asker.stream({"contents": [user("weather and time, please")], "tools": tools})
    first, second = parts_of(events[0])
    assert "thoughtSignature" in first
    assert "thoughtSignature" not in second
    assert first["functionCall"]["id"] != second["functionCall"]["id"]
    assert events[-1]["candidates"][0]["finishReason"] == "STOP"


def test_the_calling_mode_decides(asker: Asker) -> None:
    off_topic = {"contents": [user("Tell me a joke")], "tools": [WEATHER]}
    assert text_of(asker.generate(off_topic))
    forced = off_topic | {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    assert "functionCall" in parts_of(asker.generate(forced))[0]
    never = {
        "contents": [user("weather?")],
        "tools": [WEATHER],
        "tool_config": {"function_calling_config": {"mode": "NONE"}},
    }
    assert text_of(asker.generate(never))


def test_old_models_call_without_ids(asker: Asker) -> None:
    (part,) = parts_of(
        asker.generate({"contents": [user("weather?")], "tools": [WEATHER]}, model="gemini-2.5-flash-lite")
    )
    assert "id" not in part["functionCall"]
    assert "thoughtSignature" not in part


# Refusals.

CALL: dict[str, Any] = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESPONSE: dict[str, Any] = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (HELLO | {"foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
        (
            HELLO | {"messages": []},
            'Invalid JSON payload received. Unknown name "messages": Cannot find field.',
        ),
        (
            HELLO | {"generationConfig": {"max_tokens": 5}},
            "Invalid JSON payload received. Unknown name \"max_tokens\" at 'generation_config'",
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "a", "type": "text"}]}]},
            "Invalid JSON payload received. Unknown name \"type\" at 'contents[0].parts[0]'",
        ),
        ({}, "* GenerateContentRequest.contents: contents is not specified"),
        ({"contents": []}, "* GenerateContentRequest.contents: contents is not specified"),
        ({"contents": "hi"}, "Invalid value at 'contents'"),
        ([], "Invalid value at 'request'"),
        (
            {"contents": [{"role": "system", "parts": [{"text": "a"}]}]},
            "Please use a valid role: user, model.",
        ),
        ({"contents": [{"role": "user", "parts": []}]}, "* GenerateContentRequest.contents[0].parts"),
        (
            {"contents": [{"role": "user", "parts": [{}]}]},
            "* GenerateContentRequest.contents[0].parts[0].data",
        ),
        (
            {"contents": [{"parts": [{"text": 5}]}]},
            "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5",
        ),
        (HELLO | {"systemInstruction": "be kind"}, "Invalid value at 'system_instruction'"),
        (
            HELLO | {"generationConfig": {"temperature": "hot"}},
            "Invalid value at 'generation_config.temperature'",
        ),
        (
            HELLO | {"generationConfig": {"temperature": 3}},
            "* GenerateContentRequest.generation_config.temperature",
        ),
        (HELLO | {"generationConfig": {"candidateCount": 2}}, "Multiple candidates is not enabled"),
        (
            HELLO | {"generationConfig": {"stopSequences": list("abcdef")}},
            "* GenerateContentRequest.generation_config",
        ),
        (
            HELLO | {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "LOW"}}},
            "You can only set only one of thinking budget and thinking level.",
        ),
        (
            HELLO | {"tools": [{"type": "function"}]},
            "Invalid JSON payload received. Unknown name \"type\" at 'tools[0]'",
        ),
        (
            HELLO | {"tools": [{"functionDeclarations": [{"name": "a b"}]}]},
            "* GenerateContentRequest.tools[0]",
        ),
        (
            HELLO | {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"$schema": "x"}}]}]},
            'Invalid JSON payload received. Unknown name "$schema"',
        ),
        (
            {"contents": [user("a"), {"role": "model", "parts": [{"text": "b"}]}]},
            "Please ensure that multiturn requests ends",
        ),
        ({"contents": [RESPONSE]}, "Please ensure that function response turn comes immediately after"),
        ({"contents": [CALL, RESPONSE]}, "Please ensure that function call turn comes immediately after"),
        (
            {"contents": [user("a"), CALL, user("b")]},
            "Please ensure that the number of function response parts",
        ),
        (b"{not json", "Invalid JSON payload received."),
    ],
)
def test_a_clients_mistake_is_refused_in_googles_words(asker: Asker, body: Any, message: str) -> None:
    assert asker.generate(body).startswith(f"400 {message}")


def test_neighbours_of_one_role_are_one_turn(asker: Asker) -> None:
    assert "candidates" in asker.generate({"contents": [user("a"), user("b")]})


def test_an_unknown_model_or_verb_is_not_found_in_the_true_words(asker: Asker) -> None:
    assert asker.generate(HELLO, model="gpt-4o") == (
        "404 models/gpt-4o is not found for API version v1beta, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    assert asker.generate(HELLO, model="gemini-embedding-001").startswith(
        "404 models/gemini-embedding-001 is not found"
    )
    assert asker.ask("/v1/models/nothing")[0] == 404
    assert asker.send("/v1beta/gizmos", HELLO).content_type.startswith("text/html")
    assert asker.send("/v1beta/models/gemini-3.5-flash:generateContent").status == 404


def test_an_unknown_query_parameter_is_refused(asker: Asker) -> None:
    status, body = asker.ask("/v1beta/models?gateway_token=1")
    assert status == 400
    assert 'Unknown name "gateway_token": Cannot bind query parameter.' in body["error"]["message"]


def test_an_error_is_wrapped_in_the_array_form_only(asker: Asker) -> None:
    status, body = asker.ask("/v1beta/models/gemini-3.5-flash:streamGenerateContent", {"contents": []})
    assert (status, body[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")
    status, body = asker.ask(
        "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse", {"contents": []}
    )
    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")


# Other methods.


def test_models_are_listed_in_pages(asker: Asker) -> None:
    _, page = asker.ask("/v1beta/models?pageSize=3")
    _, rest = asker.ask(f"/v1beta/models?pageSize=50&pageToken={page['nextPageToken']}")
    assert len(page["models"]) == 3
    assert "nextPageToken" not in rest
    names = [model["name"] for model in page["models"] + rest["models"]]
    assert names == [f"models/{name}" for name in asker.world.models]
    assert asker.ask(f"/v1/{names[0]}")[1]["displayName"] == "Gemini 3.8 Flash"


@pytest.mark.parametrize(
    "body",
    [HELLO, {"generateContentRequest": HELLO | {"model": "models/gemini-3.5-flash", "tools": [WEATHER]}}],
)
def test_tokens_are_counted_in_both_forms(asker: Asker, body: Any) -> None:
    assert asker.ask("/v1beta/models/gemini-3.5-flash:countTokens", body)[1]["totalTokens"] > 0


def test_embeddings_have_the_length_asked_for(asker: Asker) -> None:
    target = "/v1beta/models/gemini-embedding-001"
    one = asker.ask(f"{target}:embedContent", {"content": {"parts": [{"text": "a"}]}})[1]["embedding"][
        "values"
    ]
    assert len(one) == 3072
    assert sum(value * value for value in one) == pytest.approx(1, abs=1e-4)
    request = {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "a"}]},
        "outputDimensionality": 8,
    }
    status, batch = asker.ask(f"{target}:batchEmbedContents", {"requests": [request, request]})
    assert status == 200
    assert [each["values"] for each in batch["embeddings"]] == [one[:8]] * 2
    status, refusal = asker.ask(f"{target}:batchEmbedContents", {"requests": [request | {"model": "other"}]})
    assert (status, refusal["error"]["status"]) == (400, "INVALID_ARGUMENT")


# Keys and quotas.


def test_every_sick_key_fails_in_its_own_way() -> None:
    spent = Project("3", {"*": Quota(per_day=20, spent_today=20)})
    asker = Asker(
        world_of(
            [
                SimulatedKey("bad", Project("1"), KeyHealth.INVALID),
                SimulatedKey("leaked", Project("1"), KeyHealth.LEAKED),
                SimulatedKey("suspended", Project("2", suspended=True)),
                SimulatedKey("spent", spent),
            ]
        )
    )
    answers = {
        key: asker.ask("/v1beta/models/gemini-3.5-flash:generateContent", HELLO, key=key)
        for key in asker.world.keys
    }
    assert {key: status for key, (status, _) in answers.items()} == {
        "bad": 400,
        "leaked": 403,
        "suspended": 403,
        "spent": 429,
    }
    assert answers["bad"][1]["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert "reported as leaked" in answers["leaked"][1]["error"]["message"]
    assert answers["suspended"][1]["error"]["details"][0]["metadata"]["containerInfo"] == "api_key:suspended"
    quota, retry = answers["spent"][1]["error"]["details"][1:]
    assert "PerDay" in quota["violations"][0]["quotaId"]
    assert retry["retryDelay"] == "45s"
    assert asker.ask("/v1beta/models", key="nobody")[1]["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_credentials_are_taken_from_their_header_or_the_query_only(asker: Asker) -> None:
    bearer = (("authorization", f"Bearer {KEY}"),)
    status, body = asker.ask("/v1beta/models", key=None, headers=bearer)
    assert (status, body["error"]["details"][0]["reason"]) == (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    status, body = asker.ask("/v1beta/models", headers=bearer)
    assert (status, body["error"]["message"][:38]) == (400, "Multiple authentication credentials re")
    assert asker.ask("/v1beta/models", key=None)[0] == 403
    assert asker.ask(f"/v1beta/models?key={KEY}", key=None)[0] == 200


def test_a_minutes_quota_slides_and_belongs_to_project_and_model() -> None:
    small = Project("1", {"*": Quota(per_minute=2)})
    asker = Asker(world_of([SimulatedKey("one", small), SimulatedKey("two", small)]))
    assert isinstance(asker.generate(HELLO, key="one"), dict)
    asker.now_s += 20
    assert isinstance(asker.generate(HELLO, key="two"), dict)
    status, body = asker.ask("/v1beta/models/gemini-3.5-flash:generateContent", HELLO, key="one")
    assert status == 429
    assert "PerMinute" in body["error"]["details"][1]["violations"][0]["quotaId"]
    assert body["error"]["details"][2]["retryDelay"] == "40s"
    assert isinstance(asker.generate(HELLO, key="one", model="gemini-3.8-flash"), dict)
    asker.now_s += 40
    assert isinstance(asker.generate(HELLO, key="one"), dict)
    assert asker.generate(HELLO, key="one").startswith("429")


def test_a_days_quota_comes_back_at_midnight_in_california() -> None:
    asker = Asker(world_of([SimulatedKey(KEY, Project("1", {"*": Quota(per_day=20, spent_today=20)}))]))
    asker.now_s = datetime(2026, 7, 1, 6, 59, 59, tzinfo=UTC).timestamp()  # 23:59:59 there, in summer
    assert asker.generate(HELLO).startswith("429")
    asker.now_s += 1
    assert isinstance(asker.generate(HELLO), dict)


def test_a_model_without_allowance_says_limit_0() -> None:
    project = Project("1", {"gemini-3.1-pro-preview": Quota(per_minute=0, per_day=0)})
    asker = Asker(world_of([SimulatedKey(KEY, project)]))
    assert "limit: 0, model: gemini-3.1-pro-preview" in asker.generate(HELLO, model="gemini-3.1-pro-preview")
    assert isinstance(asker.generate(HELLO), dict)


def test_calls_that_cost_no_quota_are_not_counted() -> None:
    asker = Asker(world_of([SimulatedKey(KEY, Project("1", {"*": Quota(per_minute=1)}))]))
    for _ in range(3):
        assert asker.ask("/v1beta/models")[0] == 200
        assert asker.ask("/v1beta/models/gemini-3.5-flash:countTokens", HELLO)[0] == 200
    assert asker.generate({"contents": []}).startswith("400")
    assert isinstance(asker.generate(HELLO), dict)


def test_an_overloaded_model_refuses_now_and_then() -> None:
    model = SimulatedModel("busy", "Busy", 3.5, overloaded_every=3)
    asker = Asker(plain_world(models=(model,)))
    refused = [isinstance(asker.generate(HELLO, model="busy"), str) for _ in range(60)]
    assert 8 < sum(refused) < 35
    again = Asker(plain_world(models=(model,)))
    assert [isinstance(again.generate(HELLO, model="busy"), str) for _ in range(60)] == refused


def test_the_demo_has_keys_of_every_health_and_none_looks_real() -> None:
    asker = Asker(demo_world())
    outcomes = {
        key: asker.send("/v1beta/models/gemini-3.5-flash:generateContent", HELLO, key=key)
        for key in asker.world.secrets
    }
    assert sorted(answer.status for answer in outcomes.values()) == [200] * 5 + [400, 403, 403, 429]
    slow = [answer for answer in outcomes.values() if answer.first_byte_delay_s > 1]
    assert len(slow) == 1
    assert all(key.startswith("AQ.not-a-real-key-demo-") for key in outcomes)
    assert len({key[-4:] for key in outcomes}) == len(outcomes), "what logs show must tell them apart"
    hurried = Asker(asker.world.without_delays())
    assert all(
        hurried.send("/v1beta/models", key=key).first_byte_delay_s == 0 for key in hurried.world.secrets
    )
