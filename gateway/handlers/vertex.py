"""Vertex AI in express mode: models by keys of its own, in Gemini's dialect. No files or caches there."""

from collections.abc import Coroutine, Sequence
from typing import Any

import orjson

from gateway.control.model_list import listing_plan
from gateway.errors import BadRequest
from gateway.handlers.credentials import query_value
from gateway.handlers.gemini import VERBS, ModelPlanner
from gateway.handlers.gemini_passing import plan_passed
from gateway.handlers.planning import Asked, Planned, Planner, Whole, need_method
from gateway.pool.key import GEMINI
from gateway.protocols.model_names import parse_path_model
from gateway.protocols.models import bare_name, find_model, gemini_page, generating_models, publisher_models
from gateway.protocols.paths import Route
from gateway.protocols.shapes import JsonObject


def vertex_planner(route: Route) -> Planner:
    """Who plans what is asked under `/vertex-express`."""
    collection, _, name = route.resource.partition("/")
    if collection != "models" or "/" in name.removeprefix("models/") or route.door:
        return _refuse
    if route.verb in VERBS:
        return ModelPlanner().plan
    return plan_passed if route.verb else _plan_models


def _refuse(asked: Asked) -> Planned:
    raise BadRequest(f"Vertex's express mode serves models only, not {asked.head.path}.", status=404)


def _plan_models(asked: Asked) -> Coroutine[Any, Any, Whole]:
    need_method(asked.head, "The model list", "GET", "HEAD")
    name = asked.route.resource.partition("/")[2]
    return _models(asked, parse_path_model(name) if name else "")


async def _models(asked: Asked, bare: str) -> Whole:
    """The list, or one of it. Raises BadRequest and CallFailed."""
    models = [each for each in await _known(asked) if asked.may_use(bare_name(each))]
    if not bare:
        query = asked.head.query
        page = gemini_page(
            models, page_size=query_value(query, "pageSize"), page_token=query_value(query, "pageToken")
        )
        return Whole(orjson.dumps(page))
    found = find_model(models, bare)
    if found is None:
        raise BadRequest(f"models/{bare} is not found.", status=404)
    return Whole(orjson.dumps(found))


async def _known(asked: Asked) -> Sequence[JsonObject]:
    """The models that generate, as Gemini lists them: express mode has no list for keys.

    Without a Gemini key Vertex's catalogue is asked, which may want another credential.
    """
    services = asked.services
    if GEMINI in services.pool.providers:
        listing = await services.model_list.current()
        return generating_models(listing.models)
    catalogue = listing_plan("pageSize=1000", provider=asked.route.provider)
    return publisher_models(await asked.reply(catalogue))
