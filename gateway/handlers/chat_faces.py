"""What the other faces of a chat share: requests of another API, read as a chat's, become calls.

The faces: openai_responses.py, anthropic.py.
"""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.attachments import Pointers, attach, pointers_of
from gateway.handlers.planning import Asked, model_plan
from gateway.protocols.model_names import resource_name
from gateway.protocols.openai_request import ChatCall, encode_body, translate_chat
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Plan
from gateway.values import value

PlanOrLater = Plan | Coroutine[Any, Any, Plan]


@value(frozen=True, slots=True)
class AsChat:
    """A request that was read as a chat's.

    chat      for `translate_chat`, which takes it over
    renamed   turns what is said of the chat into what is said of the client's request
    """

    chat: JsonObject
    renamed: Callable[[BadRequest], BadRequest]


def planned(asked: Asked, request: AsChat, plan_call: Callable[[ChatCall], PlanOrLater]) -> PlanOrLater:
    """The plan that `plan_call` makes, once what the request points at is known. Raises BadRequest."""
    pointers = pointers_of(asked, request.chat)
    if pointers is not None or asked.names_wanted(request.chat.get("model")):
        return _planned_later(asked, request, plan_call, pointers)
    return plan_call(_translated(asked, request))


async def count_tokens(
    asked: Asked, request: AsChat, operation: str, in_dialect: Callable[[Plan], Plan]
) -> int:
    """How many tokens the model would read, counted by Google. Raises BadRequest and CallFailed."""
    call = await _translated_later(asked, request, pointers_of(asked, request.chat))
    body: Any = {"generateContentRequest": {"model": resource_name(call.model), **call.body}}
    plan = replace(model_plan(operation, call.model, "countTokens", encode_body(body)), generates=False)
    reply = await asked.reply(in_dialect(plan))
    counted = reply.get("totalTokens")
    return counted if isinstance(counted, int) else 0


async def _planned_later(
    asked: Asked,
    request: AsChat,
    plan_call: Callable[[ChatCall], PlanOrLater],
    pointers: Pointers | None,
) -> Plan:
    plan = plan_call(await _translated_later(asked, request, pointers))
    return replace(plan if isinstance(plan, Plan) else await plan, until_s=asked.until_s)


async def _translated_later(asked: Asked, request: AsChat, pointers: Pointers | None) -> ChatCall:
    if asked.names_wanted(request.chat.get("model")):
        await asked.learn_names()
    return _translated(asked, request, await attach(asked, pointers))


def _translated(asked: Asked, request: AsChat, attachments: Attachments = NO_ATTACHMENTS) -> ChatCall:
    services = asked.services
    try:
        return translate_chat(
            request.chat,
            options=services.chat_options,
            known=services.model_list.names,
            attachments=attachments,
        )
    except BadRequest as error:
        raise request.renamed(error) from None
