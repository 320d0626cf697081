"""A 400 that a changed request may cure: the translated request is changed once, and no key is blamed."""

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


def test_an_unsupported_thinking_level_is_left_to_the_model(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("MINIMAL"), times=1)

    assert ask(gateway) == "Hello from the fake upstream."

    first, second = (seen.json for seen in fake_upstream.requests)
    assert first["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "MINIMAL"
    assert "thinkingLevel" not in second["generationConfig"].get("thinkingConfig", {})


def test_a_request_is_changed_only_once(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("MINIMAL"))

    with pytest.raises(openai.BadRequestError, match="Thinking level"):
        ask(gateway)

    assert len(fake_upstream.requests) == 2
    states = gateway.on_loop(lambda services: services.pool.counts(services.engine.wall_s()).keys)
    assert states[KeyState.ACTIVE] == 3
