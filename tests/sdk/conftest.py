"""Official SDKs against a whole gateway: over the strict simulator (shared) or the scriptable fake."""

from collections.abc import Iterator

import openai
import pytest
from google import genai

from tests.integration.conftest import front, gateway, start_gateway
from tests.integration.running import RunningGateway
from tests.sdk.clients import google_client, openai_client
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

__all__ = ["front", "gateway", "start_gateway"]


@pytest.fixture(scope="session", params=["llhttp", "tornado"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway over the simulated Gemini, one for all tests on each front; they only make calls."""
    settings = {"API_KEYS": ",".join(KEYS), "VERTEX_API_KEYS": KEYS[0], "HTTP_FRONT": str(request.param)}
    with SimulatedUpstream(small_world()) as upstream:
        settings["VERTEX_EXPRESS_BASE_URL"] = f"{upstream.url}1/publishers/google"
        with RunningGateway(tmp_path_factory.mktemp("house"), upstream.url, settings) as running:
            yield running


@pytest.fixture
def openai_sdk(house: RunningGateway) -> Iterator[openai.OpenAI]:
    """OpenAI's client, as its users make it, over the simulated Gemini."""
    with openai_client(house) as client:
        yield client


@pytest.fixture
def google_sdk(house: RunningGateway) -> Iterator[genai.Client]:
    """Google's client with the address from the project's documents, over the simulated Gemini."""
    with google_client(house) as client:
        yield client


@pytest.fixture
def openai_on_fake(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    """OpenAI's client over the scriptable upstream; it does not retry, so that a test counts calls."""
    with openai_client(gateway, max_retries=0) as client:
        yield client


@pytest.fixture
def google_on_fake(gateway: RunningGateway) -> Iterator[genai.Client]:
    """Google's client over the scriptable upstream."""
    with google_client(gateway) as client:
        yield client
