"""`models` and `models/{id}` in OpenAI's shape, from the list the gateway keeps."""

import orjson

from gateway.handlers.listed_models import listed_model, listed_models, one_model_plan
from gateway.handlers.planning import Asked, Planned, Whole, need_method
from gateway.protocols.model_names import parse_path_model
from gateway.protocols.models import openai_model, openai_models
from gateway.relay.plan import Plan


async def plan_models(asked: Asked) -> Planned:
    """The answer to a model list, or to one model. Raises BadRequest and CallFailed."""
    need_method(asked.head, "The model list", "GET", "HEAD")
    name = asked.route.resource.partition("/")[2]
    choices = asked.services.chat_options.models
    if not name:
        return Whole(orjson.dumps(openai_models(await listed_models(asked, choices))))
    bare = parse_path_model(name)
    found = await listed_model(asked, choices, bare, plan=one_model_plan(bare, openai_model))
    return found if isinstance(found, Plan) else Whole(orjson.dumps(openai_model(found)))
