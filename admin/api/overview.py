"""`/api/admin/overview`, `/pool`, `/attention`, `/tasks…` and `/audit`: how things are and what was done."""

from admin.api import reading, shapes
from admin.api.base import ApiError, ApiHandler
from gateway.control.overview import ATTENTION_KINDS, PERIODS
from gateway.control.results import FieldError


class OverviewHandler(ApiHandler):
    """`/overview`: the numbers of a `period`."""

    async def get(self) -> None:
        period = self.asked().get("period", "24h")
        if period not in PERIODS:
            words = f"must be one of {', '.join(PERIODS)}"
            raise ApiError(422, f"period: {words}", [FieldError("period", words)])
        overview = self.desk.overview
        self.answer(shapes.overview(await overview.numbers(period), await overview.usual_attention()))


class PoolHandler(ApiHandler):
    """`/pool`: what the pool is doing now."""

    async def get(self) -> None:
        self.answer(shapes.pool(self.desk.overview.pool()))


class AttentionHandler(ApiHandler):
    """`/attention`: the keys that failed most in 24 hours, of one `kind` or all."""

    async def get(self) -> None:
        asked = self.asked()
        kinds = [asked["kind"]] if asked.get("kind") else ATTENTION_KINDS
        limit = reading.number(asked, "limit", 20) or 20
        found = await self.desk.overview.attention(kinds, min(max(limit, 1), 1000))
        self.answer({"keys": shapes.attention(found)})


class TasksHandler(ApiHandler):
    """`/tasks`."""

    async def get(self) -> None:
        self.answer({"tasks": [shapes.task(each) for each in await self.desk.tasks.latest(50)]})


class TaskHandler(ApiHandler):
    """`/tasks/ID`."""

    async def get(self, task_id: str) -> None:
        found = await self.desk.tasks.find(task_id)
        if found is None:
            raise ApiError(404, "There is no such task.")
        self.answer(shapes.task(found))


class TaskStopHandler(ApiHandler):
    """`/tasks/ID/stop`."""

    async def post(self, task_id: str) -> None:
        if not await self.desk.tasks.ask_to_stop(task_id):
            raise ApiError(404, "There is no such task.")
        self.answer({"stopping": True}, status=202)


class AuditHandler(ApiHandler):
    """`/audit`: newest first, of one `subject` or all."""

    async def get(self) -> None:
        asked = self.asked()
        limit = reading.number(asked, "limit", 50) or 50
        rows = await self.desk.trail.latest(
            min(max(limit, 1), 500),
            before_id=reading.number(asked, "before_id"),
            subject=asked.get("subject") or None,
        )
        self.answer({"entries": [shapes.audit(row) for row in rows]})
