"""`chat/completions` → a plan: translated by gateway/protocols, both ways."""

import functools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

import orjson

from gateway.handlers.attachments import Pointers, attach, pointers_of
from gateway.handlers.binding import bind_generation
from gateway.handlers.planning import (
    JSON_HEADER,
    Asked,
    need_method,
    painting_provider,
    shortened_object,
    with_deployment,
)
from gateway.pool.key import GEMINI
from gateway.protocols.context import ReplyContext
from gateway.protocols.conversations import conversation_of
from gateway.protocols.error_bodies import Problem, openai_error, openai_error_event
from gateway.protocols.long_texts import LONG_BYTES, NOTHING_CUT, Shortened, without_media
from gateway.protocols.model_names import resource_name
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.openai_response import translate_reply
from gateway.protocols.openai_stream import ChatStream
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.shapes import GenerateContentRequest, JsonObject
from gateway.relay.mending import RequestMending
from gateway.relay.plan import Framing, Plan, Translation, new_plan


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

    @property
    def more(self) -> Callable[[str, JsonObject], bytes]:
        return self._chunks().more

    def event(self, reply: JsonObject) -> bytes:
        return self._chunks().event(reply)

    def end(self) -> bytes:
        return self._chunks().end()

    def broken(self, problem: Problem) -> bytes:
        return self._chunks().broken(problem)

    def beat(self) -> bytes:
        return self._chunks().beat()

    def _chunks(self) -> ChatStream:
        if self._stream is None:
            self._stream = ChatStream(self._context, self._completion_id, self._created_s)
        return self._stream


def plan_chat(asked: Asked) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan of a chat completion. Raises BadRequest."""
    need_method(asked.head, "chat/completions", "POST")
    parsed, shortened = shortened_object(asked.body, without_media)
    request = with_deployment(asked, parsed)
    if len(asked.body) >= LONG_BYTES:  # the plan is made of what was parsed: nothing else is to hold it
        asked = replace(asked, body=b"")
    pointers = pointers_of(asked, request)
    if pointers is not None or asked.names_wanted(request.get("model")):
        return _plan_later(asked, request, shortened, pointers)
    return _plan(asked, request, shortened)


async def _plan_later(
    asked: Asked, request: JsonObject, shortened: Shortened, pointers: Pointers | None
) -> Plan:
    if asked.names_wanted(request.get("model")):
        await asked.learn_names()
    planned = _plan(asked, request, shortened, await attach(asked, pointers))
    return replace(planned if isinstance(planned, Plan) else await planned, until_s=asked.until_s)


def _plan(
    asked: Asked, request: JsonObject, shortened: Shortened, attachments: Attachments = NO_ATTACHMENTS
) -> Plan | Coroutine[Any, Any, Plan]:
    services = asked.services
    call = translate_chat(
        request, options=services.chat_options, known=services.model_list.names, attachments=attachments
    )
    plan = chat_plan(asked, call, functools.partial(chat_translation, asked, call), shortened=shortened)
    return bound_chat(asked, plan, call)


def bound_chat(asked: Asked, plan: Plan, call: ChatCall) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan of a translated chat, bound to what its messages name. Raises BadRequest as `bind` does."""
    return plan if call.is_plain else bind_generation(asked, plan, cast("JsonObject", call.body))


def chat_translation(asked: Asked, call: ChatCall) -> ChatTranslation:
    """What makes a chat completion of an answer."""
    completion_id = f"chatcmpl-{asked.ticket.request_id}"
    return ChatTranslation(call.context, completion_id, int(asked.services.engine.wall_s()))


def chat_plan(
    asked: Asked,
    call: ChatCall,
    translation: Callable[[], Translation],
    *,
    operation: str = "chat",
    shortened: Shortened = NOTHING_CUT,
) -> Plan:
    """The plan of a translated chat, whatever its answer is to become.

    shortened   what was cut out of the request before it was translated
    """
    verb = "streamGenerateContent" if call.stream else "generateContent"
    engine = asked.services.engine
    encode = _Encoding(shortened) if shortened.cut else encode_body
    # By place: keywords of a class take as long again as making the object.
    mending = RequestMending(call.body, call.bare_body, call.model, engine.lessons, engine.wall_s, encode)
    body = mending.body()
    return new_plan(
        dialect="openai",
        operation=operation,
        model=call.model,
        resource=f"{resource_name(call.model)}:{verb}",
        query="alt=sse" if call.stream else "",
        framing=Framing.EVENTS if call.stream else Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        body=body,
        mending=mending,
        translation=translation,
        forwarded=(JSON_HEADER,),
        provider=painting_provider(asked) if call.paints else GEMINI,
        # Plain texts bear no signature.
        conversation=conversation_of(call.body["contents"])
        if not call.is_plain and b"ignature" in body
        else None,
    )


class _Encoding:
    """Makes the bytes of a request that was translated without its long texts; they are kept once."""

    __slots__ = ("_shortened",)

    def __init__(self, shortened: Shortened) -> None:
        self._shortened = shortened

    def __call__(self, request: GenerateContentRequest) -> bytes:
        written = encode_body(request)
        whole = self._shortened.whole(written)
        self._shortened = self._shortened.within(written, whole)
        return whole
