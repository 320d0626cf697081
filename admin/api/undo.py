"""`…/undo`: what was deleted a while ago, brought back by the name that its deletion gave."""

from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish


class UndoHandler(ApiHandler):
    """`batch` is what the deletion answered as `undo`."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        batch = wish.text("batch")
        wish.done()
        count = await self.bring_back(batch)
        if not count:
            raise ApiError(404, "There is nothing to bring back; it may be too long ago.")
        self.answer({"restored": count})

    async def bring_back(self, batch: str) -> int:
        raise NotImplementedError


class KeyUndoHandler(UndoHandler):
    """`/keys/undo`."""

    async def bring_back(self, batch: str) -> int:
        return await self.desk.keys.undo_delete(batch, self.actor)


class TokenUndoHandler(UndoHandler):
    """`/tokens/undo`."""

    async def bring_back(self, batch: str) -> int:
        return await self.desk.tokens.undo_delete(batch, self.actor)
