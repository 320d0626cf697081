"""The SDKs' clients as users make them, pointed at a running gateway."""

import openai
from google import genai
from google.genai import types

from tests.integration.running import TOKEN, RunningGateway

MODEL = "gemini-3.5-flash"
THINKING_MODEL = "gemini-3.8-flash"
EMBEDDING_MODEL = "gemini-embedding-001"
NO_MODEL = "gemini-9-nowhere"


def openai_client(gateway: RunningGateway, path: str = "/v1", *, max_retries: int = 2) -> openai.OpenAI:
    return openai.OpenAI(api_key=TOKEN, base_url=f"{gateway.url}{path}", max_retries=max_retries)


def async_openai_client(gateway: RunningGateway) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=TOKEN, base_url=f"{gateway.url}/v1")


def google_client(
    gateway: RunningGateway, path: str = "/gemini/v1beta", *, api_version: str | None = None
) -> genai.Client:
    options = types.HttpOptions(base_url=f"{gateway.url}{path}", api_version=api_version)
    return genai.Client(api_key=TOKEN, http_options=options)
