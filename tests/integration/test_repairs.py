"""A 400 that a changed request may cure: the translated request is changed, and no key is blamed."""

import openai
import pytest

from gateway.pool.key import KeyState
from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.integration.running import TOKEN, RunningGateway

MODEL = "gemini-3.5-flash"


def ask(gateway: RunningGateway) -> str | None:
    with openai.OpenAI(api_key=TOKEN, base_url=f"{gateway.url}/v1", max_retries=0) as client:
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "hi"}],
            reasoning_effort="minimal",
        )
    return answer.choices[0].message.content


def levels(upstream: FakeUpstream) -> list[object]:
    return [
        seen.json.get("generationConfig", {}).get("thinkingConfig", {}).get("thinkingLevel")
        for seen in upstream.requests
    ]


def test_an_unsupported_thinking_level_becomes_the_nearest_and_is_remembered(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("MINIMAL"), times=1)

    assert ask(gateway) == "Hello from the fake upstream."
    assert ask(gateway) == "Hello from the fake upstream."

    assert levels(fake_upstream) == ["MINIMAL", "LOW", "LOW"]


def test_a_request_is_changed_a_few_times_and_no_more(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("MINIMAL"))

    with pytest.raises(openai.BadRequestError, match="Thinking level"):
        ask(gateway)

    assert levels(fake_upstream) == ["MINIMAL", "LOW", "MEDIUM", "HIGH", None]
    states = gateway.on_loop(lambda services: services.pool.counts(services.engine.wall_s()).keys)
    assert states[KeyState.ACTIVE] == 3


def test_what_did_not_help_is_not_remembered(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("MINIMAL"), times=5)
    with pytest.raises(openai.BadRequestError):
        ask(gateway)

    ask(gateway)

    assert levels(fake_upstream)[5:] == ["MINIMAL"]
