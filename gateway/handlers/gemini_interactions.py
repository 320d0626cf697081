"""`interactions`: passed on like the rest, with events and errors of their own; a new one asks a model."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from gateway.handlers.binding import bind
from gateway.handlers.gemini_passing import passing_plan
from gateway.handlers.planning import Asked, json_object
from gateway.protocols.gemini_request import references
from gateway.protocols.interactions import is_streamed, model_of
from gateway.protocols.object_names import owner_of
from gateway.relay.plan import Framing, Plan


def plan_interaction(asked: Asked) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan of a new interaction. Raises BadRequest, at once or while it waits."""
    body = json_object(asked.body)
    model = model_of(body)
    plan = passing_plan(asked, None)
    # A generation that broke is asked again like any other; what goes on by itself is not begun twice.
    goes_on = body.get("background") is True or "agent" in body
    plan = replace(
        plan,
        model=model,
        bucket=None,
        framing=Framing.NAMED_EVENTS if is_streamed(body) else Framing.ANY,
        passage=replace(plan.passage, once=goes_on),
    )
    agent = body.get("agent")
    named = (f"agents/{agent}",) if isinstance(agent, str) and owner_of(f"agents/{agent}") else ()
    return bind(asked, plan, (*named, *references(body)))
