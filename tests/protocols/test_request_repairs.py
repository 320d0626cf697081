"""A repaired request differs where it must, the first one stays as it was, and what it teaches is kept."""

import copy
from typing import Any

import pytest

from gateway.protocols.failure_kinds import Repair
from gateway.protocols.request_repairs import NOTHING_LEARNED, Lessons, repaired, with_lessons
from gateway.protocols.shapes import GenerateContentRequest
from gateway.protocols.signatures import PLACEHOLDER

SCHEMA = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": False}
PLAIN_SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}
JSON_WORDS = "Answer with JSON only: no other text, and no code fence around it."


def a_request(**more: Any) -> GenerateContentRequest:
    request: Any = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], **more}
    kept: GenerateContentRequest = request
    return kept


def config(**members: Any) -> GenerateContentRequest:
    return a_request(generationConfig=members)


def thinking(**members: Any) -> GenerateContentRequest:
    return config(thinkingConfig=members)


FUNCTIONS = {"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}
PLAIN_FUNCTIONS = {"functionDeclarations": [{"name": "f", "parameters": PLAIN_SCHEMA}]}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
SIGNED = {"functionCall": {}, "thoughtSignature": "real"}
ANSWERED = {"role": "model", "parts": [{"text": "so"}]}

ROWS: list[tuple[Repair, GenerateContentRequest, GenerateContentRequest]] = [
    (
        Repair.SIGNATURE,
        a_request(contents=[{"role": "model", "parts": [SIGNED]}]),
        a_request(contents=[{"role": "model", "parts": [{**SIGNED, "thoughtSignature": PLACEHOLDER}]}]),
    ),
    (Repair.THINKING_LEVEL, thinking(thinkingLevel="MINIMAL"), thinking(thinkingLevel="LOW")),
    (Repair.THINKING_LEVEL, thinking(thinkingLevel="MEDIUM"), thinking(thinkingLevel="HIGH")),
    (Repair.THINKING_LEVEL, thinking(thinkingLevel="XHIGH"), thinking(thinkingLevel="HIGH")),
    (Repair.THINKING_LEVEL, thinking(thinkingLevel="UNHEARD_OF"), config()),
    (Repair.THINKING_OFF, thinking(thinkingBudget=0), thinking(thinkingBudget=128)),
    (Repair.THINKING_BUDGET, thinking(thinkingBudget=0), thinking(thinkingLevel="MINIMAL")),
    (Repair.THINKING_BUDGET, thinking(thinkingBudget=1024), thinking(thinkingLevel="LOW")),
    (Repair.THINKING_BUDGET, thinking(thinkingBudget=8192), thinking(thinkingLevel="MEDIUM")),
    (Repair.THINKING_BUDGET, thinking(thinkingBudget=24576), thinking(thinkingLevel="HIGH")),
    (Repair.THINKING_BUDGET, thinking(thinkingBudget=-1), config()),
    (Repair.THINKING, thinking(thinkingBudget=9, includeThoughts=True), thinking(includeThoughts=True)),
    (Repair.THINKING, thinking(includeThoughts=True), config()),
    (
        Repair.SYSTEM_INSTRUCTION,
        a_request(systemInstruction={"parts": [{"text": "s"}]}),
        a_request(contents=[{"role": "user", "parts": [{"text": "s"}, {"text": "x"}]}]),
    ),
    (Repair.SCHEMA, config(responseJsonSchema=SCHEMA), config(responseSchema=PLAIN_SCHEMA)),
    (Repair.SCHEMA, a_request(tools=[FUNCTIONS]), a_request(tools=[PLAIN_FUNCTIONS])),
    (
        Repair.JSON_MODE,
        config(responseMimeType="application/json"),
        a_request(systemInstruction={"parts": [{"text": JSON_WORDS}]}),
    ),
    (
        Repair.JSON_MODE,
        config(responseMimeType="application/json", responseJsonSchema={"type": "array"}, topK=1),
        a_request(
            generationConfig={"topK": 1},
            systemInstruction={
                "parts": [{"text": JSON_WORDS + ' It must fit this JSON Schema: {"type":"array"}'}]
            },
        ),
    ),
    (
        Repair.JSON_WITH_TOOLS,
        a_request(tools=[FUNCTIONS], generationConfig={"responseMimeType": "application/json", "topK": 1}),
        a_request(tools=[FUNCTIONS], generationConfig={"topK": 1}),
    ),
    (Repair.PENALTIES, config(presencePenalty=1, frequencyPenalty=1, seed=1), config(seed=1)),
    (Repair.SEED, config(presencePenalty=1, seed=1), config(presencePenalty=1)),
    (
        Repair.PREFILL,
        a_request(contents=[ANSWERED]),
        a_request(contents=[ANSWERED, {"role": "user", "parts": [{"text": "Continue."}]}]),
    ),
    (Repair.MEDIA_RESOLUTION, config(mediaResolution="MEDIA_RESOLUTION_LOW"), config()),
    (
        Repair.MEDIA_RESOLUTION,
        a_request(contents=[{"role": "user", "parts": [{**PICTURE, "mediaResolution": {"level": "x"}}]}]),
        a_request(contents=[{"role": "user", "parts": [PICTURE]}]),
    ),
    (Repair.SERVICE_TIER, a_request(serviceTier="flex"), a_request()),
    (
        Repair.TOOLS,
        a_request(
            tools=[FUNCTIONS, {"googleSearch": {}}],
            toolConfig={"includeServerSideToolInvocations": True},
        ),
        a_request(tools=[FUNCTIONS]),
    ),
]


@pytest.mark.parametrize(("repair", "request_", "expected"), ROWS)
def test_a_request_is_changed_as_the_repair_says(
    repair: Repair, request_: GenerateContentRequest, expected: GenerateContentRequest
) -> None:
    before = copy.deepcopy(request_)

    assert repaired(request_, repair) == expected
    assert request_ == before


@pytest.mark.parametrize("repair", list(Repair))
def test_nothing_to_change_is_said(repair: Repair) -> None:
    assert repaired(a_request(), repair) is None


@pytest.mark.parametrize(("repair", "request_"), [row[:2] for row in ROWS])
def test_a_repair_ends_when_it_is_repeated(repair: Repair, request_: GenerateContentRequest) -> None:
    lessons = NOTHING_LEARNED
    changed: GenerateContentRequest | None = request_
    for _ in range(8):
        if changed is None:
            return
        lessons = lessons.with_refusal(changed, repair)
        changed = repaired(changed, repair, refused_levels=lessons.levels)

    assert changed is None


def test_levels_that_were_refused_are_not_tried_again() -> None:
    refused = frozenset({"MINIMAL", "LOW", "MEDIUM"})

    assert repaired(thinking(thinkingLevel="LOW"), Repair.THINKING_LEVEL, refused_levels=refused) == thinking(
        thinkingLevel="HIGH"
    )
    assert (
        repaired(thinking(thinkingLevel="HIGH"), Repair.THINKING_LEVEL, refused_levels=refused | {"HIGH"})
        == config()
    )


def test_what_a_model_refused_is_changed_before_it_is_asked_again() -> None:
    lessons = NOTHING_LEARNED.with_refusal(thinking(thinkingLevel="MINIMAL"), Repair.THINKING_LEVEL)
    lessons = lessons.with_refusal(a_request(), Repair.SYSTEM_INSTRUCTION)
    asked = thinking(thinkingLevel="MINIMAL")
    asked["systemInstruction"] = {"parts": [{"text": "s"}]}

    changed = with_lessons(asked, lessons)

    assert changed["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "LOW"}}
    assert changed["contents"][0]["parts"] == [{"text": "s"}, {"text": "x"}]
    assert "systemInstruction" not in changed


def test_a_level_the_model_has_is_left_alone() -> None:
    lessons = Lessons(levels=frozenset({"MINIMAL"}))
    asked = thinking(thinkingLevel="HIGH")

    assert with_lessons(asked, lessons) is asked


@pytest.mark.parametrize(
    "repair", [Repair.SIGNATURE, Repair.SCHEMA, Repair.THINKING, Repair.SERVICE_TIER, Repair.SAFETY]
)
def test_what_depends_on_the_request_or_the_key_teaches_nothing_about_the_model(repair: Repair) -> None:
    assert NOTHING_LEARNED.with_refusal(a_request(), repair) == NOTHING_LEARNED
