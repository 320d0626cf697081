"""OpenAI requests → plans: chat completions and the model list, translated by gateway/protocols."""

import functools

import orjson

from gateway.errors import BadRequest
from gateway.handlers.gemini import JSON_HEADER, check_json_object
from gateway.protocols.context import ChatOptions, ReplyContext
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.failure_kinds import Repair
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.models import openai_model, openai_models
from gateway.protocols.openai_repairs import repaired
from gateway.protocols.openai_request import encode_body, translate_chat
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.openai_stream import ChatStream
from gateway.protocols.paths import Route, azure_deployment
from gateway.protocols.shapes import GenerateContentRequest, JsonObject
from gateway.relay.plan import Framing, Plan
from gateway.serving.light import RequestHead

MODELS_CREATED_S = 1_700_000_000
"""Gemini tells no dates of models, and clients insist on a number: one constant for all."""
_COMING = (
    "completions",
    "embeddings",
    "images/generations",
    "images/edits",
    "audio/speech",
    "audio/transcriptions",
    "responses",
    "messages",
    "files",
    "batches",
    "moderations",
)


class ChatTranslation:
    """One attempt's answer on its way to a chat completion."""

    __slots__ = ("_completion_id", "_context", "_created_s", "_stream")

    def __init__(self, context: ReplyContext, completion_id: str, created_s: int) -> None:
        self._context = context
        self._completion_id = completion_id
        self._created_s = created_s
        self._stream: ChatStream | None = None

    def whole(self, reply: JsonObject) -> bytes:
        translated = translate_reply(
            reply, self._context, completion_id=self._completion_id, created_s=self._created_s
        )
        return orjson.dumps(translated)

    def event(self, reply: JsonObject) -> bytes:
        return self._chunks().event(reply)

    def end(self) -> bytes:
        return self._chunks().end()

    def _chunks(self) -> ChatStream:
        if self._stream is None:
            self._stream = ChatStream(
                self._context, completion_id=self._completion_id, created_s=self._created_s
            )
        return self._stream


class ModelsTranslation:
    """Gemini's model list or model, in OpenAI's shape."""

    __slots__ = ("_single",)

    def __init__(self, *, single: bool) -> None:
        self._single = single

    def whole(self, reply: JsonObject) -> bytes:
        if self._single:
            return orjson.dumps(openai_model(reply, created_s=MODELS_CREATED_S))
        return orjson.dumps(openai_models(reply, created_s=MODELS_CREATED_S))

    def event(self, reply: JsonObject) -> bytes:  # noqa: ARG002 - a list is never streamed
        return b""

    def end(self) -> bytes:
        return b""


def plan_openai(
    head: RequestHead, route: Route, body: bytes, *, options: ChatOptions, completion_id: str, now_s: float
) -> Plan:
    """The plan of an OpenAI request. Raises BadRequest for what is not served or cannot be read."""
    resource = route.resource
    if resource == "chat/completions":
        if head.method != "POST":
            raise BadRequest(f"chat/completions takes POST, not {head.method}.", status=405)
        return _plan_chat(head, body, options=options, completion_id=completion_id, now_s=now_s)
    if resource == "models" or resource.startswith("models/"):
        return _plan_models(head, resource)
    if resource.startswith(_COMING):
        raise BadRequest(
            f"This gateway does not serve {resource.split('?', 1)[0]} yet.", status=404, code="not_served_yet"
        )
    raise BadRequest(f"There is no route {head.method} {head.path} here.", status=404, code="unknown_url")


def _plan_chat(
    head: RequestHead, body: bytes, *, options: ChatOptions, completion_id: str, now_s: float
) -> Plan:
    request = check_json_object(body)
    assert isinstance(request, dict)  # noqa: S101 - check_json_object gives nothing else
    if "model" not in request and (deployment := azure_deployment(head.path)):
        request["model"] = deployment
    call = translate_chat(request, options=options)
    verb = "streamGenerateContent" if call.stream else "generateContent"
    return Plan(
        dialect="openai",
        operation="chat",
        model=call.model,
        resource=f"{resource_name(call.model)}:{verb}",
        query="alt=sse" if call.stream else "",
        framing=Framing.EVENTS if call.stream else Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        body=encode_body(call.body),
        repair=functools.partial(_repaired_body, call.body),
        translation=functools.partial(ChatTranslation, call.context, completion_id, int(now_s)),
        forwarded=(JSON_HEADER,),
    )


def _repaired_body(request: GenerateContentRequest, repair: Repair) -> bytes | None:
    changed = repaired(request, repair)
    return None if changed is None else encode_body(changed)


def _plan_models(head: RequestHead, resource: str) -> Plan:
    if head.method not in ("GET", "HEAD"):
        raise BadRequest(f"The model list takes GET, not {head.method}.", status=405)
    name = resource.partition("/")[2]
    return Plan(
        dialect="openai",
        operation="models",
        model="",
        method="GET",
        resource=resource_name(parse_path_model(name)) if name else "models",
        query="" if name else "pageSize=1000",
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        generates=False,
        translation=functools.partial(ModelsTranslation, single=bool(name)),
    )
