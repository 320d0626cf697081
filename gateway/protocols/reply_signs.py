"""What one Gemini reply or stream event shows: content, its end, blocks, errors, usage.

Pure reading; nothing is changed or copied. Tells a real answer from the 200s that are failures.
Called by `relay` to hold a stream until its first content and to judge a finished reply.
"""

import re
from collections.abc import Iterable
from typing import Any

from gateway.protocols.conversations import MOST_SIGNATURES, signature_of
from gateway.protocols.failures import Failure, FailureKind, classify_error
from gateway.protocols.reason_names import BLOCK_REASONS, FINISH_REASONS, reason_named
from gateway.protocols.redaction import redact
from gateway.values import maker, value

_MALFORMED = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
_ACCOUNT_LIMITED = "PUP_LIMITED_DISABLED"
CONTINUED = "CONTINUATION"
"""The finish reason of a reply that goes on in another request."""
_BLOCKING = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "NO_IMAGE",
        "MODEL_ARMOR",
        "ESCALATION",
    }
)
# Ends that a second try will not change: an answer without content is then the true answer.
_SETTLED = frozenset({"MAX_TOKENS", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", CONTINUED})
# What may stand in a part beside its content.
_PART_MODIFIERS = frozenset(
    {
        "thought",
        "thoughtSignature",
        "thought_signature",
        "videoMetadata",
        "video_metadata",
        "mediaResolution",
        "media_resolution",
        "partMetadata",
        "part_metadata",
    }
)
_MAX_CANDIDATES = 128
# What a candidate may have beside its content that says nothing of it, and what an event may not have.
_BESIDE_CONTENT = frozenset({"content", "index", "safetyRatings", "tokenCount"})
_SIGNED_TEXT = frozenset({"text", "thoughtSignature"})
_BESIDE_TEXT = frozenset({"error", "promptFeedback", "prompt_feedback", "usage_metadata"})
_END_NAMES = b'eason"'
_BEFORE_END_NAMES = (8, 9, 7)  # of finishReason, finish_reason and block_reason's likes, with the quote
_END_MARK = re.compile(rb'"(?:finish_?[rR]eason|block_?[rR]eason)"\s*:\s*(?:"[A-Z_]+"|\d+)')


@value(frozen=True, slots=True)
class ReplySigns:
    """What was seen in one reply or event, or in a whole stream (see `merged`).

    has_content      a part with text, a call, data, code …; thoughts count
    finish_reason    the candidate's, by name; an unknown number n is "FINISH_REASON_n"
    block_reason     promptFeedback's, by name
    usage            usageMetadata as it stands in the event; it is cumulative, the last one wins
    malformed        the model made something that cannot be used (MALFORMED_FUNCTION_CALL …)
    account_limited  the key's account is limited for policy violations (PUP_LIMITED_DISABLED)
    signatures       the thought signatures it bears, the last ones
    continuation     what goes on with a reply that reached the limit of one request, in the same project
    begun, done      the candidates that were seen, and those that gave a finish reason: bits by their index
    """

    has_content: bool = False
    finish_reason: str | None = None
    block_reason: str | None = None
    error: Failure | None = None
    usage: dict[str, Any] | None = None
    malformed: bool = False
    account_limited: bool = False
    signatures: tuple[str, ...] = ()
    continuation: str | None = None
    begun: int = 0
    done: int = 0

    @property
    def ended(self) -> bool:
        """True when the model has said its last word, in every candidate: the stream was not cut."""
        if self.block_reason is not None or self.error is not None:
            return True
        return self.finish_reason is not None and self.begun == self.done

    def merged(self, later: "ReplySigns") -> "ReplySigns":
        """Add what a later event of the same stream showed."""
        return _new_signs(
            has_content=self.has_content or later.has_content,
            finish_reason=later.finish_reason or self.finish_reason,
            block_reason=later.block_reason or self.block_reason,
            error=later.error or self.error,
            usage=self.usage if later.usage is None else later.usage,
            malformed=self.malformed or later.malformed,
            account_limited=self.account_limited or later.account_limited,
            signatures=self.signed(later.signatures) if later.signatures else self.signatures,
            continuation=later.continuation or self.continuation,
            begun=self.begun | later.begun,
            done=self.done | later.done,
        )

    def counted(self, usage: object) -> "ReplySigns":
        """With an event's usageMetadata, which may be missing."""
        if not isinstance(usage, dict):
            return self
        return _new_signs(  # `replace` would take five times as long
            has_content=self.has_content,
            finish_reason=self.finish_reason,
            block_reason=self.block_reason,
            error=self.error,
            usage=usage,
            malformed=self.malformed,
            account_limited=self.account_limited,
            signatures=self.signatures,
            continuation=self.continuation,
            begun=self.begun,
            done=self.done,
        )

    def signed(self, later: Iterable[str]) -> tuple[str, ...]:
        """The signatures when `later` ones have come."""
        return (*self.signatures, *later)[-MOST_SIGNATURES:]


_new_signs = maker(ReplySigns)
NOTHING_SEEN = ReplySigns()


def opened(event: object) -> object:
    """What stands in a one-element list, in which Google wraps some errors; anything else as it is."""
    if isinstance(event, list):
        return event[0] if event else None
    return event


def read_signs(event: object) -> ReplySigns:
    """Read one GenerateContentResponse: a whole reply or one event of a stream.

    event   the parsed JSON; also a one-element list (array-wrapped errors). Anything else shows nothing.
    Never raises, whatever the types inside.
    """
    if not isinstance(event, dict):
        event = opened(event)
        if not isinstance(event, dict):
            return NOTHING_SEEN
    if (plain := _signs_of_plain(event)) is not None:
        return plain
    if (error := event.get("error")) is not None:
        return _new_signs(error=classify_error(error))
    has_content = False
    finish_reason: str | None = None
    signatures: tuple[str, ...] = ()
    begun = done = 0
    candidates = event.get("candidates")
    if isinstance(candidates, list):
        for position, candidate in enumerate(candidates):
            if isinstance(candidate, dict):
                is_told, signed, named, bit = _read_candidate(candidate, position)
                has_content = has_content or is_told
                signatures += signed
                begun |= bit
                done |= bit if named is not None else 0
                # With several candidates the worst end must not hide behind a good one.
                if named is not None and (finish_reason is None or finish_reason == "STOP"):
                    finish_reason = named
    usage = event.get("usageMetadata")
    if usage is None:
        usage = event.get("usage_metadata")
    feedback = event.get("promptFeedback")
    if feedback is None:
        feedback = event.get("prompt_feedback")
    return _new_signs(
        has_content=has_content,
        finish_reason=finish_reason,
        block_reason=_block_reason(feedback) if isinstance(feedback, dict) else None,
        usage=usage if isinstance(usage, dict) else None,
        malformed=finish_reason in _MALFORMED,
        account_limited=finish_reason == _ACCOUNT_LIMITED,
        signatures=signatures[-MOST_SIGNATURES:],
        continuation=_continuation(candidates) if finish_reason == CONTINUED else None,
        begun=begun,
        done=done,
    )


def _signs_of_plain(event: dict[str, Any]) -> ReplySigns | None:
    """What a reply or event shows that is but one text, ended as usual or not at all; None for any other.

    Nearly all are such, and to see that takes half of reading them.
    """
    try:
        (candidate,) = event["candidates"]
        reason = candidate.get("finishReason")
        if reason != "STOP" and (reason is not None or "finish_reason" in candidate):
            return None
        (part,) = candidate["content"]["parts"]
        text = part.get("text")
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if type(text) is not str or candidate.get("index", 0) != 0 or not _BESIDE_TEXT.isdisjoint(event):
        return None
    signature = None
    if len(part) > 1:
        if not _SIGNED_TEXT.issuperset(part):
            return None
        signature = signature_of(part)
    usage = event.get("usageMetadata")
    return _new_signs(
        has_content=text != "",
        finish_reason=reason,
        usage=usage if isinstance(usage, dict) else None,
        signatures=() if signature is None else (signature,),
        begun=1,
        done=0 if reason is None else 1,
    )


def more_text(event: Any) -> str:
    """The text of an event that holds but one of the first candidate, and perhaps usage; "" for any other.

    event   the parsed JSON, of any shape

    Nearly all events of a stream are such, and to see that takes a fraction of reading them.
    """
    try:
        (candidate,) = event["candidates"]
        (part,) = candidate["content"]["parts"]
        text = part["text"]
        if type(text) is not str or len(part) != 1 or candidate.get("index", 0) != 0:
            return ""
    except (KeyError, TypeError, ValueError):
        return ""
    return text if _BESIDE_CONTENT.issuperset(candidate) and _BESIDE_TEXT.isdisjoint(event) else ""


def reply_failure(signs: ReplySigns, *, status: int = 200) -> Failure | None:
    """Judge a finished 200: the failure it really is, or None for a true answer.

    signs   of the whole reply, or of all events of a stream merged

    BLOCKED is the client's true answer: record it, do not retry it. For streams use `stream_failure`.
    """
    if signs.error is not None:
        return signs.error
    if signs.account_limited:
        return _said(FailureKind.ACCOUNT_LIMITED, status, _ACCOUNT_LIMITED)
    if signs.malformed:
        return _said(FailureKind.MALFORMED, status, signs.finish_reason or "")
    if signs.block_reason is not None and not signs.has_content:
        return _said(FailureKind.BLOCKED, status, signs.block_reason)
    if signs.finish_reason in _BLOCKING:
        return _said(FailureKind.BLOCKED, status, signs.finish_reason or "")
    if signs.has_content or signs.finish_reason in _SETTLED:
        return None
    return _said(FailureKind.EMPTY, status, signs.finish_reason or "no candidates")


def stream_failure(signs: ReplySigns) -> Failure | None:
    """Judge a 200 stream that closed without a transport error; `signs` of all its events merged."""
    if signs.has_content and not signs.ended:
        return _said(FailureKind.TRUNCATED, 200, "no finishReason")
    return reply_failure(signs)


def end_seen(tail: bytes) -> bool:
    """Say whether the last bytes of a relayed stream hold a finish or block reason.

    tail   a few kilobytes: usage and grounding data may stand behind the reason

    A quick look for streams that are passed on unparsed. Escaped text never matches; a tool call whose
    arguments hold a field of that name may, which errs towards calling a stream whole.
    """
    at = tail.rfind(_END_NAMES)  # from behind: there it stands, and CPython looks twice as fast
    while at >= 0:
        # Matched where a name may begin: searched from quote to quote, a long piece takes ten times as long.
        if any(_END_MARK.match(tail, max(at - letters, 0)) for letters in _BEFORE_END_NAMES):
            return True
        at = tail.rfind(_END_NAMES, 0, at)
    return False


def _said(kind: FailureKind, status: int, reason: str) -> Failure:
    return Failure(kind=kind, status=status, reason=redact(reason)[:60])


def _read_candidate(
    candidate: dict[str, Any], position: int
) -> tuple[bool, tuple[str, ...], str | None, int]:
    """Whether it holds content, its signatures, its finish reason, and its bit if it has begun."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        parts = ()
    has_content = False
    signatures: tuple[str, ...] = ()
    for part in parts:
        if isinstance(part, dict):
            has_content = has_content or bool(part.get("text")) or _has_other_content(part)
            if (signature := signature_of(part)) is not None:
                signatures = (*signatures, signature)
    named = candidate.get("finishReason")
    if named is None:
        named = candidate.get("finish_reason")
    if named is not None:
        named = reason_named(named, FINISH_REASONS, "FINISH_REASON")
    if not parts and named is None:
        return False, (), None, 0
    index = candidate.get("index", position)
    bit = 1 << index if type(index) is int and 0 <= index < _MAX_CANDIDATES else 1
    return has_content, signatures, named, bit


def _has_other_content(part: dict[str, Any]) -> bool:
    return any(
        name != "text" and value is not None and name not in _PART_MODIFIERS for name, value in part.items()
    )


def _continuation(candidates: object) -> str | None:
    for candidate in candidates if isinstance(candidates, list) else ():
        if isinstance(candidate, dict):
            token = candidate.get("continuationToken") or candidate.get("continuation_token")
            if isinstance(token, str) and token:
                return token
    return None


def _block_reason(feedback: dict[str, Any]) -> str | None:
    reason = feedback.get("blockReason")
    if reason is None:
        reason = feedback.get("block_reason")
    return reason_named(reason, BLOCK_REASONS, "BLOCK_REASON")
