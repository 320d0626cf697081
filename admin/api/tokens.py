"""`/api/admin/tokens…`: access tokens, their limits and their use."""

from admin.api import reading, shapes
from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish


class TokensHandler(ApiHandler):
    """`/tokens`."""

    async def get(self) -> None:
        self.answer({"tokens": [shapes.token(view) for view in await self.desk.tokens.all()]})

    async def post(self) -> None:
        wish = Wish(self.wish())
        name, secret, inner = wish.text("name"), wish.text("secret"), wish.inner("limits")
        wish.done()
        limits = None if inner is None else reading.limits(inner)
        new = self.granted(await self.desk.tokens.add(name, self.actor, secret=secret, limits=limits))
        self.answer({"id": new.id, "alias": new.alias, "secret": new.secret}, status=201)


class TokenHandler(ApiHandler):
    """`/tokens/ID`."""

    async def patch(self, token_id: str) -> None:
        edit = reading.token_edit(Wish(self.wish()))
        if not self.granted(await self.desk.tokens.change(int(token_id), edit, self.actor)):
            raise ApiError(404, "There is no such token.")
        await self.get(token_id)

    async def get(self, token_id: str) -> None:
        for view in await self.desk.tokens.all():
            if view.id == int(token_id):
                self.answer(shapes.token(view))
                return
        raise ApiError(404, "There is no such token.")

    async def delete(self, token_id: str) -> None:
        deleted = await self.desk.tokens.delete(int(token_id), self.actor)
        if not deleted.count:
            raise ApiError(404, "There is no such token.")
        self.answer({"deleted": deleted.count, "undo": deleted.batch})


class TokenRevealHandler(ApiHandler):
    """`/tokens/ID/reveal`."""

    async def post(self, token_id: str) -> None:
        secret = await self.desk.tokens.reveal(int(token_id), self.actor)
        if secret is None:
            raise ApiError(404, "There is no such token.")
        self.answer({"id": int(token_id), "secret": secret})


class TokenModelsHandler(ApiHandler):
    """`/tokens/ID/models`: its use by model, today or of so many `days`."""

    async def get(self, token_id: str) -> None:
        days = reading.number(self.asked(), "days", 1) or 1
        used = await self.desk.tokens.models(int(token_id), days=min(max(days, 1), 400))
        self.answer(
            {"models": [{"model": each.model, "calls": each.calls, "tokens": each.tokens} for each in used]}
        )
