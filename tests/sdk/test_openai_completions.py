"""The old completions as OpenAI's SDK asks for them: whole, streamed, several."""

import openai
import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, THINKING_MODEL, async_openai_client


def test_a_prompt_is_answered(openai_sdk: openai.OpenAI) -> None:
    answer = openai_sdk.completions.create(model=THINKING_MODEL, prompt="Once upon", max_tokens=400)

    (choice,) = answer.choices
    assert answer.object == "text_completion"
    assert "Once upon" in choice.text
    assert choice.finish_reason == "stop"
    assert answer.usage
    assert answer.usage.total_tokens > 0


async def test_a_stream_says_the_same_as_the_whole(house: RunningGateway) -> None:
    async with async_openai_client(house) as client:
        whole = await client.completions.create(model=MODEL, prompt="Tell me")
        stream = await client.completions.create(
            model=MODEL, prompt="Tell me", stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]

    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].text
    assert len(chunks) > 3
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == [
        "stop"
    ]
    assert chunks[-1].choices == []
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_several_prompts_have_several_choices(openai_sdk: openai.OpenAI, streamed: bool) -> None:
    prompts = ["first thing", "second thing"]
    if streamed:
        texts = dict.fromkeys(range(4), "")
        for chunk in openai_sdk.completions.create(model=MODEL, prompt=prompts, n=2, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        found = [texts[index] for index in range(4)]
    else:
        found = [
            each.text for each in openai_sdk.completions.create(model=MODEL, prompt=prompts, n=2).choices
        ]

    assert ["first" in text for text in found] == [True, True, False, False]


def test_what_fails_is_an_error_of_its_class(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        openai_sdk.completions.create(model=NO_MODEL, prompt="x")
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        openai_sdk.completions.create(model=NO_MODEL, prompt=["x", "y"])
    with pytest.raises(openai.BadRequestError, match="token ids"):
        openai_sdk.completions.create(model=MODEL, prompt=[1, 2, 3])
