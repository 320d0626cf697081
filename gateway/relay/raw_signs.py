"""What is looked for in the bytes of a native stream that is passed on as it came: errors, its end, and more.

Pure. For raw_stream.py, which says what is done about it.
"""

import re
from dataclasses import replace

import orjson

from gateway.protocols.conversations import signatures_in
from gateway.protocols.gemini_request import may_ask_several
from gateway.protocols.reply_signs import CONTINUED, NOTHING_SEEN, ReplySigns, more_text, read_signs
from gateway.protocols.shapes import JsonObject
from gateway.relay.stream import is_json
from gateway.streaming.sse import first_payload
from gateway.streaming.tail import TailKeeper, last_payload

_SECOND_CANDIDATE = re.compile(rb'index": ?[1-9]')  # without the first quote, which is everywhere: faster
_ERROR_EVENT = re.compile(rb'data: ?\{\s*"error"')
ERROR = b'"error"'
_LONG_BYTES = 30_000
_TEXT = ReplySigns(has_content=True, begun=1)
"""What events show that are but text."""


def has_error(data: bytes) -> bool:
    """True when an error event stands in whole events."""
    # In longer ones CPython looks another way for what comes first, which takes twice as long.
    at = data.find(ERROR) if len(data) < _LONG_BYTES else data.rfind(ERROR)
    return at >= 0 and _ERROR_EVENT.search(data) is not None


def has_several(data: bytes, body: object) -> bool:
    """Whether there is a second candidate; to see that none was asked for is quicker than to search.

    body   the request's
    """
    if isinstance(body, bytes) and len(body) < len(data) and not may_ask_several(body):
        return False
    return _SECOND_CANDIDATE.search(data) is not None


def whole_told(data: bytes, body: object) -> ReplySigns | None:
    """What a stream that has ended shows, told by its first and its last event; None where these are not all.

    data   surely not more than the stream, perhaps less
    body   the request's
    """
    try:
        first = orjson.loads(first_payload(data))
    except orjson.JSONDecodeError:
        return None
    if not more_text(first) or (seen := end_told(data)) is None:
        return None
    if has_error(data) or has_several(data, body):
        return None
    if not seen.has_content or seen.begun != 1:
        seen = _TEXT.merged(seen)
        if not seen.ended:
            return None
    signatures = signatures_in(data)
    return replace(seen, signatures=seen.signed(signatures)) if signatures else seen


def end_told(rest: bytes) -> ReplySigns | None:
    """What the last event shows, but for signatures, if there is no more to learn from those before it."""
    payload = last_payload(rest)
    try:
        seen = read_signs(orjson.loads(payload)) if payload else NOTHING_SEEN
    except orjson.JSONDecodeError:
        return None
    if not seen.ended or seen.usage is None:
        return None
    return replace(seen, signatures=()) if seen.signatures else seen


def tail_told(tail: TailKeeper) -> tuple[ReplySigns, JsonObject | None]:
    """What the end of the stream shows, but for signatures, and the error that it ends with."""
    last = tail.read()
    seen = read_signs(
        {
            "candidates": [{"finishReason": last.finish_reason}],
            "promptFeedback": {"blockReason": last.block_reason},
            "usageMetadata": last.usage,
        }
    )
    if last.finish_reason == CONTINUED:
        seen = replace(seen, continuation=_continuation(tail))
    return seen, last.error


def _continuation(tail: TailKeeper) -> str | None:
    token = None
    for payload in tail.events():
        if b"ontinuation" in payload and is_json(payload):
            token = read_signs(orjson.loads(payload)).continuation
    return token
