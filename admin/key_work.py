"""`/keys/tasks/ID`: how far long work on keys is, what came of it, and a way to stop it."""

from tornado.web import HTTPError

from admin.contexts.keys import TaskPage
from admin.keys import KeysBase


class KeyTaskHandler(KeysBase):
    """The work; asked again and again while it is under way."""

    is_watched = True

    async def get(self, task_id: str) -> None:
        task = await self.desk.tasks.find(task_id)
        if task is None:
            raise HTTPError(404)
        if self.wants_fragment and task.is_over:
            self.set_header("HX-Trigger", "keys-changed")
        await self.show("pages/key_task.html", TaskPage(task), fragment="fragments/keys/task.html")

    head = get


class KeyTaskStopHandler(KeysBase):
    """`/keys/tasks/ID/stop`."""

    async def post(self, task_id: str) -> None:
        if not await self.desk.tasks.ask_to_stop(task_id):
            raise HTTPError(404)
        task = await self.desk.tasks.find(task_id)
        if self.wants_fragment and task is not None:
            self.finish(self.render_part("fragments/keys/task.html", TaskPage(task)))
        else:
            self.go(f"/keys/tasks/{task_id}")
