"""gemini-balance's `/openai/v1`: relayed to Google's own OpenAI-compatible endpoint, bodies as they are.

What that endpoint does not have is translated, as under `/v1`; so is what it refuses for the kind of its key,
which says nothing of the key, and everything where it is missing.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.openai import plan_openai
from gateway.handlers.openai_chat import plan_chat
from gateway.handlers.planning import (
    JSON_HEADER,
    Asked,
    Planned,
    Whole,
    json_object,
    need_method,
    painting_provider,
)
from gateway.pool.key import GEMINI
from gateway.protocols.compatible import is_endpoints_refusal, read_chat_signs, read_other_signs
from gateway.protocols.error_bodies import Problem, openai_error, openai_error_event
from gateway.protocols.failures import Failure
from gateway.protocols.fields import as_str
from gateway.protocols.model_names import parse_model, parse_path_model
from gateway.relay.plan import Framing, Plan

_REFUSED = Problem(
    503,
    "Google's OpenAI-compatible endpoint refuses the keys of this gateway, or is not there; use /v1 instead.",
    "upstream_error",
)
_OF_THE_CALL = frozenset({"retry-after", "x-should-retry", "x-gateway-attempts"})
# What Google's endpoint has beside chats and models, and whose keys serve it.
_PROVIDERS: Mapping[str, Callable[[Asked], str]] = MappingProxyType(
    {"embeddings": lambda _: GEMINI, "images/generations": painting_provider}
)


def plan_compatible(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a request under `/openai/v1`. Raises BadRequest."""
    resource = asked.route.resource
    collection, _, name = resource.partition("/")
    if resource == "chat/completions":
        return _plan_chat(asked)
    if collection == "models":
        need_method(asked.head, "The model list", "GET", "HEAD")
        if asked.is_narrowed:  # Google's endpoint tells every token of every model
            return plan_openai(asked)
        resource = f"models/{parse_path_model(name)}" if name else "models"
        return _relay_or_translate(asked, _plan(asked, resource, "models"))
    if resource not in _PROVIDERS:
        return plan_openai(asked)
    model, _ = _read(asked)
    plan = _plan(asked, resource, collection, model=model)
    return _relay_or_translate(asked, replace(plan, provider=_PROVIDERS[resource](asked)))


def _plan_chat(asked: Asked) -> Plan:
    model, is_stream = _read(asked)
    plan = _plan(asked, asked.route.resource, "chat", model=model)
    return replace(
        plan,
        framing=Framing.OPENAI_EVENTS if is_stream else Framing.WHOLE,
        generates=True,
        reads=read_chat_signs,
        detour=lambda failure: (
            (_translated_chat(asked) or _REFUSED) if is_endpoints_refusal(failure) else None
        ),
    )


def _read(asked: Asked) -> tuple[str, bool]:
    """The bare model of a request, and whether it wants a stream: all that is read of its body."""
    need_method(asked.head, asked.route.resource, "POST")
    request = json_object(asked.body)
    model = parse_model(as_str(request.get("model"), "model"))
    asked.refuse_hidden(model)
    return model, request.get("stream") is True


def _plan(asked: Asked, resource: str, operation: str, *, model: str = "") -> Plan:
    return Plan(
        dialect="openai",
        operation=operation,
        model=model,
        resource=f"openai/{resource}",
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        body=asked.body if model else None,
        method="POST" if model else "GET",
        generates=False,
        forwarded=(JSON_HEADER,) if model else (),
        reads=read_other_signs,
        bearer=True,
    )


def _translated_chat(asked: Asked) -> Plan | None:
    """The chat as under `/v1`, where that needs no waiting."""
    try:
        planned = plan_chat(asked)
    except BadRequest:
        return None
    if isinstance(planned, Plan):
        return planned
    planned.close()
    return None


async def _relay_or_translate(asked: Asked, plan: Plan) -> Planned:
    """The endpoint's whole answer; what it refuses for no fault of the request is done as under `/v1`."""
    is_refused = False

    def detour(failure: Failure) -> Problem | None:
        nonlocal is_refused
        is_refused = is_endpoints_refusal(failure)
        return _REFUSED if is_refused else None

    answer = await asked.complete(replace(plan, detour=detour))
    if is_refused:
        planned = plan_openai(asked)
        return planned if isinstance(planned, Plan | Whole) else await planned
    headers = tuple(pair for pair in answer.headers if pair[0] in _OF_THE_CALL)
    return Whole(answer.body, answer.status, headers=headers)
