"""`…/undo`: what was deleted a while ago, brought back by the name that its deletion gave."""

from collections.abc import Awaitable, Callable

from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish
from gateway.control.results import Actor


class _UndoHandler(ApiHandler):
    """`batch` is what the deletion answered as `undo`."""

    async def bring_back(self, undo: Callable[[str, Actor], Awaitable[int]]) -> None:
        wish = Wish(self.wish())
        batch = wish.text("batch")
        wish.done()
        count = await undo(batch, self.actor)
        if not count:
            raise ApiError(404, "There is nothing to bring back; it may be too long ago.")
        self.answer({"restored": count})


class KeyUndoHandler(_UndoHandler):
    """`/keys/undo`."""

    async def post(self) -> None:
        await self.bring_back(self.desk.keys.undo_delete)


class TokenUndoHandler(_UndoHandler):
    """`/tokens/undo`."""

    async def post(self) -> None:
        await self.bring_back(self.desk.tokens.undo_delete)
