"""What openai 1.x makes of the gateway: run by the interpreter of .venv-old, prints one JSON object.

    python openai_flows.py GATEWAY_URL TOKEN MODEL

Knows nothing of the project; tests/sdk/test_old_generation.py judges what is printed.
"""

import asyncio
import base64
import json
import sys
from typing import Any

import openai


def main(url: str, token: str, model: str) -> None:
    # Any: the types beside the project are those of the current generation.
    client: Any = openai.OpenAI(api_key=token, base_url=f"{url}/v1")
    hello = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a gateway?"}]
    tools = [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Tells the weather in a city.",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            },
        }
    ]
    create = client.chat.completions.create
    found: dict[str, Any] = {"version": openai.__version__}

    answer = create(model=model, messages=hello)
    found["answer"] = answer.choices[0].message.content
    found["finish"] = answer.choices[0].finish_reason
    found["tokens"] = answer.usage.total_tokens

    chunks = list(create(model=model, messages=hello, stream=True, stream_options={"include_usage": True}))
    found["streamed"] = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    found["pieces"] = len(chunks)
    found["streamed_tokens"] = chunks[-1].usage.total_tokens

    ask = [{"role": "user", "content": "The weather in Paris?"}]
    first = create(model=model, messages=ask, tools=tools).choices[0]
    call = first.message.tool_calls[0]
    found["call"] = [first.finish_reason, call.function.name, json.loads(call.function.arguments)]
    plain_call = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": call.function.arguments},
    }
    history = [
        *ask,
        {"role": "assistant", "content": None, "tool_calls": [plain_call]},
        {"role": "tool", "tool_call_id": call.id, "content": "blue sky"},
    ]
    found["after_tool"] = create(model=model, messages=history, tools=tools).choices[0].message.content

    with client.beta.chat.completions.stream(model=model, messages=ask, tools=tools) as stream:
        found["helper_calls"] = [
            tool_call.function.name
            for tool_call in stream.get_final_completion().choices[0].message.tool_calls
        ]

    vectors = client.embeddings.create(model="gemini-embedding-001", input=["one", "two"], dimensions=8)
    found["vectors"] = [len(each.embedding) for each in vectors.data]
    found["completed"] = client.completions.create(model=model, prompt="What is a gateway?").choices[0].text
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.", response_format="wav")
    found["spoken"] = spoken.content[:4].decode()
    heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", spoken.content))
    found["heard"] = bool(heard.text)
    painted = client.images.generate(model="gpt-image-1", prompt="A kitten", n=2, size="1536x1024")
    found["painted"] = [each.b64_json[:8] for each in painted.data]
    kitten = ("a.png", base64.b64decode(painted.data[0].b64_json), "image/png")
    changed = client.images.edit(model="gpt-image-1", image=[kitten, kitten], prompt="A hat")
    found["changed"] = [each.b64_json[:8] for each in changed.data]
    relayed: Any = openai.OpenAI(api_key=token, base_url=f"{url}/openai/v1")
    found["relayed"] = relayed.chat.completions.create(model=model, messages=hello).choices[0].message.content

    found["models"] = [each.id for each in client.models.list()]
    found["model"] = client.models.retrieve(model).id

    found["errors"] = {}
    for name, token_used, model_used in (("token", "sk-wrong", model), ("model", token, "gemini-9-nowhere")):
        other: Any = openai.OpenAI(api_key=token_used, base_url=f"{url}/v1")
        try:
            other.chat.completions.create(model=model_used, messages=hello)
        except openai.APIStatusError as error:
            found["errors"][name] = [type(error).__name__, error.status_code, error.message]

    found["async"] = asyncio.run(ask_async(url, token, model, hello))
    sys.stdout.write(json.dumps(found))


async def ask_async(url: str, token: str, model: str, messages: Any) -> str:
    async with openai.AsyncOpenAI(api_key=token, base_url=f"{url}/v1") as client:
        stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


if __name__ == "__main__":
    main(*sys.argv[1:])
