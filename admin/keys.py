"""`/keys`: every key, found, sorted and paged; `/keys/rows`: those on the screen as they stand now."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace

from admin.base import PageHandler
from admin.contexts.keys import KeyLine, KeyRows, KeysPage
from admin.key_filters import NAMES, KeyAddress, read_key_address
from gateway.control.key_views import KeyView
from gateway.store.rollup import HOUR_MS

_FACTS_S = 10.0
MOST_ROWS = 500
_ID = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class KeysBase(PageHandler):
    """What the pages of keys share."""

    section = "keys"

    @property
    def address(self) -> KeyAddress:
        """The list that the address asks for."""
        return read_key_address({name: self.get_query_argument(name, "") for name in NAMES})

    async def keys_page(self, address: KeyAddress | None = None) -> KeysPage:
        """The list as it is now, of an address or of this request's."""
        address, fresh = address or self.address, self.parts.lookout.fresh
        listing, latest, tags, undo = await asyncio.gather(
            self.desk.key_list.page(address.filter, page=address.page, page_size=address.size),
            self.desk.tasks.latest(5),
            fresh.get("tags", _FACTS_S, self.desk.key_list.tags),
            self.undo_asked(self.desk.keys.undo),
        )
        return KeysPage(
            now_ms=self.now_ms,
            address=KeyAddress(address.filter, listing.page, address.size),
            listing=listing,
            lines=self.lines(listing.keys),
            beside=self.lines(listing.beside),
            tags=tuple(tags),
            models=tuple(sorted(self.services.model_list.names)),
            work=tuple(each for each in latest if each.kind.endswith("keys") and not each.is_over),
            undo=undo,
        )

    def lines(self, keys: Iterable[KeyView]) -> tuple[KeyLine, ...]:
        last_hour = self.now_ms // HOUR_MS
        return tuple(KeyLine(key, last_hour) for key in keys)


class KeysHandler(KeysBase):
    """The list."""

    async def get(self) -> None:
        asked = self.address
        address = await self.without_secrets(asked)
        if address is not asked and not self.is_htmx:
            self.redirect(address.link(page=address.page), status=303)
        else:
            await self.show_list(address)

    head = get

    async def without_secrets(self, address: KeyAddress) -> KeyAddress:
        """The address as it may be seen; the same one if nothing was to be hidden."""
        shown = await self.desk.key_list.without_secrets(address.filter)
        return address if shown is address.filter else replace(address, filter=shown)

    async def show_list(self, address: KeyAddress) -> None:
        page = await self.keys_page(address)
        if self.is_htmx:
            self.set_header("HX-Push-Url", page.address.link())
        await self.show("pages/keys.html", page, fragment="fragments/keys/list.html")


class KeysFindHandler(KeysHandler):
    """`/keys/find`: what is typed into the list's form, which may be a whole key, and leads to an address."""

    async def get(self) -> None:
        self.go("/keys")

    head = get

    async def post(self) -> None:
        typed = {name: self.get_body_argument(name, "") for name in NAMES}
        address = await self.without_secrets(read_key_address(typed))
        if self.wants_fragment:
            await self.show_list(address)
        else:
            self.go(address.link())


class KeyRowsHandler(KeysBase):
    """The rows named by `ids`, each to be put where it stands; asked again and again while they are seen."""

    is_watched = True

    async def get(self) -> None:
        texts = self.get_query_argument("ids", "").split(",")[:MOST_ROWS]
        ids = [int(each) for each in texts if _ID.fullmatch(each)]
        lines = self.lines(await self.desk.key_list.named(ids))
        await self.show_part("fragments/keys/rows.html", KeyRows(self.now_ms, lines))
