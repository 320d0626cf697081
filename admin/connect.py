"""`/connect`: how to point clients at this address, with the reader's own token once it is asked for."""

from admin.base import PageHandler
from admin.contexts.connect import ConnectPage
from admin.playground import TOKEN_SHOWN, read_token, token_choices
from admin.snippets import snippets_of
from admin.trial import Trial


class ConnectHandler(PageHandler):
    """The page; posted with a token's number, it shows that token in every snippet."""

    section = "connect"

    async def get(self) -> None:
        await self._show(0, None)

    head = get

    async def post(self) -> None:
        token_id = read_token(self)
        await self._show(token_id, await self.desk.tokens.reveal(token_id, self.actor))

    async def _show(self, token_id: int, secret: str | None) -> None:
        model = self.services.live.current.test_model
        token = secret or TOKEN_SHOWN
        prompt = self.words("Hello")
        openai, gemini = (
            snippets_of(Trial(dialect, model=model, prompt=prompt), self.origin, token)
            for dialect in ("openai", "gemini")
        )
        page = ConnectPage(
            origin=self.origin,
            tokens=await token_choices(self.desk),
            token_id=token_id,
            token=token,
            is_shown=secret is not None,
            model=model,
            openai=openai,
            gemini=gemini,
        )
        await self.show("pages/connect.html", page, fragment="fragments/connect/clients.html")
