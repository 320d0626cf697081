"""What becomes of a running call when its key dies: by another call's error, or by Google's own word."""

import pytest
from google import genai
from google.genai import errors, types

from gateway.pool.key import KeyState
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, TOKEN, RunningGateway

MODEL = "gemini-3.5-flash"


def client_of(gateway: RunningGateway) -> genai.Client:
    return genai.Client(
        api_key=TOKEN, http_options=types.HttpOptions(base_url=f"{gateway.url}/gemini/v1beta")
    )


def test_a_stream_outlives_the_death_of_its_key(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(API_KEYS=KEYS[0])
    held = fake_upstream.gate()
    first, *rest = gemini_replies.text_events("Hello ", "you.")
    fake_upstream.stream([first, held, *rest], times=1)
    fake_upstream.error(gemini_errors.leaked(), times=1)

    with client_of(gateway) as client:
        stream = client.models.generate_content_stream(model=MODEL, contents="hi")
        said = next(stream).text or ""
        with pytest.raises(errors.ServerError, match="503"):
            client.models.generate_content(model=MODEL, contents="hi")
        states = gateway.on_loop(lambda services: services.pool.counts(services.engine.wall_s()).keys)
        held.release()
        said += "".join(chunk.text or "" for chunk in stream)

    assert states[KeyState.DEAD] == 1
    assert said == "Hello you."


def test_a_key_killed_before_the_first_word_costs_the_client_nothing(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream(
        [{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": LEAKED}}], times=1
    )

    with client_of(gateway) as client:
        chunks = client.models.generate_content_stream(model=MODEL, contents="hi")
        said = "".join(chunk.text or "" for chunk in chunks)

    states = gateway.on_loop(lambda services: services.pool.counts(services.engine.wall_s()).keys)
    assert said == "Hello from the fake upstream."
    assert states[KeyState.DEAD] == 1


LEAKED = "Your API key was reported as leaked. Please use another API key."
