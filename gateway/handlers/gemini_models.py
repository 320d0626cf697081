"""`models` and `models/{id}` in Gemini's own shape, from the list the gateway keeps where it can tell."""

import orjson

from gateway.handlers.credentials import query_value, without_credentials
from gateway.handlers.listed_models import listed_model, listed_models
from gateway.handlers.planning import Asked, Planned, Whole
from gateway.pool.key import GEMINI
from gateway.protocols.models import gemini_page
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
    tells = names <= _UNDERSTOOD and upstream_version(asked.route.version, base) == base
    # The upstream tells every token of every model.
    if not tells and not asked.is_narrowed:
        return plan
    choices = asked.services.native_options.models
    if bare:
        found = await listed_model(asked, choices, bare, plan=plan)
        return found if isinstance(found, Plan) else Whole(orjson.dumps(found))
    page = gemini_page(
        await listed_models(asked, choices),
        page_size=query_value(query, "pageSize"),
        page_token=query_value(query, "pageToken"),
    )
    return Whole(orjson.dumps(page))
