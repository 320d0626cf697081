"""What a client's request asks of the upstream, and how the answer becomes the client's.

Built by the handlers, one per call; a dialect is nothing more than the functions in here.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.pool.key import GEMINI
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure
from gateway.protocols.shapes import JsonObject


class Framing(enum.Enum):
    """How the upstream's answer arrives."""

    WHOLE = "whole"  # one JSON body
    EVENTS = "events"  # server-sent events
    ARRAY = "array"  # one JSON array whose elements appear over time


class Mending(Protocol):
    """Changes a call's body where that may turn the upstream's refusal into an answer; one a call."""

    def mend(self, failure: Failure) -> bytes | None:
        """The body to try instead, None when nothing can be changed."""

    def worked(self) -> None:
        """What was changed has been answered."""


class Translation(Protocol):
    """Turns one attempt's answer into the client's dialect; made anew for each attempt."""

    def whole(self, reply: JsonObject) -> bytes: ...

    def event(self, reply: JsonObject) -> bytes: ...

    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Pin:
    """Whose an object is that the call names: only this key, or a key of this project, can reach it."""

    key_id: int
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One call, in upstream terms.

    dialect       "openai" or "gemini": a label, and the key of nothing
    operation     the Gemini verb: generateContent, countTokens, … or "models"
    model         the bare upstream name; the pool chooses by it
    resource      path after the version: `models/gemini-3.5-flash:generateContent`
    query         what follows the `?`, without credentials
    version       the version the client named, "" for none
    translation   None passes the upstream's bytes on as they are
    generates     a reply without content is a failure (retried once)
    error_body    an error as the whole answer
    error_tail    an error after content has been sent, as the last bytes of the stream
    mending       how the body may be changed where the upstream refuses it
    provider      whose keys serve it, and at whose address
    pin           the call is bound to a key and never fails over
    until_s       the loop's time when the call must be over; None counts from its beginning
    conversation  digest of a thought signature it brings along: the key that made it is preferred
    """

    dialect: str
    operation: str
    model: str
    resource: str
    framing: Framing
    error_body: Callable[[Problem], bytes]
    error_tail: Callable[[Problem], bytes]
    body: bytes | None = None
    method: str = "POST"
    query: str = ""
    version: str = ""
    translation: Callable[[], Translation] | None = None
    mending: Mending | None = None
    generates: bool = True
    forwarded: Sequence[tuple[str, str]] = ()
    provider: str = GEMINI
    pin: Pin | None = None
    conversation: bytes | None = None
    until_s: float | None = None

    @property
    def streams(self) -> bool:
        return self.framing is not Framing.WHOLE


STREAM_TYPE = "text/event-stream"
JSON_TYPE = "application/json; charset=UTF-8"


def content_type(plan: Plan) -> str:
    """The media type of the client's answer."""
    return STREAM_TYPE if plan.framing is Framing.EVENTS else JSON_TYPE
