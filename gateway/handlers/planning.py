"""What a planner gets and what it may give back: the seam between a request and the calls it becomes.

A planner is a function of one `Asked`. What needs no waiting gives a `Plan` at once; what must look something
up, fetch pictures or make several calls is a coroutine, which runs on a task of its own.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.control.tokens import Token
from gateway.errors import BadRequest
from gateway.pool.key import GEMINI, PAID
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.long_texts import NOTHING_CUT, SHORTENED_BYTES, Shortened
from gateway.protocols.model_names import resource_name
from gateway.protocols.model_suffixes import ask_model, has_suffix
from gateway.protocols.paths import Route, azure_deployment
from gateway.protocols.shapes import JsonObject
from gateway.relay.call import Ticket
from gateway.relay.inner import (
    Asking,
    CallFailed,
    Found,
    InnerAnswer,
    answer_of,
    complete,
    reply_of,
    several,
)
from gateway.relay.plan import JSON_TYPE, Framing, Plan
from gateway.services import Services
from gateway.serving.light import RequestHead
from gateway.values import value

NAMES_WAIT_S = 5.0
JSON_HEADER = ("content-type", "application/json")


@value(frozen=True, slots=True)
class Asked:
    """A whole request of an admitted client.

    body     as it came
    ticket   what every call made for this request carries
    """

    services: Services
    head: RequestHead
    route: Route
    body: bytes
    token: Token
    ticket: Ticket

    @property
    def until_s(self) -> float:
        """The loop's time when the client is to have its whole answer."""
        return self.ticket.started_s + self.services.engine.policy.deadline_s

    def may_use(self, model: str) -> bool:
        """Whether the client's token may use a model, by its bare name."""
        may_use = self.ticket.may_use
        return may_use is None or may_use(model)

    @property
    def is_narrowed(self) -> bool:
        """Whether the client's token may use some models only."""
        limits = self.token.limits
        return limits is not None and limits.models is not None

    async def complete(self, plan: Plan) -> InnerAnswer:
        """Make one of several calls for this request and give its whole answer."""
        return await complete(self.services.engine, plan, self.ticket)

    def refuse_hidden(self, model: str) -> None:
        """Raise BadRequest for a bare name among FILTERED_MODELS."""
        ask_model(model, self.services.native_options.models)

    def names_wanted(self, model: object) -> bool:
        """True where a model's name can be read better once the upstream's names are known."""
        return isinstance(model, str) and has_suffix(model) and not self.services.model_list.names

    async def learn_names(self) -> None:
        """Wait for the upstream's names, not for long: a name is read without them too."""
        with contextlib.suppress(CallFailed, TimeoutError):
            async with asyncio.timeout(NAMES_WAIT_S):
                await self.services.model_list.current()

    async def reply(self, plan: Plan) -> JsonObject:
        """The parsed reply of one of several calls for this request. Raises CallFailed."""
        return await reply_of(self.services.engine, plan, self.ticket)

    async def answer(self, plan: Plan) -> InnerAnswer:
        """The good answer of one of several calls for this request. Raises CallFailed."""
        return await answer_of(self.services.engine, plan, self.ticket)

    async def each(
        self, asked: Sequence[Asking], ask: Callable[[Asking], Awaitable[Found]], *, at_once: int
    ) -> list[Found]:
        """What `ask` gives for each, in order; all of it within the time a call may take."""
        return await several(asked, ask, at_once=at_once, until_s=self.until_s)


@dataclass(frozen=True, slots=True)
class Whole:
    """A finished answer, for what is not one call passed on."""

    body: bytes
    status: int = 200
    content_type: str = JSON_TYPE
    headers: Sequence[tuple[str, str]] = ()


Planned = Plan | Whole
Planner = Callable[[Asked], Planned | Coroutine[Any, Any, Planned]]
"""Raises BadRequest for what is not served or cannot be read; while it waits, CallFailed as well."""


def model_plan(operation: str, model: str, verb: str, body: bytes) -> Plan:
    """The plan of an OpenAI request that asks a model once; `streamGenerateContent` gives events."""
    is_stream = verb == "streamGenerateContent"
    return Plan(
        dialect="openai",
        operation=operation,
        model=model,
        resource=f"{resource_name(model)}:{verb}",
        query="alt=sse" if is_stream else "",
        framing=Framing.EVENTS if is_stream else Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        body=body,
        forwarded=(JSON_HEADER,),
    )


def painting_provider(asked: Asked) -> str:
    """Whose key paints: the paid one where there is one."""
    return PAID if asked.services.live.current.paid_key else GEMINI


def json_object(body: bytes) -> JsonObject:
    """Parse a request's body. Raises BadRequest when it is not a JSON object."""
    if not body:
        raise BadRequest("The request has no body; a JSON object is expected.")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request's body is not valid JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise BadRequest("The request's body must be a JSON object.")
    return parsed


def shortened_object(body: bytes, shorten: Callable[[bytes], Shortened]) -> tuple[JsonObject, Shortened]:
    """The JSON object of a body without its long texts, and these; of all of it where that cannot be read.

    Raises BadRequest as `json_object` does, of the body as it came.
    """
    if len(body) >= SHORTENED_BYTES:
        shortened = shorten(body)
        if shortened.cut:
            with contextlib.suppress(BadRequest):
                return json_object(shortened.data), shortened
    return json_object(body), NOTHING_CUT


def openai_request(asked: Asked) -> JsonObject:
    """The JSON object of an OpenAI request; AzureOpenAI's clients name the model in the path."""
    return with_deployment(asked, json_object(asked.body))


def with_deployment(asked: Asked, request: JsonObject) -> JsonObject:
    """The request with the model that its path names, where it names none itself."""
    if "model" not in request and (deployment := azure_deployment(asked.head.path)):
        request["model"] = deployment
    return request


def need_method(head: RequestHead, what: str, *methods: str) -> None:
    """Raise BadRequest (405) unless the request has one of the methods."""
    if head.method not in methods:
        raise BadRequest(f"{what} takes {' or '.join(methods)}, not {head.method}.", status=405)
