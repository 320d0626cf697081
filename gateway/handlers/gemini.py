"""What is asked of a model natively → plans. Bodies travel as they came in, unless a setting adds to them."""

from collections.abc import Container, Coroutine
from typing import Any

import orjson

from gateway.handlers.binding import bind
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
from gateway.protocols.gemini_request import (
    has_rare_parts,
    may_reference,
    may_reference_beside,
    references,
)
from gateway.protocols.long_texts import Shortened, without_long_texts
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.model_suffixes import AskedModel, ask_model
from gateway.protocols.native_call import NativeOptions, native_bodies
from gateway.protocols.paths import Route
from gateway.protocols.shapes import JsonObject
from gateway.relay.mending import AdditionsMending
from gateway.relay.plan import Framing, Mending, Plan, plan_with_body
from gateway.serving.light import RequestHead
from gateway.values import value

_GENERATING = frozenset({"generateContent", "streamGenerateContent"})
VERBS = _GENERATING | {"countTokens", "embedContent", "batchEmbedContents"}
_FORWARDED = ("x-goog-api-client", "x-server-timeout")


@value(frozen=True, slots=True)
class _Terms:
    """What a head and the settings say of a call, whatever its body.

    options, names   the settings and the upstream's names, of which this is true
    tuned            the model that the path names, if it lives in a project
    leaves           its body is sent as it came
    plan             of such calls, without a body
    """

    options: NativeOptions
    names: Container[str]
    tuned: str
    model: AskedModel
    leaves: bool
    plan: Plan


class ModelPlanner:
    """Plans what requests with one head ask of a model.

    What it has made of the head holds while the settings and the upstream's names are the same objects.
    """

    __slots__ = ("_terms",)

    def __init__(self) -> None:
        self._terms: _Terms | None = None

    def plan(self, asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
        """The plan of one of them. Raises BadRequest."""
        terms, services = self._terms, asked.services
        if (
            terms is None
            or terms.options is not services.native_options
            or terms.names is not services.model_list.names
        ):
            return self._plan_anew(asked)
        parsed, shortened = shortened_object(asked.body, without_long_texts)
        return _plan(asked, terms, parsed, shortened)

    def _plan_anew(self, asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
        route = asked.route
        need_method(asked.head, route.verb, "POST")
        collection, _, name = route.resource.partition("/")
        named = parse_path_model(name if collection == "models" else route.resource)
        parsed, shortened = shortened_object(asked.body, without_long_texts)
        if asked.names_wanted(named):
            return _plan_later(asked, named, parsed, shortened)
        terms = self._terms = _terms(asked, named)
        return _plan(asked, terms, parsed, shortened)


async def _plan_later(asked: Asked, named: str, parsed: JsonObject, shortened: Shortened) -> Plan:
    await asked.learn_names()
    planned = _plan(asked, _terms(asked, named), parsed, shortened)
    return planned if isinstance(planned, Plan) else await planned


def _terms(asked: Asked, named: str) -> _Terms:
    head, route = asked.head, asked.route
    options, names = asked.services.native_options, asked.services.model_list.names
    model = ask_model(named, options.models, known=names)
    generates = route.verb in _GENERATING
    framing = _framing(head, route)
    is_array = framing is Framing.ARRAY
    return _Terms(
        options=options,
        names=names,
        tuned=named if named.startswith("tunedModels/") else "",
        model=model,
        leaves=not generates or options.leave(model),
        plan=Plan(
            dialect="gemini",
            operation=route.verb,
            model=model.name,
            resource=f"{resource_name(model.name)}:{route.verb}",
            framing=framing,
            error_body=gemini_error_array if is_array else gemini_error,
            error_tail=gemini_error_element if is_array else gemini_error_event,
            query=without_credentials(head.query),
            version=route.version,
            generates=generates,
            forwarded=(JSON_HEADER, *_forwarded(head)),
            provider=route.provider,
        ),
    )


def _plan(
    asked: Asked, terms: _Terms, parsed: JsonObject, shortened: Shortened
) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan, bound to what it names: a tuned model, or what stands in its body."""
    body, mending = asked.body, None
    if not terms.leaves:
        body, mending = _to_send(asked, parsed, shortened, terms.model)
    contents = parsed.get("contents")
    has_rare = has_rare_parts(contents)
    plan = plan_with_body(terms.plan, body, mending, conversation_of(contents) if has_rare else None)
    if terms.tuned:
        return bind(asked, plan, (terms.tuned, *references(parsed)))
    may_name = may_reference(parsed) if has_rare else may_reference_beside(parsed)
    return bind(asked, plan, references(parsed)) if may_name else plan


def _to_send(
    asked: Asked, parsed: JsonObject, shortened: Shortened, model: AskedModel
) -> tuple[bytes, Mending | None]:
    """The body for a generation, and what may be changed about it."""
    services = asked.services
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


def plan_model_list(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a look at the model list, or at a model. Raises BadRequest."""
    head, route = asked.head, asked.route
    need_method(head, "The model list", "GET", "HEAD")
    resource, is_model = route.resource, route.resource.startswith("models")
    name = resource.partition("/")[2]
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
        return Framing.WHOLE
    return Framing.EVENTS if query_value(head.query, "alt") == "sse" else Framing.ARRAY


def _forwarded(head: RequestHead) -> tuple[tuple[str, str], ...]:
    """The client's headers that may travel on; one that no header line can carry stays behind."""
    headers = head.headers
    if headers.keys().isdisjoint(_FORWARDED):
        return ()
    return tuple((name, value) for name in _FORWARDED if (value := headers.get(name)) and value.isprintable())
