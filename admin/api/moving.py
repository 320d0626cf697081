"""`/api/admin/moving-in`: the logs of a gemini-balance in the same database, offered and taken in."""

from admin.api import shapes
from admin.api.base import ApiHandler


class MovingInHandler(ApiHandler):
    """How many rows wait; POST takes them in, as a task."""

    async def get(self) -> None:
        self.answer({"waiting_rows": await self.desk.moving.waiting()})

    async def post(self) -> None:
        self.answer(shapes.task(self.granted(await self.desk.moving.begin(self.actor))), status=202)
