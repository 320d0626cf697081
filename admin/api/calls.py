"""`/api/admin/calls…`: the log of calls, found, read, deleted, exported as a stream."""

from admin.api import exports, reading, shapes
from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish
from gateway.control.results import FieldError
from gateway.store.call_query import CallQuery


class CallsHandler(ApiHandler):
    """`/calls`: newest first; `next_before_id` leads to the next page."""

    async def get(self) -> None:
        asked = self.asked()
        limit = reading.number(asked, "limit", 50) or 50
        before_id = reading.number(asked, "before_id")
        page = await self.desk.calls.page(reading.call_query(asked), before_id=before_id, limit=limit)
        next_id = page.next_before_id
        self.answer(
            {
                "calls": [shapes.call(each) for each in page.calls],
                "next_before_id": None if next_id is None else str(next_id),
            }
        )


class CallHandler(ApiHandler):
    """`/calls/ID`, with what was kept of the error and the request; also by request id."""

    async def get(self, call_id: str) -> None:
        found = None
        if call_id.isdecimal():
            found = await self.desk.calls.read(int(call_id))
        if found is None:
            found = await self.desk.calls.read_by_request_id(call_id)
        if found is None:
            raise ApiError(404, "There is no such call; it may have been deleted.")
        self.answer(shapes.call(found, whole=True))


class CallDeleteHandler(ApiHandler):
    """`/calls/delete`: `ids`, or `filter` (as the list takes it) as a task; an empty filter is everything."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        ids, inner = wish.texts("ids"), self.wish().get("filter")
        wish.inner("filter")
        wish.done()
        if (ids is None) == (inner is None):
            words = "Name either ids or a filter."
            raise ApiError(422, words, [FieldError("ids", words)])
        if ids is not None:
            numbers = [int(each) for each in ids if each.isdecimal()]
            self.answer({"deleted": await self.desk.calls.delete(numbers, self.actor)})
            return
        task = await self.desk.calls.delete_matching(_query(inner), self.actor)
        self.answer(shapes.task(self.granted(task)), status=202)


class CallExportHandler(ApiHandler):
    """`/calls/export`: `format` csv or jsonl, and the list's filters."""

    async def get(self) -> None:
        asked = self.asked()
        form = asked.get("format", "csv")
        if form not in ("csv", "jsonl"):
            raise ApiError(
                422, "format: must be csv or jsonl", [FieldError("format", "must be csv or jsonl")]
            )
        await exports.send_calls(self, form, self.desk.calls.export(reading.call_query(asked)))


def _query(given: object) -> CallQuery:
    if not isinstance(given, dict):
        raise ApiError(422, "filter: must be an object", [FieldError("filter", "must be an object")])
    return reading.call_query({str(name): str(value) for name, value in given.items() if value is not None})
