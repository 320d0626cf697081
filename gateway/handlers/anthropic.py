"""`messages`, Anthropic's form of a chat: planned as one, answered as a message. And its list of models."""

import functools
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import orjson

from gateway.errors import BadRequest
from gateway.handlers.chat_faces import AsChat, count_tokens, planned
from gateway.handlers.credentials import query_value
from gateway.handlers.listed_models import listed_model, listed_models, one_model_plan
from gateway.handlers.openai_chat import bound_chat, chat_plan
from gateway.handlers.openai_files import page_size
from gateway.handlers.planning import Asked, Planned, Whole, json_object, need_method
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
from gateway.protocols.model_names import parse_path_model
from gateway.protocols.models import MOST_A_PAGE
from gateway.protocols.openai_request import ChatCall
from gateway.protocols.told_before import ToldBefore
from gateway.relay.plan import Plan
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
    return planned(asked, _as_chat(order.request), functools.partial(_plan, asked, order))


def _plan(asked: Asked, order: _Order, call: ChatCall) -> Plan | Coroutine[Any, Any, Plan]:
    translation = functools.partial(
        MessagesTranslation,
        replace(call.context, client_model=order.model),
        message_id=f"msg_{asked.services.new_id()}",
        told=ToldBefore(),
        shows_search=_wants_search(order.request),
    )
    plan = _as_anthropic(chat_plan(asked, call, translation, operation=OPERATION))
    return bound_chat(asked, plan, call)


def _wants_search(request: MessagesRequest) -> bool:
    return any(tool.get("type") == _SEARCH for tool in request.chat.get("tools", ()))


async def _count(asked: Asked) -> Whole:
    """How many tokens the model would read."""
    chat = _as_chat(_read(asked, counts=True).request)
    return Whole(orjson.dumps({"input_tokens": await count_tokens(asked, chat, OPERATION, _as_anthropic)}))


def _read(asked: Asked, *, counts: bool = False) -> _Order:
    """What the client wants. Raises BadRequest."""
    body = json_object(asked.body)
    model = as_str(body.get("model"), "model")
    served = served_model(model, asked.services.live.current.claude_models)
    read = read_count_request if counts else read_messages_request
    return _Order(read({**body, "model": served}), model)


def _as_chat(request: MessagesRequest) -> AsChat:
    return AsChat(request.chat, lambda error: renamed(error, request))


def _as_anthropic(plan: Plan) -> Plan:
    return replace(plan, dialect=DIALECT, error_body=anthropic_error, error_tail=anthropic_error_event)


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
    found = await listed_model(
        asked, choices, bare, plan=_as_anthropic(one_model_plan(bare, anthropic_model))
    )
    return found if isinstance(found, Plan) else Whole(orjson.dumps(anthropic_model(found)))
