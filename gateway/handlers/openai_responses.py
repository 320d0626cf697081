"""`responses`, OpenAI's newer form of a chat: planned as one, answered as a response, kept for the next.

Translation: gateway/protocols/responses_*.py and response_*.py. What was kept is shown by own_responses.py.
"""

import functools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.control.kept_responses import MOST_BYTES
from gateway.handlers.chat_faces import AsChat, count_tokens, planned
from gateway.handlers.openai_chat import bound_chat, chat_plan
from gateway.handlers.own_responses import conversation_before, items_named, plan_kept
from gateway.handlers.planning import (
    Asked,
    Planned,
    Whole,
    json_object,
    need_method,
    shortened_object,
    with_deployment,
)
from gateway.protocols.long_texts import LONG_BYTES, NOTHING_CUT, Shortened, without_media
from gateway.protocols.openai_request import ChatCall
from gateway.protocols.response_ids import RESPONSE
from gateway.protocols.response_stream import ResponseTranslation
from gateway.protocols.responses_request import (
    ResponseRequest,
    earlier_wanted,
    read_response_request,
    renamed,
)
from gateway.protocols.shapes import JsonObject
from gateway.protocols.told_before import ToldBefore
from gateway.relay.plan import Plan
from gateway.values import value

OPERATION = "responses"
_COUNT = "input_tokens"


@value(frozen=True, slots=True)
class _Order:
    """A response that is wanted, once what came before it is known.

    shortened   what was cut out of the body before it was read
    keep        keeps the finished response; None for one that is not to be kept
    """

    request: ResponseRequest
    shortened: Shortened
    keep: Callable[[JsonObject], None] | None


def plan_responses(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a new response, or the answer to a question about one. Raises BadRequest."""
    _, _, rest = asked.route.resource.partition("/")
    if rest and rest != _COUNT:
        return plan_kept(asked, rest)
    need_method(asked.head, asked.route.resource, "POST")
    parsed, shortened = shortened_object(asked.body, without_media)
    previous_id, references = earlier_wanted(parsed)
    if previous_id is not None or references or rest:
        return _plan_after(asked, previous_id, references, counts=rest == _COUNT)
    order = _order(asked, read_response_request(with_deployment(asked, parsed)), shortened)
    asked = _without_body(asked)
    return planned(asked, _as_chat(order.request), functools.partial(_plan, asked, order))


async def _plan_after(
    asked: Asked, previous_id: str | None, references: Sequence[str], *, counts: bool
) -> Planned:
    """The plan of a response that goes on from others, or the count of what one would read."""
    earlier = () if previous_id is None else await conversation_before(asked, previous_id)
    referenced = await items_named(asked, references) if references else {}
    # Not shortened: a mark that stands for a text could stand in what came before.
    body = with_deployment(asked, json_object(asked.body))
    request = read_response_request(body, earlier=earlier, referenced=referenced)
    order = _order(asked, request, NOTHING_CUT)
    asked, chat = _without_body(asked), _as_chat(request)
    if counts:
        count = await count_tokens(asked, chat, OPERATION, _as_it_is)
        return Whole(orjson.dumps({"object": "response.input_tokens", "input_tokens": count}))
    plan = planned(asked, chat, functools.partial(_plan, asked, order))
    return replace(plan if isinstance(plan, Plan) else await plan, until_s=asked.until_s)


def _plan(asked: Asked, order: _Order, call: ChatCall) -> Plan | Coroutine[Any, Any, Plan]:
    request, engine = order.request, asked.services.engine
    translation = functools.partial(
        ResponseTranslation,
        call.context,
        response_id=RESPONSE + asked.services.new_id(),
        created_s=int(engine.wall_s()),
        echoed={**request.echoed, "store": order.keep is not None},
        encrypted=request.encrypted,
        keep=order.keep,
        told=ToldBefore(),
        wall_s=engine.wall_s,
        namespaces=request.tools.namespaces,
    )
    plan = chat_plan(asked, call, translation, operation=OPERATION, shortened=order.shortened)
    return bound_chat(asked, plan, call)


def _as_chat(request: ResponseRequest) -> AsChat:
    return AsChat(request.chat, lambda error: renamed(error, request))


def _as_it_is(plan: Plan) -> Plan:
    return plan


def _order(asked: Asked, request: ResponseRequest, shortened: Shortened) -> _Order:
    kept, token_id = asked.services.kept_responses, asked.token.id
    is_kept = request.keeps and asked.services.live.current.responses_kept_days > 0
    if not is_kept or len(asked.body) > MOST_BYTES:
        return _Order(request, shortened, None)
    written = orjson.dumps(request.input)  # the translation takes parts of it over

    def keep(response: JsonObject) -> None:
        kept.keep(response, orjson.loads(shortened.whole(written)), token_id)

    return _Order(request, shortened, keep)


def _without_body(asked: Asked) -> Asked:
    """What is asked without its body, where that is long: the plan is made of what was read of it."""
    return replace(asked, body=b"") if len(asked.body) >= LONG_BYTES else asked
