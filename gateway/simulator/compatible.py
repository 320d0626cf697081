"""Google's OpenAI-compatible endpoint, simulated: `/v1beta/openai/…` over the native methods.

Its quirks are the point: the key as a bearer token and nowhere else, errors wrapped in an array, unknown
fields refused, model ids with `models/` before them. The translation is the gateway's own.
Source: Gemini API, OpenAI compatibility; quirks as reported publicly.
"""

import base64
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from gateway.errors import BadRequest
from gateway.protocols.context import ChatOptions
from gateway.protocols.models import openai_models, read_models
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.openai_stream import ChatStream
from gateway.simulator import error_bodies
from gateway.simulator.answers import JSON_TYPE, SSE_TYPE, Answer, error_answer, json_answer
from gateway.simulator.field_names import RefusedError, read_json, refuse
from gateway.simulator.http1 import HttpRequest

Native = Callable[[HttpRequest], Answer]
"""Answers a native request."""

PATH = re.compile(r"/v1(?:beta)?/openai/(.+)")
_CREATED_S = 1_790_000_000
_CHAT = frozenset(
    "model messages max_completion_tokens max_tokens temperature top_p n stop seed presence_penalty "
    "frequency_penalty user stream stream_options tools tool_choice parallel_tool_calls response_format "
    "reasoning_effort extra_body logprobs top_logprobs service_tier metadata store modalities".split()
)
_EMBEDDINGS = frozenset("model input dimensions encoding_format user".split())
_IMAGES = frozenset("model prompt n size response_format quality user".split())


def answer_compatible(request: HttpRequest, resource: str, native: Native) -> Answer:
    """Answer one request; `resource` is the path behind `openai/`."""
    try:
        return _serve(request, resource, native)
    except RefusedError as refused:
        return error_answer(refused.answer, array=True)
    except BadRequest as refused:
        return error_answer(error_bodies.invalid_argument(refused.message), array=True)


def _serve(request: HttpRequest, resource: str, native: Native) -> Answer:
    secret = _bearer(request)

    def ask(target: str, body: bytes = b"") -> Answer:
        method = "POST" if body else "GET"
        answer = native(HttpRequest(method, target, (("x-goog-api-key", secret),), body, keep_alive=True))
        if answer.status != 200:
            wrapped = (b"[%b]" % answer.pieces[0].strip(),)
            raise _Failed(replace(answer, pieces=wrapped))
        return answer

    try:
        if resource == "models" or resource.startswith("models/"):
            return _models(ask, resource)
        body = read_json(request.body)
        if resource == "chat/completions":
            return _chat(ask, _known(body, _CHAT))
        if resource == "embeddings":
            return _embeddings(ask, _known(body, _EMBEDDINGS))
        if resource == "images/generations":
            return _images(ask, _known(body, _IMAGES))
    except _Failed as failed:
        return failed.answer
    return Answer(404, "text/html; charset=UTF-8", (b"<title>Error 404 (Not Found)!!1</title>\n",))


class _Failed(Exception):
    """The native method answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


Ask = Callable[..., Answer]


def _bearer(request: HttpRequest) -> str:
    scheme, _, secret = (request.header("authorization") or "").partition(" ")
    if request.header("x-goog-api-key") is not None:
        raise RefusedError(error_bodies.two_credentials())
    if scheme.lower() != "bearer" or not secret:
        refuse("Missing or invalid Authorization header.")
    return secret


def _known(body: object, names: frozenset[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        refuse("Invalid JSON payload received.")
    for name in body:
        if name not in names:
            raise RefusedError(error_bodies.unknown_field(name))
    return body


def _models(ask: Ask, resource: str) -> Answer:
    reply = orjson.loads(ask(f"/v1beta/{resource}").pieces[0])
    listed = openai_models(read_models([reply if resource == "models" else {"models": [reply]}]))
    entries = [{**entry, "id": f"models/{entry['id']}"} for entry in listed["data"]]
    return json_answer({"object": "list", "data": entries} if resource == "models" else entries[0])


def _chat(ask: Ask, body: dict[str, Any]) -> Answer:
    call = translate_chat(body, options=ChatOptions(show_thoughts=False, new_id=lambda: "simulated"))
    target = f"/v1beta/models/{call.model}:"
    if call.stream:
        return _streamed(ask(f"{target}streamGenerateContent?alt=sse", encode_body(call.body)), call)
    reply = orjson.loads(ask(f"{target}generateContent", encode_body(call.body)).pieces[0])
    translated = translate_reply(reply, call.context, completion_id=_id(reply), created_s=_CREATED_S)
    return Answer(200, JSON_TYPE, (orjson.dumps(translated),))


def _streamed(answer: Answer, call: ChatCall) -> Answer:
    events = [orjson.loads(piece.removeprefix(b"data: ")) for piece in answer.pieces]
    stream = ChatStream(call.context, completion_id=_id(events[0]), created_s=_CREATED_S)
    pieces = tuple(piece for event in events if (piece := stream.event(event)))
    return replace(answer, content_type=SSE_TYPE, pieces=(*pieces, stream.end()))


def _id(reply: dict[str, Any]) -> str:
    return str(reply.get("responseId", "simulated"))


def _embeddings(ask: Ask, body: dict[str, Any]) -> Answer:
    model = str(body.get("model", "")).removeprefix("models/")
    texts = body.get("input")
    more = {"outputDimensionality": body["dimensions"]} if "dimensions" in body else {}
    requests = [
        {"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **more}
        for text in (texts if isinstance(texts, list) else [texts])
    ]
    sent = orjson.dumps({"requests": requests})
    reply = orjson.loads(ask(f"/v1beta/models/{model}:batchEmbedContents", sent).pieces[0])
    is_packed = body.get("encoding_format") == "base64"
    entries = [
        {"object": "embedding", "index": index, "embedding": _packed(values) if is_packed else values}
        for index, values in enumerate(each["values"] for each in reply["embeddings"])
    ]
    return json_answer({"object": "list", "data": entries, "model": model})


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")


def _images(ask: Ask, body: dict[str, Any]) -> Answer:
    model = str(body.get("model", "")).removeprefix("models/")
    sent = {
        "contents": [{"role": "user", "parts": [{"text": str(body.get("prompt", ""))}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]},
    }
    reply = orjson.loads(ask(f"/v1beta/models/{model}:generateContent", orjson.dumps(sent)).pieces[0])
    parts = reply["candidates"][0]["content"]["parts"]
    pictures = [part["inlineData"]["data"] for part in parts if "inlineData" in part]
    return json_answer({"created": _CREATED_S, "data": [{"b64_json": picture} for picture in pictures]})
