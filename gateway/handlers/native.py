"""Native Gemini requests → the planner of their resource; whatever is not known is passed on."""

from gateway.errors import BadRequest
from gateway.handlers.gemini import VERBS, ModelPlanner, plan_model_list
from gateway.handlers.gemini_interactions import plan_interaction
from gateway.handlers.gemini_lists import LISTS, plan_list
from gateway.handlers.gemini_passing import plan_passed
from gateway.handlers.planning import Asked, Planned, Planner
from gateway.handlers.uploads import plan_upload
from gateway.handlers.vertex import vertex_planner
from gateway.protocols.paths import Route


def native_planner(route: Route, method: str) -> Planner:
    """Who plans what is asked under a native path."""
    collection, _, name = route.resource.partition("/")
    if route.provider == "vertex":
        return vertex_planner(route)
    if route.door == "upload":
        return plan_upload
    if collection in ("models", "tunedModels") and route.verb in VERBS:
        return ModelPlanner().plan
    if collection == "models" and not route.verb and "/" not in name.removeprefix("models/"):
        return plan_model_list
    if collection == "interactions" and method == "POST" and not name and not route.verb:
        return plan_interaction
    if route.resource in LISTS and method in ("GET", "HEAD") and not route.verb and not route.door:
        return plan_list
    return plan_passed if route.resource else _refuse


def _refuse(asked: Asked) -> Planned:
    raise BadRequest(f"There is no route {asked.head.method} {asked.head.path} here.", status=404)
