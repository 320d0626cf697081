"""The operator's wishes for answers, put into a plan: streams asked whole, texts paced, pictures moved out.

Pure. Called for each call of a client where one of them is switched on (handlers/visit.py); other calls keep
their plan.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from gateway.protocols.native_stream import ARRAY_OPENING, NativeArray, NativeEvents
from gateway.relay.plan import Framing, Host, Plan, Staging, StreamTranslation
from gateway.streaming.pacing import Pace

_STREAMED = ":streamGenerateContent"
_WHOLE = ":generateContent"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the settings say of answers; there is none where they say nothing.

    beat_every_s   streams are asked whole, their clients told so often that the call lives; 0 streams truly
    """

    beat_every_s: float = 0.0
    pace: Pace | None = None
    host: Host | None = None


def shaped(plan: Plan, shape: Shape) -> Plan:
    """The plan as the operator wants it; plans of other things than generated answers stay as they are."""
    if not plan.generates or plan.staging is not None or plan.framing not in _FRAMINGS:
        return plan
    host = None if plan.translation is None else shape.host  # native callers get what Google made
    is_stream = plan.streams and plan.resource.endswith(_STREAMED)
    beat_every_s = shape.beat_every_s if is_stream else 0.0
    pace = shape.pace if is_stream else None
    translation = _stream_translation(plan)
    if translation is None or not (host or beat_every_s or pace):
        return plan
    staging = Staging(
        framing=plan.framing,
        translation=translation,
        opening=ARRAY_OPENING if plan.framing is Framing.ARRAY else b"",
        beat_every_s=beat_every_s,
        shows_empty=plan.translation is None,
        pace=pace,
        host=host,
    )
    if not beat_every_s:
        return replace(plan, staging=staging)
    return replace(
        plan,
        staging=staging,
        framing=Framing.WHOLE,
        resource=plan.resource.removesuffix(_STREAMED) + _WHOLE,
        query=_without_alt(plan.query),
    )


_FRAMINGS = frozenset({Framing.WHOLE, Framing.EVENTS, Framing.ARRAY})


def _stream_translation(plan: Plan) -> Callable[[], StreamTranslation] | None:
    """What tells the stream in the caller's dialect, None where the plan's own translation cannot."""
    if plan.translation is None:
        return NativeArray if plan.framing is Framing.ARRAY else NativeEvents
    if isinstance(plan.translation(), StreamTranslation):
        return cast(Callable[[], StreamTranslation], plan.translation)
    return None


def _without_alt(query: str) -> str:
    """The query without `alt=sse`, which a whole answer does not have; `$alt` says how enums are written."""
    return "&".join(pair for pair in query.split("&") if pair.partition("=")[0] != "alt")
