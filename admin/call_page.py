"""`/calls/ID`: one call, its attempts in time and what was kept of it; also by request id."""

import orjson
from tornado.web import HTTPError

from admin.calls import CallsBase
from admin.contexts.calls import CallDetailPage, Step
from gateway.store.records import CallRecord, StoredCall

_LEAST_WIDTH = 0.6
"""In per cent: so much of a bar is seen."""


class CallPageHandler(CallsBase):
    """The page."""

    async def get(self, call_id: str) -> None:
        found = await self._find(call_id)
        if found is None:
            raise HTTPError(404)
        call = found.call
        names = await self.token_names()
        page = CallDetailPage(
            now_ms=self.now_ms,
            found=found,
            steps=steps_of(call),
            token_name=names.get(call.token_id or 0, ""),
            error=readable(call.error_body),
            request=readable(call.request_body),
            records_bodies=self.services.live.current.error_log_record_request_body,
        )
        await self.show("pages/call.html", page)

    head = get

    async def _find(self, text: str) -> StoredCall | None:
        found = await self.desk.calls.read(int(text)) if text.isdecimal() and len(text) <= 19 else None
        return found or await self.desk.calls.read_by_request_id(text)


def steps_of(call: CallRecord) -> tuple[Step, ...]:
    """A call's attempts in its time."""
    began_ms = last_ms = call.started_at_ms
    ends_ms = [each.started_at_ms + each.duration_ms for each in call.attempts]
    whole_ms = max([call.duration_ms, *(each - began_ms for each in ends_ms), 1])
    steps = []
    for attempt, end_ms in zip(call.attempts, ends_ms, strict=True):
        left = min(max(100 * (attempt.started_at_ms - began_ms) / whole_ms, 0.0), 100.0 - _LEAST_WIDTH)
        width = min(max(100 * attempt.duration_ms / whole_ms, _LEAST_WIDTH), 100.0 - left)
        steps.append(Step(attempt, max(attempt.started_at_ms - last_ms, 0), round(left, 2), round(width, 2)))
        last_ms = end_ms
    return tuple(steps)


def readable(body: bytes | None) -> str:
    """A body as people read it: JSON with a line for each field, anything else as it came."""
    if body is None:
        return ""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
