"""OpenAI's client on models that refuse what others take: requests are adapted, and what helped is kept."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.simulator.world import Project, Refusal, SimulatedKey, SimulatedModel, world_of
from tests.integration.running import RunningGateway
from tests.sdk.clients import openai_client
from tests.sdk.simulated import KEYS, SimulatedUpstream

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PICTURE: Any = {
    "type": "image_url",
    "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
}


def budget(tokens: int) -> dict[str, Any]:
    return {"extra_body": {"google": {"thinking_config": {"thinking_budget": tokens}}}}


CASES: list[tuple[Refusal, dict[str, Any]]] = [
    (Refusal.SYSTEM_INSTRUCTION, {}),
    (Refusal.THINKING, {"reasoning_effort": "low"}),
    (Refusal.THINKING_BUDGET, budget(1024)),
    (Refusal.THINKING_OFF, budget(0)),
    (Refusal.JSON_SCHEMA, {"response_format": SCHEMA}),
    (Refusal.JSON_SCHEMA, {"tools": [TOOL]}),
    (Refusal.JSON_MODE, {"response_format": SCHEMA}),
    (Refusal.PENALTIES, {"presence_penalty": 0.5}),
    (Refusal.SEED, {"seed": 7}),
    (Refusal.MEDIA_RESOLUTION, {"messages": [{"role": "user", "content": [PICTURE]}]}),
    (Refusal.MIXED_TOOLS, {"tools": [TOOL], "web_search_options": {}}),
    (Refusal.BUILT_IN_TOOLS, {}),  # the operator's own: code execution is on below
]
OF_THE_REQUEST_ALONE = {Refusal.JSON_SCHEMA, Refusal.THINKING}
"""What says nothing about the model's next request."""


def model_that_refuses(refusal: Refusal) -> str:
    return f"gemini-3.6-without-{refusal.name.lower().replace('_', '-')}"


STUBBORN = SimulatedModel(
    "gemini-3.6-stubborn",
    "Stubborn",
    3.6,
    levels=("HIGH",),
    refuses=frozenset({Refusal.SYSTEM_INSTRUCTION, Refusal.SEED}),
)


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    models = [
        SimulatedModel(model_that_refuses(each), "", 3.6, refuses=frozenset({each})) for each in Refusal
    ]
    world = world_of([SimulatedKey(KEYS[0], Project("104857600001"))], (*models, STUBBORN))
    settings = {"API_KEYS": KEYS[0], "TOOLS_CODE_EXECUTION_ENABLED": "true", "SHOW_THINKING_PROCESS": "false"}
    with (
        SimulatedUpstream(world) as upstream,
        RunningGateway(tmp_path_factory.mktemp("unwilling"), upstream.url, settings) as running,
    ):
        yield running


def attempts(client: openai.OpenAI, model: str, fields: dict[str, Any]) -> int:
    """Ask, and give how many attempts the answer took."""
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Weather in Paris?"}]
    asked: Any = {"model": model, "messages": messages, **fields}
    raw = client.chat.completions.with_raw_response.create(**asked)
    message = raw.parse().choices[0].message
    assert message.content or message.tool_calls
    return int(raw.headers["x-gateway-attempts"])


def test_requests_are_adapted_to_what_a_model_refuses(gateway: RunningGateway) -> None:
    first: dict[str, int] = {}
    again: dict[str, int] = {}
    with openai_client(gateway, max_retries=0) as client:
        for refusal, fields in CASES:
            case = f"{refusal.name} {[*fields]}"
            first[case] = attempts(client, model_that_refuses(refusal), fields)
            again[case] = attempts(client, model_that_refuses(refusal), fields)

    assert first == dict.fromkeys(first, 2)
    assert again == {
        f"{refusal.name} {[*fields]}": 2 if refusal in OF_THE_REQUEST_ALONE else 1
        for refusal, fields in CASES
    }


def test_a_model_that_refuses_much_is_known_after_one_call(gateway: RunningGateway) -> None:
    with openai_client(gateway, max_retries=0) as client:
        assert attempts(client, STUBBORN.id, {"reasoning_effort": "medium", "seed": 1}) == 4
        assert attempts(client, STUBBORN.id, {"reasoning_effort": "medium", "seed": 1}) == 1
        assert attempts(client, STUBBORN.id, {"reasoning_effort": "high"}) == 1
