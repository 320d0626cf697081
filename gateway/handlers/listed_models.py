"""The models a client is shown: the upstream's list with the operator's twins, less what is hidden from it.

Hidden are the operator's FILTERED_MODELS from everybody, and from a token the models it may not use.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.handlers.planning import Asked
from gateway.protocols.model_suffixes import ModelChoices, ask_model
from gateway.protocols.models import bare_name, find_model, shown_models
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Plan


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
