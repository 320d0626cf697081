"""`models` and `models/{id}` in OpenAI's shape, from the list the gateway keeps."""

import orjson

from gateway.handlers.listed_models import listed_model, listed_models
from gateway.handlers.planning import Asked, Planned, Whole, need_method
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.models import openai_model, openai_models, read_models
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing, Plan


class ModelTranslation:
    """One model that is not in the list, as the upstream tells of it."""

    __slots__ = ()

    def whole(self, reply: JsonObject) -> bytes:
        return b"".join(orjson.dumps(openai_model(model)) for model in read_models([{"models": [reply]}]))

    def event(self, reply: JsonObject) -> bytes:  # noqa: ARG002 - a model is never streamed
        return b""

    def end(self) -> bytes:
        return b""


async def plan_models(asked: Asked) -> Planned:
    """The answer to a model list, or to one model. Raises BadRequest and CallFailed."""
    need_method(asked.head, "The model list", "GET", "HEAD")
    name = asked.route.resource.partition("/")[2]
    choices = asked.services.chat_options.models
    if not name:
        return Whole(orjson.dumps(openai_models(await listed_models(asked, choices))))
    bare = parse_path_model(name)
    found = await listed_model(asked, choices, bare, plan=_ask(bare))
    return found if isinstance(found, Plan) else Whole(orjson.dumps(openai_model(found)))


def _ask(bare: str) -> Plan:
    """The upstream knows more than it lists (tuned models), and says best what it does not know."""
    return Plan(
        dialect="openai",
        operation="models",
        model="",
        method="GET",
        resource=resource_name(bare),
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        generates=False,
        translation=ModelTranslation,
    )
