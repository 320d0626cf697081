"""`/tokens…`: access tokens for clients, what each may do, and what it used."""

import time
from collections.abc import Mapping

from tornado.web import HTTPError

from admin.base import PageHandler
from admin.contexts.tokens import TokenFields, TokenPage, TokensPage
from admin.token_form import fields_of, read_limits, refusals
from gateway.control.results import Refused
from gateway.control.token_desk import NewToken, TokenDesk, TokenEdit, TokenView

MOST_SHOWN = 300
SPANS = (1, 7, 30)


class TokenBase(PageHandler):
    """What the pages of tokens share."""

    section = "tokens"

    @property
    def tokens(self) -> TokenDesk:
        return self.desk.tokens

    def typed(self) -> TokenFields:
        """The form that was sent."""
        return TokenFields(**{name: self.get_body_argument(name, "") for name in TokenFields.__slots__})

    async def show_list(
        self,
        *,
        fields: TokenFields | None = None,
        errors: Mapping[str, str] | None = None,
        added: NewToken | None = None,
    ) -> None:
        """The list of tokens with the form to add one; 422 when the form has errors."""
        sought = self.get_query_argument("q", "")[:200]
        found = [view for view in await self.tokens.all() if _matches(view, sought)]
        page = TokensPage(
            tokens=tuple(found[:MOST_SHOWN]),
            more=max(len(found) - MOST_SHOWN, 0),
            sought=sought,
            now_ms=int(time.time() * 1000),
            fields=fields or TokenFields(),
            errors=errors or {},
            added=added,
            undo=await self.undo_asked(self.tokens.undo),
        )
        status = 422 if errors else 200
        await self.show("pages/tokens.html", page, fragment="fragments/tokens/list.html", status=status)


class TokensHandler(TokenBase):
    """`/tokens`: the list; posted, it adds a token and shows it this once."""

    async def get(self) -> None:
        await self.show_list()

    head = get

    async def post(self) -> None:
        fields = self.typed()
        limits, errors = read_limits(fields, self.reader.zone, self.words)
        if not errors:
            added = await self.tokens.add(fields.name, self.actor, secret=fields.secret, limits=limits)
            if not isinstance(added, Refused):
                await self.show_list(added=added)
                return
            errors = refusals(added, self.reader, self.words)
        await self.show_list(fields=fields, errors=errors)


class TokenHandler(TokenBase):
    """`/tokens/ID`: one token's form and use; posted, it changes name and limits."""

    async def get(self, token_id: str) -> None:
        await self.show_token(await self.find(token_id))

    head = get

    async def post(self, token_id: str) -> None:
        view, fields = await self.find(token_id), self.typed()
        limits, errors = read_limits(fields, self.reader.zone, self.words)
        if not errors:
            edit = TokenEdit(name=fields.name, limits=limits)
            changed = await self.tokens.change(view.id, edit, self.actor)
            errors = refusals(changed, self.reader, self.words) if isinstance(changed, Refused) else {}
        if errors:
            await self.show_token(view, fields=fields, errors=errors)
        elif self.wants_fragment:
            await self.show_token(await self.find(token_id), saved=True)
        else:
            self.go(f"/tokens/{view.id}", said=self.words("The token was changed."))

    async def find(self, token_id: str) -> TokenView:
        """The token with an id; the administrator's, which is a setting, has no page."""
        wanted = int(token_id)
        for view in await self.tokens.all():
            if view.id == wanted != 0:
                return view
        raise HTTPError(404)

    async def show_token(
        self,
        view: TokenView,
        *,
        fields: TokenFields | None = None,
        errors: Mapping[str, str] | None = None,
        secret: str = "",
        saved: bool = False,
    ) -> None:
        days = next((each for each in SPANS if str(each) == self.get_query_argument("days", "")), SPANS[0])
        page = TokenPage(
            token=view,
            uses=tuple(await self.tokens.models(view.id, days=days)),
            days=days,
            now_ms=int(time.time() * 1000),
            fields=fields or fields_of(view, self.reader),
            errors=errors or {},
            secret=secret,
            saved=saved,
        )
        status = 422 if errors else 200
        await self.show("pages/token.html", page, fragment="fragments/tokens/token.html", status=status)


class TokenRevealHandler(TokenHandler):
    """`/tokens/ID/reveal`: the token in the clear, which the audit notes."""

    async def get(self, token_id: str) -> None:
        self.go(f"/tokens/{int(token_id)}")

    head = get

    async def post(self, token_id: str) -> None:
        view = await self.find(token_id)
        await self.show_token(view, secret=await self.tokens.reveal(view.id, self.actor) or "")


class TokenSwitchHandler(TokenHandler):
    """`/tokens/ID/switch`: enables or disables it."""

    async def get(self, token_id: str) -> None:
        self.go(f"/tokens/{int(token_id)}")

    head = get

    async def post(self, token_id: str) -> None:
        view = await self.find(token_id)
        enabled = self.get_body_argument("enabled", "") == "1"
        await self.tokens.change(view.id, TokenEdit(enabled=enabled), self.actor)
        if self.wants_fragment:
            await self.show_list()
        else:
            said = self.words("The token is enabled.") if enabled else self.words("The token is disabled.")
            self.go("/tokens", said=said)


class TokenDeleteHandler(TokenHandler):
    """`/tokens/ID/delete`: gone, unless somebody takes it back soon."""

    async def get(self, token_id: str) -> None:
        self.go(f"/tokens/{int(token_id)}")

    head = get

    async def post(self, token_id: str) -> None:
        view = await self.find(token_id)
        deleted = await self.tokens.delete(view.id, self.actor)
        self.go(f"/tokens?undo={deleted.batch}")


class TokenUndoHandler(TokenBase):
    """`/tokens/undo/BATCH`: brings a deleted token back."""

    async def post(self, batch: str) -> None:
        count = await self.tokens.undo_delete(batch, self.actor)
        back, late = (
            self.words("The token is back."),
            self.words("There is nothing to bring back any more."),
        )
        self.go("/tokens", said=back if count else late)


def _matches(view: TokenView, sought: str) -> bool:
    return sought.strip().lower() in f"{view.name}\n{view.alias}".lower()
