"""What a client's request asks of the upstream, and how the answer becomes the client's.

Built by the handlers, one per call; a dialect is nothing more than the functions in here.
"""

import enum
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gateway.pool.key import GEMINI
from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import Failure
from gateway.protocols.media import Media
from gateway.protocols.reply_signs import ReplySigns, read_signs
from gateway.protocols.shapes import JsonObject
from gateway.streaming.pacing import Pace
from gateway.upstream.transport import BodySource
from gateway.values import maker, remaker, value


class Framing(enum.Enum):
    """How the upstream's answer arrives."""

    __hash__ = object.__hash__  # Enum's own is a function in Python, and each call asks for it some times

    WHOLE = "whole"  # one JSON body
    EVENTS = "events"  # server-sent events
    ARRAY = "array"  # one JSON array whose elements appear over time
    OPENAI_EVENTS = "openai_events"  # server-sent events in OpenAI's form, with a last mark
    NAMED_EVENTS = "named_events"  # the Interactions API's events, which have names and a last mark
    ANY = "any"  # whatever it is: passed on with its type and length


NOT_STREAMED = frozenset({Framing.WHOLE, Framing.ANY})


class Mending(Protocol):
    """Changes a call's body where that may turn the upstream's refusal into an answer; one a call."""

    def mend(self, failure: Failure) -> bytes | None:
        """The body to try instead, None when nothing can be changed."""

    def worked(self) -> None:
        """What was changed has been answered."""


class Translation(Protocol):
    """Turns one attempt's answer into the client's dialect; made anew for each attempt.

    It may also have `more(text, event)`, which is `event` for one that is but more text of what came before.
    """

    def whole(self, reply: JsonObject) -> bytes: ...

    def event(self, reply: JsonObject) -> bytes: ...

    def end(self) -> bytes: ...


Settling = Callable[[], Coroutine[Any, Any, None]]
"""Waits until every process knows what an answer has made: the next call may come to any of them."""


class Witness(Protocol):
    """Sees a good answer on its way to the client; made anew for each attempt.

    usage   what the answer says it used, as usageMetadata has it
    """

    usage: JsonObject | None

    def data(self, chunk: bytes) -> None:
        """A piece of a whole answer, as it comes."""

    def event(self, event: JsonObject) -> None:
        """An event of a stream; not all of them are shown."""

    def end(self) -> Settling | None:
        """The answer is whole. Gives what is waited for before the client may know that, if anything is."""


class Rewriting(Protocol):
    """Turns the bytes of a good answer into others as they come; made anew for each attempt."""

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece and give what is ready. Raises ValueError where the answer cannot be read."""

    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Passage:
    """Terms of a call that makes, moves or removes things, beyond those of a generation.

    door        what stands before the version in the address: `upload`, `download`, mostly ""
    address     the whole URL, where an earlier answer told it: such a call bears no key
    once        it must not be carried out twice: no second try when the first may have been
    witness     makes the one who sees the answer of an attempt with this key
    rewriting   makes what changes the bytes of an answer of any kind; None leaves them
    """

    door: str = ""
    address: str = ""
    once: bool = False
    witness: Callable[[Lease], Witness] | None = None
    rewriting: Callable[[], Rewriting] | None = None


_USUAL = Passage()


@runtime_checkable
class StreamTranslation(Translation, Protocol):
    """One that can tell a stream by itself, apart from what the upstream sends and when."""

    def broken(self, problem: Problem) -> bytes:
        """The error as the last bytes of the stream, or as all of it behind its opening."""

    def beat(self) -> bytes:
        """What may be sent while there is nothing to tell. It is sent at once: what it says is told."""


Host = Callable[[Media], Awaitable[str | None]]
"""Puts a picture where anybody can see it and gives its address; None when it failed. Never raises."""


@dataclass(frozen=True, slots=True)
class Staging:
    """How an answer reaches the client where it is not passed on as it comes.

    framing       the client's; the plan's own says how the upstream is asked
    translation   of one attempt's answer
    opening       the first bytes of the body
    beat_every_s  how often the client hears that its call lives, until there is content; 0 for never
    shows_empty   an answer without content is the client's when every try ended so
    pace          of its text; None lets it go as it comes
    host          takes its pictures; None leaves them inside
    """

    framing: Framing
    translation: Callable[[], StreamTranslation]
    opening: bytes = b""
    beat_every_s: float = 0.0
    shows_empty: bool = False
    pace: Pace | None = None
    host: Host | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """Whose an object is that the call names: only this key, or a key of this project, can reach it."""

    key_id: int
    project: str | None = None


@value(frozen=True, slots=True)
class Plan:
    """One call, in upstream terms.

    dialect       "openai", "gemini" or "anthropic": a label, and the key of nothing
    operation     the Gemini verb: generateContent, countTokens, … or "models"
    model         the bare upstream name; the pool chooses by it, unless there is a bucket
    resource      path after the version: `models/gemini-3.5-flash:generateContent`
    query         what follows the `?`, without credentials
    version       the version the client named, "" for none
    body          as it is sent; one that is still arriving can be sent once
    translation   None passes the upstream's bytes on as they are
    generates     a reply without content is a failure (retried once)
    error_body    an error as the whole answer
    error_tail    an error after content has been sent, as the last bytes of the stream; a `StreamTranslation`
                  tells it itself
    mending       how the body may be changed where the upstream refuses it
    provider      whose keys serve it, and at whose address
    pin           the call is bound to a key and never fails over
    until_s       the loop's time when the call must be over; None counts from its beginning. Bytes of
                  files have no such end, only the limit of silence
    bucket        what the pool counts and rests the call by when that is not its model: quotas of batches and
                  caches have nothing to do with those of generations
    passage       terms beyond those of a generation
    staging       None passes the answer on, translated or not, as it comes
    conversation  digest of a thought signature it brings along: the key that made it is preferred
    reads         what a parsed reply or event shows of its content, end and use; `read_signs` reads those
                  of Gemini's generations, and no others
    media_type    of the client's answer, where the framing does not say it
    bearer        the key travels as a bearer token
    detour        what follows a failure that says nothing of the key: another plan for the same model and
                  keys, or the client's answer; None for the usual course
    """

    dialect: str
    operation: str
    model: str
    resource: str
    framing: Framing
    error_body: Callable[[Problem], bytes]
    error_tail: Callable[[Problem], bytes]
    body: bytes | BodySource | None = None
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
    bucket: str | None = None
    passage: Passage = _USUAL
    staging: Staging | None = None
    reads: Callable[[object], ReplySigns] = read_signs
    media_type: str = ""
    bearer: bool = False
    detour: "Callable[[Failure], Plan | Problem | None] | None" = None

    @property
    def client_framing(self) -> Framing:
        """How the client's answer goes."""
        return self.framing if self.staging is None else self.staging.framing

    @property
    def streams(self) -> bool:
        """True for an answer that is made while the client reads it."""
        return self.client_framing not in NOT_STREAMED

    @property
    def quota(self) -> str:
        """The name the pool knows the call's quota by."""
        return self.model if self.bucket is None else self.bucket


new_plan = maker(Plan)
"""Makes the plan of an ordinary call."""
plan_with_body = remaker(Plan, "body", "mending", "conversation")
"""Makes the plan of a call that sends something else: (plan, body, mending, conversation)."""

STREAM_TYPE = "text/event-stream"
JSON_TYPE = "application/json; charset=UTF-8"


_EVENTS = frozenset({Framing.EVENTS, Framing.OPENAI_EVENTS, Framing.NAMED_EVENTS})


def is_told_as_made(plan: Plan) -> bool:
    """True for a stream that the client gets as fast as the model makes it."""
    staging = plan.staging
    return plan.framing not in NOT_STREAMED and (staging is None or staging.pace is None)


def content_type(plan: Plan) -> str:
    """The media type of the client's answer."""
    if plan.media_type:
        return plan.media_type
    return STREAM_TYPE if plan.client_framing in _EVENTS else JSON_TYPE
