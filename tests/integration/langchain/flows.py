"""What LangChain makes of the gateway: run by the interpreter of .venv-langchain, prints one JSON object.

    python flows.py GATEWAY_URL TOKEN MODEL

Each flow's value or error stands under its name. Knows nothing of the project; tests/sdk/test_langchain.py
judges what is printed.
"""

import asyncio
import importlib
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

# By name, because they live in .venv-langchain only, where no checker looks.
messages: Any = importlib.import_module("langchain_core.messages")
tools: Any = importlib.import_module("langchain_core.tools")
google: Any = importlib.import_module("langchain_google_genai")
openai: Any = importlib.import_module("langchain_openai")

QUESTION = "What is a gateway?"
WEATHER_QUESTION = "What are the weather and the time in Paris?"
EMBEDDING_MODEL = "gemini-embedding-001"
NO_MODEL = "gemini-9-nowhere"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WEATHER = {
    "title": "Weather",
    "description": "A report.",
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "number"}},
    "required": ["city", "degrees"],
}


def get_weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"blue weather over {type(city).__name__}"


def get_time(city: str) -> str:
    """Tells the time in a city."""
    return f"blue time in {type(city).__name__}"


TOOLS = {function.__name__: tools.tool(function) for function in (get_weather, get_time)}


def whole(chat: Any) -> Any:
    answer = chat.invoke(QUESTION)
    return {"text": answer.text, "usage": answer.usage_metadata}


def streamed(chat: Any) -> Any:
    chunks = list(chat.stream(QUESTION))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return {"text": total.text, "pieces": len(chunks), "usage": total.usage_metadata}


def streamed_async(chat: Any) -> Any:
    async def gather() -> str:
        return "".join([chunk.text async for chunk in chat.astream(QUESTION)])

    return asyncio.run(gather())


def loop(chat: Any) -> Any:
    able = chat.bind_tools(list(TOOLS.values()))
    history: list[Any] = [messages.HumanMessage(WEATHER_QUESTION)]
    first = able.invoke(history)
    history.append(first)
    history += [
        messages.ToolMessage(TOOLS[call["name"]].invoke(call["args"]), tool_call_id=call["id"])
        for call in first.tool_calls
    ]
    return {"names": [call["name"] for call in first.tool_calls], "answer": able.invoke(history).text}


def streamed_loop(chat: Any) -> Any:
    able = chat.bind_tools(list(TOOLS.values()))
    chunks = list(able.stream(WEATHER_QUESTION))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    results = [
        messages.ToolMessage(TOOLS[call["name"]].invoke(call["args"]), tool_call_id=call["id"])
        for call in total.tool_calls
    ]
    answer = "".join(
        chunk.text for chunk in able.stream([messages.HumanMessage(WEATHER_QUESTION), total, *results])
    )
    return {"names": [call["name"] for call in total.tool_calls], "answer": answer}


def structured(chat: Any) -> Any:
    return chat.with_structured_output(WEATHER, method="json_schema").invoke("The weather in Paris?")


def structured_by_function(chat: Any) -> Any:
    return chat.with_structured_output(WEATHER, method="function_calling").invoke(
        "The Weather report in Paris?"
    )


def picture(chat: Any) -> Any:
    content: list[str | dict[str, Any]] = [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
    ]
    return chat.invoke([messages.HumanMessage(content=content)]).text


Flow = Callable[[Any], Any]
CHAT_FLOWS: tuple[Flow, ...] = (
    whole,
    streamed,
    streamed_async,
    loop,
    streamed_loop,
    structured,
    structured_by_function,
    picture,
)


def embedded(embeddings: Any) -> Any:
    return [len(embeddings.embed_query("one")), *map(len, embeddings.embed_documents(["one", "two"]))]


def error(chat: Any) -> Any:
    try:
        chat.invoke(QUESTION)
    except Exception as raised:  # noqa: BLE001 - told as it is
        return {"names": [kind.__name__ for kind in type(raised).__mro__], "message": str(raised)}
    return {"names": [], "message": "no error"}


def main(url: str, token: str, model: str) -> None:
    common = {"api_key": token, "max_retries": 1}
    to_openai = {"base_url": f"{url}/v1", **common}
    to_google = {"base_url": f"{url}/gemini", **common}
    chats = {
        # With a base of its own it asks for a stream's usage only when told to.
        "openai": openai.ChatOpenAI(model=model, stream_usage=True, **to_openai),
        # By another address: for each it keeps one connection pool, which another event loop cannot use.
        "responses": openai.ChatOpenAI(
            model=model, use_responses_api=True, base_url=f"{url}/hf/v1", **common
        ),
        "google": google.ChatGoogleGenerativeAI(model=model, **to_google),
    }
    strangers = {
        "openai": openai.ChatOpenAI(model=NO_MODEL, **to_openai),
        "responses": openai.ChatOpenAI(model=NO_MODEL, use_responses_api=True, **to_openai),
        "google": google.ChatGoogleGenerativeAI(model=NO_MODEL, **to_google),
    }
    embeddings = {
        # Without this argument it sends token ids, which no Gemini model can read.
        "openai": openai.OpenAIEmbeddings(
            model=EMBEDDING_MODEL, check_embedding_ctx_length=False, **to_openai
        ),
        "google": google.GoogleGenerativeAIEmbeddings(
            model=EMBEDDING_MODEL, google_api_key=token, base_url=f"{url}/gemini"
        ),
    }
    flows: list[tuple[str, Flow, Any]] = [
        (name, flow, chat) for name, chat in chats.items() for flow in CHAT_FLOWS
    ]
    flows += [(name, embedded, each) for name, each in embeddings.items()]
    flows += [(name, error, each) for name, each in strangers.items()]
    found = {}
    for name, flow, subject in flows:
        try:
            found[f"{name} {flow.__name__}"] = {"value": flow(subject)}
        except Exception:  # noqa: BLE001 - one broken flow does not hide the others
            found[f"{name} {flow.__name__}"] = {"error": traceback.format_exc()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
