"""`messages`, Anthropic's form of a chat: planned as one, answered as a message. And its list of models."""

import functools
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, cast

import orjson

from gateway.errors import BadRequest
from gateway.handlers.attachments import Pointers, attach, pointers_of
from gateway.handlers.binding import bind_generation
from gateway.handlers.credentials import query_value
from gateway.handlers.listed_models import listed_model, listed_models
from gateway.handlers.openai_chat import chat_plan
from gateway.handlers.openai_files import page_size
from gateway.handlers.planning import Asked, Planned, Whole, json_object, model_plan, need_method
from gateway.protocols.anthropic_models import anthropic_model, anthropic_page, served_model
from gateway.protocols.anthropic_request import (
    MessagesRequest,
    read_count_request,
    read_messages_request,
    renamed,
)
from gateway.protocols.anthropic_stream import MessagesTranslation
from gateway.protocols.error_dialects import anthropic_error, anthropic_error_event
from gateway.protocols.fields import as_str
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.models import MOST_A_PAGE, read_models
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.response_events import ToldBefore
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing, Plan
from gateway.values import value

DIALECT = "anthropic"
OPERATION = "messages"
_COUNT = "messages/count_tokens"
_SEARCH = "web_search"


@value(frozen=True, slots=True)
class _Order:
    """A message that is wanted; `model` is its name as the client wrote it."""

    request: MessagesRequest
    model: str


def plan_anthropic(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a request in Anthropic's dialect. Raises BadRequest for what is not served."""
    resource = asked.route.resource
    if resource == OPERATION:
        need_method(asked.head, OPERATION, "POST")
        return _plan_message(asked)
    if resource == _COUNT:
        need_method(asked.head, _COUNT, "POST")
        return _count(asked)
    if resource.partition("/")[0] == "models":
        return _show_models(asked, resource.partition("/")[2])
    raise BadRequest(f"There is no route {asked.head.method} {asked.head.path} here.", status=404)


def _plan_message(asked: Asked) -> Plan | Coroutine[Any, Any, Plan]:
    order = _read(asked)
    pointers = pointers_of(asked, order.request.chat)
    if pointers is not None or asked.names_wanted(order.request.chat["model"]):
        return _plan_later(asked, order, pointers)
    return _plan(asked, order, _translated(asked, order.request))


async def _plan_later(asked: Asked, order: _Order, pointers: Pointers | None) -> Plan:
    call = await _translated_later(asked, order.request, pointers)
    planned = _plan(asked, order, call)
    return replace(planned if isinstance(planned, Plan) else await planned, until_s=asked.until_s)


def _plan(asked: Asked, order: _Order, call: ChatCall) -> Plan | Coroutine[Any, Any, Plan]:
    translation = functools.partial(
        MessagesTranslation,
        replace(call.context, client_model=order.model),
        message_id=f"msg_{asked.services.new_id()}",
        told=ToldBefore(),
        shows_search=_wants_search(order.request),
    )
    plan = _as_anthropic(chat_plan(asked, call, translation, operation=OPERATION))
    return plan if call.is_plain else bind_generation(asked, plan, cast("JsonObject", call.body))


def _wants_search(request: MessagesRequest) -> bool:
    return any(tool.get("type") == _SEARCH for tool in request.chat.get("tools", ()))


async def _count(asked: Asked) -> Whole:
    """How many tokens the model would read, counted by Google."""
    request = _read(asked, counts=True).request
    call = await _translated_later(asked, request, pointers_of(asked, request.chat))
    body: Any = {"generateContentRequest": {"model": resource_name(call.model), **call.body}}
    plan = model_plan(OPERATION, call.model, "countTokens", encode_body(body))
    reply = await asked.reply(replace(_as_anthropic(plan), generates=False))
    return Whole(orjson.dumps({"input_tokens": reply.get("totalTokens", 0)}))


def _read(asked: Asked, *, counts: bool = False) -> _Order:
    """What the client wants. Raises BadRequest."""
    body = json_object(asked.body)
    model = as_str(body.get("model"), "model")
    served = served_model(model, asked.services.live.current.claude_models)
    read = read_count_request if counts else read_messages_request
    return _Order(read({**body, "model": served}), model)


async def _translated_later(asked: Asked, request: MessagesRequest, pointers: Pointers | None) -> ChatCall:
    if asked.names_wanted(request.chat["model"]):
        await asked.learn_names()
    return _translated(asked, request, await attach(asked, pointers))


def _translated(
    asked: Asked, request: MessagesRequest, attachments: Attachments = NO_ATTACHMENTS
) -> ChatCall:
    services = asked.services
    try:
        return translate_chat(
            request.chat,
            options=services.chat_options,
            known=services.model_list.names,
            attachments=attachments,
        )
    except BadRequest as error:
        raise renamed(error, request) from None


def _as_anthropic(plan: Plan) -> Plan:
    return replace(plan, dialect=DIALECT, error_body=anthropic_error, error_tail=anthropic_error_event)


class ModelTranslation:
    """One model that is not in the list, as the upstream tells of it."""

    __slots__ = ()

    def whole(self, reply: JsonObject) -> bytes:
        return b"".join(orjson.dumps(anthropic_model(model)) for model in read_models([{"models": [reply]}]))

    def event(self, reply: JsonObject) -> bytes:  # noqa: ARG002 - a model is never streamed
        return b""

    def end(self) -> bytes:
        return b""


async def _show_models(asked: Asked, name: str) -> Planned:
    need_method(asked.head, "The model list", "GET", "HEAD")
    choices, query = asked.services.chat_options.models, asked.head.query
    if not name:
        page = anthropic_page(
            await listed_models(asked, choices),
            limit=page_size(asked, usual=0, most=MOST_A_PAGE),
            after=query_value(query, "after_id"),
            before=query_value(query, "before_id"),
        )
        return Whole(orjson.dumps(page))
    bare = parse_path_model(served_model(name, asked.services.live.current.claude_models))
    found = await listed_model(asked, choices, bare, plan=_ask(bare))
    return found if isinstance(found, Plan) else Whole(orjson.dumps(anthropic_model(found)))


def _ask(bare: str) -> Plan:
    """The upstream knows more than it lists (tuned models), and says best what it does not know."""
    return Plan(
        dialect=DIALECT,
        operation="models",
        model="",
        method="GET",
        resource=resource_name(bare),
        framing=Framing.WHOLE,
        error_body=anthropic_error,
        error_tail=anthropic_error_event,
        generates=False,
        translation=ModelTranslation,
    )
