"""`models` and `models/{id}` → the upstream's list, in OpenAI's shape."""

import functools

import orjson

from gateway.handlers.planning import Asked, need_method
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.model_names import parse_path_model, resource_name
from gateway.protocols.models import openai_model, openai_models
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing, Plan

MODELS_CREATED_S = 1_700_000_000
"""Gemini tells no dates of models, and clients insist on a number: one constant for all."""


class ModelsTranslation:
    """Gemini's model list or model, in OpenAI's shape."""

    __slots__ = ("_single",)

    def __init__(self, *, single: bool) -> None:
        self._single = single

    def whole(self, reply: JsonObject) -> bytes:
        if self._single:
            return orjson.dumps(openai_model(reply, created_s=MODELS_CREATED_S))
        return orjson.dumps(openai_models(reply, created_s=MODELS_CREATED_S))

    def event(self, reply: JsonObject) -> bytes:  # noqa: ARG002 - a list is never streamed
        return b""

    def end(self) -> bytes:
        return b""


def plan_models(asked: Asked) -> Plan:
    """The plan of a model list, or of one model. Raises BadRequest."""
    need_method(asked.head, "The model list", "GET", "HEAD")
    name = asked.route.resource.partition("/")[2]
    return Plan(
        dialect="openai",
        operation="models",
        model="",
        method="GET",
        resource=resource_name(parse_path_model(name)) if name else "models",
        query="" if name else "pageSize=1000",
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        generates=False,
        translation=functools.partial(ModelsTranslation, single=bool(name)),
    )
