"""Native requests that are passed on as they are: files, caches, batches, operations, and what is newer.

Nothing is known of them but where they live: what a path or a body names binds the call to its key, what an
answer makes is remembered.
"""

import math
from collections.abc import Coroutine
from typing import Any

import orjson

from gateway.handlers.binding import bind
from gateway.handlers.credentials import query_value, without_credentials
from gateway.handlers.planning import Asked
from gateway.handlers.witnesses import WitnessFactory, making, reading, removing
from gateway.protocols.error_bodies import gemini_error, gemini_error_event
from gateway.protocols.error_dialects import interaction_error, interaction_error_event
from gateway.protocols.gemini_request import references
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.object_names import owner_of
from gateway.protocols.paths import GOOGLE, Route
from gateway.relay.plan import Framing, Passage, Plan
from gateway.serving.light import RequestHead

# Labels of metrics and records must be few: what is not among these is "other".
OPERATIONS = GOOGLE | {
    "asyncBatchEmbedContent",
    "batchGenerateContent",
    "batches",
    "files",
    "predict",
    "predictLongRunning",
}
# A model's methods that are asked again without harm; what others do is not known, so they are done once.
_HARMLESS = frozenset({"predict", "computeTokens", "generateAnswer", "countTextTokens", "countMessageTokens"})
# Quotas of these have nothing to do with those of the model's generations.
_OWN_QUOTAS = frozenset({"batchGenerateContent", "asyncBatchEmbedContent"})
_FORWARDED = (
    "accept",
    "api-revision",
    "content-type",
    "if-match",
    "if-none-match",
    "range",
    "x-goog-api-client",
    "x-goog-fieldmask",
    "x-server-timeout",
)
_UPLOAD = "x-goog-upload-"
_METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD"})


def plan_passed(asked: Asked) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan of a request that is passed on. Raises BadRequest, at once or while it waits."""
    owner = owner_of(asked.route.resource)
    plan = passing_plan(asked, owner)
    named = references(_json(asked)) if plan.body else ()
    return bind(asked, plan, named if owner is None else (owner, *named))


def passing_plan(asked: Asked, owner: str | None) -> Plan:
    """The plan, before it is bound to a key.

    owner   the object that the path names or lies in
    """
    head, route = asked.head, asked.route
    collection = route.resource.partition("/")[0]
    is_interaction = collection == "interactions"
    model = _model(route)
    return Plan(
        dialect="gemini",
        operation=_operation(route, collection),
        model=model,
        bucket=_bucket(route, collection, model),
        resource=_resource(route, model),
        framing=_framing(head, is_interaction=is_interaction),
        error_body=interaction_error if is_interaction else gemini_error,
        error_tail=interaction_error_event if is_interaction else gemini_error_event,
        body=(asked.body or None) if head.method not in _METHODS_WITHOUT_BODY else None,
        method=head.method,
        query=without_credentials(head.query),
        version=route.version,
        generates=False,
        forwarded=forwarded(head),
        provider=route.provider,
        until_s=math.inf if _is_file(head, route) else None,
        passage=Passage(
            door=route.door,
            once=head.method == "POST" and owner is None and route.verb not in _HARMLESS,
            witness=_witness(asked, owner, collection),
        ),
    )


def forwarded(head: RequestHead) -> tuple[tuple[str, str], ...]:
    """The client's headers that may travel on; one that no header line can carry stays behind."""
    return tuple(
        (name, value)
        for name, value in head.headers.items()
        if (name in _FORWARDED or name.startswith(_UPLOAD)) and value.isprintable()
    )


def _framing(head: RequestHead, *, is_interaction: bool) -> Framing:
    """An interaction's stream may be taken up again by a GET."""
    is_stream = is_interaction and head.method == "GET" and query_value(head.query, "stream") == "true"
    return Framing.NAMED_EVENTS if is_stream else Framing.ANY


def _witness(asked: Asked, owner: str | None, collection: str) -> WitnessFactory | None:
    method, resource = asked.head.method, asked.route.resource
    if method == "POST" and owner is None:
        return making(asked, collection)
    if owner is None:
        return None
    if method == "DELETE" and resource == owner and not asked.route.verb:
        return removing(asked, owner)
    is_operation = collection in ("batches", "operations") or "/operations/" in resource
    return reading(asked) if method == "GET" and is_operation else None


def _operation(route: Route, collection: str) -> str:
    for name in (route.verb, collection):
        if name in OPERATIONS:
            return name
    return "other"


def _model(route: Route) -> str:
    """The model that a path asks, "" where it asks none."""
    collection, _, name = route.resource.partition("/")
    if collection == "models" and name and route.verb:
        return parse_path_model(name)
    return ""


def _bucket(route: Route, collection: str, model: str) -> str | None:
    if model:
        return f"{model} ({route.verb})" if route.verb in _OWN_QUOTAS else None
    return collection if collection in OPERATIONS else ""


def _resource(route: Route, model: str) -> str:
    resource = resource_name(model) if model else route.resource
    return f"{resource}:{route.verb}" if route.verb else resource


def _is_file(head: RequestHead, route: Route) -> bool:
    return "download" in (route.door, route.verb) or query_value(head.query, "alt") == "media"


def _json(asked: Asked) -> object:
    """The body as JSON where it is some: what it names is looked for, not judged."""
    media_type = asked.head.headers.get("content-type", "application/json")
    if "json" not in media_type.lower():
        return None
    try:
        return orjson.loads(asked.body)
    except orjson.JSONDecodeError:
        return None
