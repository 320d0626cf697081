"""What is asked of a model natively → plans. Bodies travel as they came in, unless a setting adds to them."""

from collections.abc import Coroutine
from typing import Any, Final

import orjson

from gateway.handlers.binding import bind, bind_generation
from gateway.handlers.credentials import query_value, without_credentials
from gateway.handlers.gemini_models import from_list
from gateway.handlers.planning import JSON_HEADER, Asked, Planned, need_method, shortened_object
from gateway.protocols.conversations import conversation_of
from gateway.protocols.error_bodies import (
    gemini_error,
    gemini_error_array,
    gemini_error_element,
    gemini_error_event,
)
from gateway.protocols.gemini_request import references
from gateway.protocols.long_texts import LONG_BYTES, Shortened, without_long_texts
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.model_suffixes import AskedModel, ask_model
from gateway.protocols.native_call import native_bodies
from gateway.protocols.paths import Route
from gateway.protocols.shapes import JsonObject
from gateway.relay.mending import AdditionsMending
from gateway.relay.plan import Framing, Mending, Plan
from gateway.serving.light import RequestHead

_GENERATING = frozenset({"generateContent", "streamGenerateContent"})
VERBS = _GENERATING | {"countTokens", "embedContent", "batchEmbedContents"}
# Plain names: an enum's attribute is looked up by a function in Python, and each call asks for these.
_WHOLE: Final = Framing.WHOLE
_ARRAY: Final = Framing.ARRAY
_FORWARDED = ("x-goog-api-client", "x-server-timeout")


def plan_gemini(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of what is asked of a model, or of the model list. Raises BadRequest."""
    head, route = asked.head, asked.route
    collection, _, name = route.resource.partition("/")
    if not route.verb:
        return _plan_models(asked, name)
    need_method(head, route.verb, "POST")
    named = parse_path_model(name if collection == "models" else route.resource)
    parsed, shortened = shortened_object(asked.body, without_long_texts(asked.body))
    if asked.names_wanted(named):
        return _plan_later(asked, named, parsed, shortened)
    return _plan_bound(asked, named, parsed, shortened)


async def _plan_later(asked: Asked, named: str, parsed: JsonObject, shortened: Shortened) -> Plan:
    await asked.learn_names()
    planned = _plan_bound(asked, named, parsed, shortened)
    return planned if isinstance(planned, Plan) else await planned


def _plan_bound(
    asked: Asked, named: str, parsed: JsonObject, shortened: Shortened
) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan, bound to what it names: a tuned model, or what stands in its body."""
    plan = _plan_verb(asked, named, parsed, shortened)
    if named.startswith("tunedModels/"):
        return bind(asked, plan, (named, *references(parsed)))
    return bind_generation(asked, plan, parsed)


def _plan_verb(asked: Asked, named: str, parsed: JsonObject, shortened: Shortened) -> Plan:
    head, route, services = asked.head, asked.route, asked.services
    model = ask_model(named, services.native_options.models, known=services.model_list.names)
    generates = route.verb in _GENERATING
    body, mending = _to_send(asked, parsed, shortened, model) if generates else (asked.body, None)
    framing = _framing(head, route)
    return Plan(
        dialect="gemini",
        operation=route.verb,
        model=model.name,
        resource=f"{resource_name(model.name)}:{route.verb}",
        framing=framing,
        error_body=gemini_error_array if framing is _ARRAY else gemini_error,
        error_tail=gemini_error_element if framing is _ARRAY else gemini_error_event,
        body=body,
        mending=mending,
        query=without_credentials(head.query),
        version=route.version,
        generates=generates,
        forwarded=(JSON_HEADER, *_forwarded(head)),
        conversation=conversation_of(parsed.get("contents")) if _may_be_signed(shortened.data) else None,
        provider=route.provider,
    )


def _may_be_signed(data: bytes) -> bool:
    """False for a body that bears no signature; a long one is sooner walked through than searched."""
    return len(data) > LONG_BYTES or b"ignature" in data


def _to_send(
    asked: Asked, parsed: JsonObject, shortened: Shortened, model: AskedModel
) -> tuple[bytes, Mending | None]:
    """The body for a generation, and what may be changed about it: the bytes as they came, and nothing."""
    services = asked.services
    if services.native_options.leave(model):
        return asked.body, None
    bodies = native_bodies(parsed, model, options=services.native_options)
    if bodies.full is None:
        return asked.body, None
    bare = asked.body if bodies.bare is None else shortened.whole(orjson.dumps(bodies.bare))
    engine = services.engine
    book = engine.native_lessons
    if not bodies.differ or book.of(model.name, engine.wall_s()).additions:
        return bare, None
    mending = AdditionsMending(bare, model=model.name, book=book, wall_s=engine.wall_s)
    return shortened.whole(orjson.dumps(bodies.full)), mending


def _plan_models(asked: Asked, name: str) -> Planned | Coroutine[Any, Any, Planned]:
    head, route = asked.head, asked.route
    need_method(head, "The model list", "GET", "HEAD")
    resource, is_model = route.resource, route.resource.startswith("models")
    bare = parse_path_model(name if is_model else resource) if name else ""
    plan = Plan(
        dialect="gemini",
        operation="models",
        model="",
        method="GET",
        resource=resource_name(bare) if bare else resource,
        framing=Framing.WHOLE,
        error_body=gemini_error,
        error_tail=gemini_error_event,
        query=without_credentials(head.query),
        version=route.version,
        generates=False,
        forwarded=_forwarded(head),
    )
    return from_list(asked, plan, bare=bare) if is_model else plan


def _framing(head: RequestHead, route: Route) -> Framing:
    if route.verb != "streamGenerateContent":
        return _WHOLE
    return Framing.EVENTS if query_value(head.query, "alt") == "sse" else Framing.ARRAY


def _forwarded(head: RequestHead) -> tuple[tuple[str, str], ...]:
    """The client's headers that may travel on; one that no header line can carry stays behind."""
    headers = head.headers
    if headers.keys().isdisjoint(_FORWARDED):
        return ()
    return tuple((name, value) for name in _FORWARDED if (value := headers.get(name)) and value.isprintable())
