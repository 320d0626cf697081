"""`/calls`: the log of calls, found and paged; `/calls/newer`: what came since; `/calls/export`: a file."""

from urllib.parse import parse_qs

from tornado.web import HTTPError

from admin.api import exports
from admin.base import PageHandler
from admin.call_filters import NAMES, CallAddress, read_call_address
from admin.contexts.calls import CallsPage, FirstCall, NewerCalls
from admin.contexts.playground import TokenChoice
from admin.playground import TOKEN_SHOWN, token_choices
from admin.snippets import curl
from admin.trial import Trial
from gateway.store.call_query import CallQuery

COUNTED_TO = 1_000
MOST_NEWER = 99
_FACTS_S = 10.0


class CallsBase(PageHandler):
    """What the pages of calls share."""

    section = "calls"

    @property
    def address(self) -> CallAddress:
        """The list that the address asks for."""
        given = {name: self.get_query_argument(name, "") for name in NAMES}
        return read_call_address(given, self.reader.zone)

    @property
    def asked(self) -> CallQuery:
        """Its calls, as the store is asked for them."""
        return self.address.filter.query(self.now_ms, self.services.live.current.timezone)

    async def calls_page(self, *, first: FirstCall | None = None) -> CallsPage:
        """The list as it is now."""
        address, now_ms = self.address, self.now_ms
        asked, calls = self.asked, self.desk.calls
        if address.after is not None:
            listing = await calls.page_after(asked, address.after, limit=address.size)
        else:
            listing = await calls.page(asked, before_id=address.before, limit=address.size)
        is_empty = not (listing.calls or address.is_narrowed or address.before)
        latest = await self.desk.tasks.latest(5)
        return CallsPage(
            now_ms=now_ms,
            address=address,
            listing=listing,
            total=await calls.count(asked, COUNTED_TO),
            counted_to=COUNTED_TO,
            token_names=await self.token_names(),
            key_name=await self._key_name(address.filter.key),
            models=tuple(sorted(self.services.model_list.names)),
            work=tuple(each for each in latest if each.subject == "calls" and not each.is_over),
            first=(first or await self.first_call()) if is_empty else None,
        )

    async def token_names(self) -> dict[int, str]:
        """What every access token is called, by its id."""
        return await self.parts.lookout.fresh.get("token names", _FACTS_S, self.desk.tokens.names)

    async def first_call(self, secret: str | None = None) -> FirstCall:
        """How the first call is made here, with an access token once it was asked for."""
        tokens = await token_choices(self.desk)
        trial = Trial("openai", self.services.live.current.test_model, prompt=self.words("Hello"))
        return FirstCall(
            curl=curl(trial, self.origin, secret or TOKEN_SHOWN),
            token=tokens[0] if tokens else None,
            is_shown=secret is not None,
        )

    async def _key_name(self, key_id: int | None) -> str:
        if key_id is None:
            return ""
        found = await self.desk.key_list.named([key_id])
        return found[0].alias if found else str(key_id)


class CallsHandler(CallsBase):
    """The list; posted, it shows how the first call is made, with a token in it."""

    async def get(self) -> None:
        address = self.address
        if self._names_local_times() and not self.is_htmx:
            self.redirect(address.here())
            return
        if self.is_htmx:
            self.set_header("HX-Push-Url", address.here())
        await self.show("pages/calls.html", await self.calls_page(), fragment="fragments/calls/list.html")

    head = get

    async def post(self) -> None:
        token: TokenChoice | None = (await self.first_call()).token
        secret = None if token is None else await self.desk.tokens.reveal(token.id, self.actor)
        page = await self.calls_page(first=await self.first_call(secret))
        await self.show("pages/calls.html", page, fragment="fragments/calls/list.html")

    def _names_local_times(self) -> bool:
        """Whether the address has times on the reader's clock, as a form sends them."""
        sent = parse_qs(self.request.query)
        return any(not text.endswith("Z") for name in ("from", "to") for text in sent.get(name, ()))


class NewerCallsHandler(CallsBase):
    """How many calls came that match; asked again and again while the list is seen."""

    is_watched = True

    async def get(self) -> None:
        address = self.address
        if address.after is None:
            raise HTTPError(400)
        asked = self.asked
        count = await self.desk.calls.newer(asked, address.after, MOST_NEWER + 1)
        newer = NewerCalls(address, address.after, count, MOST_NEWER)
        self.finish(self.render_part("fragments/calls/newer.html", newer))


class CallsExportHandler(CallsBase):
    """What the address asks for, as a file."""

    async def get(self) -> None:
        form = self.get_query_argument("form", "csv")
        if form not in ("csv", "jsonl"):
            raise HTTPError(400)
        await exports.send_calls(self, form, self.desk.calls.export(self.asked))
