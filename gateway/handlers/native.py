"""Native Gemini requests → the planner of their resource; whatever is not known is passed on."""

from collections.abc import Coroutine
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.gemini import VERBS, plan_gemini
from gateway.handlers.gemini_interactions import plan_interaction
from gateway.handlers.gemini_lists import LISTS, plan_list
from gateway.handlers.gemini_passing import plan_passed
from gateway.handlers.planning import Asked, Planned
from gateway.handlers.uploads import plan_upload
from gateway.handlers.vertex import plan_vertex


def plan_native(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a native request. Raises BadRequest for what is not served or cannot be read."""
    head, route = asked.head, asked.route
    collection, _, name = route.resource.partition("/")
    if route.provider == "vertex":
        return plan_vertex(asked)
    if route.door == "upload":
        return plan_upload(asked)
    if collection in ("models", "tunedModels") and route.verb in VERBS:
        return plan_gemini(asked)
    if collection == "models" and not route.verb and "/" not in name.removeprefix("models/"):
        return plan_gemini(asked)
    if collection == "interactions" and head.method == "POST" and not name and not route.verb:
        return plan_interaction(asked)
    if route.resource in LISTS and head.method in ("GET", "HEAD") and not route.verb and not route.door:
        return plan_list(asked)
    if not route.resource:
        raise BadRequest(f"There is no route {head.method} {head.path} here.", status=404)
    return plan_passed(asked)
