"""`/tasks/ID`: how far long work on keys or calls is, what came of it, and a way to stop it."""

from tornado.web import HTTPError

from admin.base import PageHandler
from admin.contexts.work import TaskPage
from gateway.control.tasks import Task


class WorkBase(PageHandler):
    """What both have in common."""

    async def find(self, task_id: str) -> Task:
        """The task; its page stands where that is which it works on. Raises HTTPError."""
        task = await self.desk.tasks.find(task_id)
        if task is None:
            raise HTTPError(404)
        self.section = task.subject
        return task


class TaskHandler(WorkBase):
    """The work; asked again and again while it is under way."""

    is_watched = True

    async def get(self, task_id: str) -> None:
        task = await self.find(task_id)
        if self.wants_fragment and task.is_over:
            self.set_header("HX-Trigger", f"{task.subject}-changed")
        await self.show("pages/task.html", TaskPage(task), fragment="fragments/work/task.html")

    head = get


class TaskStopHandler(WorkBase):
    """`/tasks/ID/stop`."""

    async def post(self, task_id: str) -> None:
        await self.desk.tasks.ask_to_stop(task_id)
        task = await self.find(task_id)
        if self.wants_fragment:
            self.finish(self.render_part("fragments/work/task.html", TaskPage(task)))
        else:
            self.go(f"/tasks/{task.id}")
