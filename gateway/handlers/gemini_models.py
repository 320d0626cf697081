"""`models` and `models/{id}` in Gemini's own shape, from the list the gateway keeps where it can tell."""

import orjson

from gateway.handlers.credentials import query_value, without_credentials
from gateway.handlers.listed_models import listed_models
from gateway.handlers.planning import Asked, Planned, Whole
from gateway.pool.key import GEMINI
from gateway.protocols.models import find_model, gemini_page
from gateway.protocols.paths import upstream_version
from gateway.relay.plan import Plan

_UNDERSTOOD = frozenset({"pageSize", "pageToken"})


async def from_list(asked: Asked, plan: Plan, *, bare: str) -> Planned:
    """The answer to a model list, or to one model; `plan`, which asks the upstream, where only it can answer.

    bare   the model's bare name, "" for the list

    Raises BadRequest and CallFailed.
    """
    query = without_credentials(asked.head.query)
    names = {part.partition("=")[0] for part in query.split("&") if part}
    base = asked.services.engine.policy.providers[GEMINI].version
    if not names <= _UNDERSTOOD or upstream_version(asked.route.version, base) != base:
        return plan
    models = await listed_models(asked, asked.services.native_options.models, bare)
    if not bare:
        page = gemini_page(
            models,
            page_size=query_value(query, "pageSize"),
            page_token=query_value(query, "pageToken"),
        )
        return Whole(orjson.dumps(page))
    found = find_model(models, bare)
    return plan if found is None else Whole(orjson.dumps(found))
