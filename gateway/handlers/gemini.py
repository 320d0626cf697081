"""Native Gemini requests → plans. Bodies travel on as the bytes they came in."""

import orjson

from gateway.errors import BadRequest
from gateway.handlers.credentials import query_value, without_credentials
from gateway.protocols.error_bodies import (
    gemini_error,
    gemini_error_array,
    gemini_error_element,
    gemini_error_event,
)
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.paths import Route
from gateway.relay.plan import Framing, Plan
from gateway.serving.light import RequestHead

_GENERATING = frozenset({"generateContent", "streamGenerateContent"})
_VERBS = _GENERATING | {"countTokens", "embedContent", "batchEmbedContents"}
_FORWARDED = ("x-goog-api-client", "x-server-timeout")
JSON_HEADER = ("content-type", "application/json")


def plan_gemini(head: RequestHead, route: Route, body: bytes) -> Plan:
    """The plan of a native request. Raises BadRequest for what is not served or cannot be read."""
    collection, _, name = route.resource.partition("/")
    if collection not in ("models", "tunedModels"):
        raise BadRequest(f"There is no route {head.method} {head.path} here.", status=404)
    if not route.verb:
        return _plan_models(head, route, name)
    if route.verb not in _VERBS:
        raise BadRequest(f"The method {route.verb} is not served by this gateway.", status=404)
    if head.method != "POST":
        raise BadRequest(f"{route.verb} takes POST, not {head.method}.", status=405)
    model = parse_path_model(name if collection == "models" else route.resource)
    check_json_object(body)
    framing = _framing(head, route)
    return Plan(
        dialect="gemini",
        operation=route.verb,
        model=model,
        resource=f"{resource_name(model)}:{route.verb}",
        framing=framing,
        error_body=gemini_error_array if framing is Framing.ARRAY else gemini_error,
        error_tail=gemini_error_element if framing is Framing.ARRAY else gemini_error_event,
        body=body,
        query=without_credentials(head.query),
        version=route.version,
        generates=route.verb in _GENERATING,
        forwarded=(JSON_HEADER, *_forwarded(head)),
    )


def _plan_models(head: RequestHead, route: Route, name: str) -> Plan:
    if head.method not in ("GET", "HEAD"):
        raise BadRequest(f"The model list takes GET, not {head.method}.", status=405)
    resource = route.resource
    if name:
        bare = parse_path_model(name if resource.startswith("models/") else resource)
        resource = resource_name(bare)
    return Plan(
        dialect="gemini",
        operation="models",
        model="",
        method="GET",
        resource=resource,
        framing=Framing.WHOLE,
        error_body=gemini_error,
        error_tail=gemini_error_event,
        query=without_credentials(head.query),
        version=route.version,
        generates=False,
        forwarded=_forwarded(head),
    )


def check_json_object(body: bytes) -> object:
    """Parse a request's body. Raises BadRequest when it is not a JSON object."""
    if not body:
        raise BadRequest("The request has no body; a JSON object is expected.")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request's body is not valid JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise BadRequest("The request's body must be a JSON object.")
    return parsed


def _framing(head: RequestHead, route: Route) -> Framing:
    if route.verb != "streamGenerateContent":
        return Framing.WHOLE
    return Framing.EVENTS if query_value(head.query, "alt") == "sse" else Framing.ARRAY


def _forwarded(head: RequestHead) -> tuple[tuple[str, str], ...]:
    """The client's headers that may travel on; one that no header line can carry stays behind."""
    headers = head.headers
    return tuple((name, value) for name in _FORWARDED if (value := headers.get(name)) and value.isprintable())
