"""`/settings/take-logs`: the logs of the gemini-balance that was here before, taken in as long work."""

from admin.base import PageHandler
from admin.words import refusals
from gateway.control.results import Refused


class TakeLogsHandler(PageHandler):
    """Begins it and leads to its page."""

    section = "settings"

    async def post(self) -> None:
        task = await self.desk.moving.begin(self.actor)
        if isinstance(task, Refused):
            self.go("/settings", said=" ".join(refusals(task, self.reader).values()))
        else:
            self.go(f"/tasks/{task.id}")
