"""The operator's choices as golden cases write them: lists in JSON, in `options.json`."""

from collections.abc import Mapping
from typing import Any

from gateway.protocols.call_defaults import CallDefaults
from gateway.protocols.model_suffixes import ModelChoices


def model_choices(written: Mapping[str, Any]) -> ModelChoices:
    chosen = dict(written)
    lists = {name: frozenset(models) for name, models in chosen.items() if isinstance(models, list)}
    return ModelChoices(**{**chosen, **lists})


def call_defaults(written: Mapping[str, Any]) -> CallDefaults:
    chosen = dict(written)
    return CallDefaults(
        safety=tuple(chosen.pop("safety", ())),
        url_context=frozenset(chosen.pop("url_context", ())),
        **chosen,
    )
