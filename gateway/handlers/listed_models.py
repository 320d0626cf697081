"""The models a client is shown: the upstream's list with the operator's twins, less what is hidden from it.

Hidden are the operator's FILTERED_MODELS from everybody, and from a token the models it may not use.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson

from gateway.handlers.planning import Asked
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.model_names import resource_name
from gateway.protocols.model_suffixes import ModelChoices, ask_model
from gateway.protocols.models import bare_name, find_model, read_models, shown_models
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing, Plan


async def listed_models(asked: Asked, choices: ModelChoices) -> Sequence[JsonObject]:
    """The models, in Gemini's shape. Raises CallFailed without a list."""
    listing = await asked.services.model_list.current()
    return shown_models([each for each in listing.models if asked.may_use(bare_name(each))], choices)


async def listed_model(asked: Asked, choices: ModelChoices, bare: str, *, plan: Plan) -> JsonObject | Plan:
    """One of them by its name; `plan`, which asks the upstream, for one that is not in the list.

    Raises BadRequest for a hidden one, CallFailed without a list.
    """
    model_list = asked.services.model_list
    ask_model(bare, choices, known=model_list.names)
    found = find_model(await listed_models(asked, choices), bare)
    if found is not None:
        return found
    name = ask_model(bare, choices, known=model_list.names).name
    # A call that names a model which the token may not use is refused by the relay, and recorded.
    return plan if asked.may_use(name) else replace(plan, model=name)


def one_model_plan(bare: str, shown: Callable[[JsonObject], object]) -> Plan:
    """The plan that asks the upstream about a model, in OpenAI's dialect.

    shown   the model as the client sees it

    The upstream knows more than it lists (tuned models), and says best what it does not know.
    """
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
        translation=lambda: _ModelTranslation(shown),
    )


class _ModelTranslation:
    """One model that is not in the list, as the upstream tells of it."""

    __slots__ = ("_shown",)

    def __init__(self, shown: Callable[[JsonObject], object]) -> None:
        self._shown = shown

    def whole(self, reply: JsonObject) -> bytes:
        return b"".join(orjson.dumps(self._shown(model)) for model in read_models([{"models": [reply]}]))

    def event(self, reply: JsonObject) -> bytes:  # noqa: ARG002 - a model is never streamed
        return b""

    def end(self) -> bytes:
        return b""
