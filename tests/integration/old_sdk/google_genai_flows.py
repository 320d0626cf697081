"""What google-genai 1.x makes of the gateway: run by the interpreter of .venv-old, prints one JSON object.

    python google_genai_flows.py GATEWAY_URL TOKEN MODEL

Knows nothing of the project; tests/sdk/test_old_generation.py judges what is printed.
"""

import asyncio
import json
import sys
from typing import Any

from google import genai
from google.genai import errors, types

QUESTION = "What is a gateway?"


def get_weather(city: str) -> str:
    """Tells the weather in a city.

    Args:
      city: A city's name.
    """
    return f"blue sky over {city}"


def client_of(url: str, token: str) -> Any:
    # Any: the types beside the project are those of the current generation.
    return genai.Client(api_key=token, http_options=types.HttpOptions(base_url=url))


def main(url: str, token: str, model: str) -> None:
    found: dict[str, Any] = {"version": genai.__version__, "bases": {}}
    for path in ("", "/", "/gemini", "/gemini/v1beta"):
        client = client_of(url + path, token)  # kept: it closes its connections when it is collected
        answer = client.models.generate_content(model=model, contents=QUESTION)
        found["bases"][path] = answer.text
    client = client_of(f"{url}/gemini/v1beta", token)

    pieces = [
        chunk.text or "" for chunk in client.models.generate_content_stream(model=model, contents=QUESTION)
    ]
    found["streamed"] = "".join(pieces)
    found["pieces"] = len(pieces)

    with_tool = types.GenerateContentConfig(tools=[get_weather])
    chat = client.chats.create(model=model, config=with_tool)
    found["after_tool"] = chat.send_message("The weather in Paris?").text
    found["chat"] = chat.send_message("What did I ask?").text

    found["count"] = client.models.count_tokens(model=model, contents=QUESTION).total_tokens
    embedded = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"])
    found["embedded"] = [len(each.values) for each in embedded.embeddings]
    found["models"] = [each.name for each in client.models.list(config={"page_size": 3})]
    found["model"] = client.models.get(model=model).name

    found["errors"] = {}
    for name, token_used, model_used in (("token", "sk-wrong", model), ("model", token, "gemini-9-nowhere")):
        try:
            client = client_of(url, token_used)
            client.models.generate_content(model=model_used, contents=QUESTION)
        except errors.APIError as error:
            found["errors"][name] = [type(error).__name__, error.code, error.status]

    found["async"] = asyncio.run(ask_async(url, token, model))
    sys.stdout.write(json.dumps(found))


async def ask_async(url: str, token: str, model: str) -> str:
    client = client_of(url, token)
    stream = await client.aio.models.generate_content_stream(model=model, contents=QUESTION)
    return "".join([chunk.text or "" async for chunk in stream])


if __name__ == "__main__":
    main(*sys.argv[1:])
