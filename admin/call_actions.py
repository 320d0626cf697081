"""`/calls/delete` and `/calls/ID/delete`: calls are deleted, and it is told where it was asked for."""

from admin.calls import CallsBase
from admin.contexts.calls import CallsAnswer
from admin.words import refusals
from gateway.control.results import Refused

_MOST_NAMED = 1000


class CallsDeleteHandler(CallsBase):
    """Those chosen at once; all that the address asks for as work that is told of."""

    async def post(self) -> None:
        if self.get_body_argument("all", ""):
            await self._delete_matching()
            return
        texts = self.get_body_arguments("call")[:_MOST_NAMED]
        ids = [int(each) for each in texts if each.isascii() and each.isdigit() and len(each) <= 19]
        if not ids:
            await self._refuse(self.words("No call is chosen."))
            return
        count = await self.desk.calls.delete(ids, self.actor)
        said = self.words("Deleted: %(count)s.") % {"count": self.reader.number(count)}
        if self.wants_fragment:
            await self._answer(CallsAnswer(said=said, calls=await self.calls_page()))
        else:
            self.go(self.address.here(), said=said)

    async def _delete_matching(self) -> None:
        task = await self.desk.calls.delete_matching(self.asked, self.actor)
        if isinstance(task, Refused):
            await self._refuse(" ".join(refusals(task, self.reader).values()))
        elif self.wants_fragment:
            await self._answer(CallsAnswer(task=task))
        else:
            self.go(f"/tasks/{task.id}")

    async def _refuse(self, said: str) -> None:
        if self.wants_fragment:
            self.set_status(422)
            await self._answer(CallsAnswer(said=said, tone="dead"))
        else:
            self.go(self.address.here(), said=said)

    async def _answer(self, answer: CallsAnswer) -> None:
        await self.show_part("fragments/calls/answer.html", answer)


class CallDeleteHandler(CallsBase):
    """One call, from its own page."""

    async def post(self, call_id: str) -> None:
        count = await self.desk.calls.delete([int(call_id)], self.actor)
        said = self.words("Deleted: %(count)s.") % {"count": self.reader.number(count)}
        self.go("/calls", said=said)
