"""The models a client is shown: the upstream's list with the operator's twins, less what is hidden."""

from collections.abc import Sequence

from gateway.handlers.planning import Asked
from gateway.protocols.model_suffixes import ModelChoices, ask_model
from gateway.protocols.models import shown_models
from gateway.protocols.shapes import JsonObject


async def listed_models(asked: Asked, choices: ModelChoices, bare: str) -> Sequence[JsonObject]:
    """The models, in Gemini's shape. Raises BadRequest for a hidden one, CallFailed without a list.

    bare   the name asked for, "" for all of them
    """
    model_list = asked.services.model_list
    if bare:
        ask_model(bare, choices, known=model_list.names)
    return shown_models((await model_list.current()).models, choices)
