"""`/search`: pages, settings, keys, tokens, models and calls by one field: a few of each.

The field is posted, since a whole key may be typed into it, which is to stand in no address.
"""

import re
from dataclasses import replace
from urllib.parse import urlencode

from admin.base import PageHandler
from admin.contexts.search import SearchPage, SettingHit
from admin.places import PARTS, PLACES
from admin.setting_form import HEADINGS
from gateway.control.key_paste import without_keys
from gateway.control.key_views import KeyFilter
from gateway.errors import StoreError
from gateway.protocols.redaction import masked
from gateway.settings.catalogue import DESCRIPTIONS
from gateway.settings.model import RowLists

MOST_OF_A_KIND = 5
_MOST_CHARS = 500
_TOKENS_S = 2.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{6,128}")


class SearchHandler(PageHandler):
    """The page, and its findings while one types. A whole key leads to its page: it is to stay nowhere."""

    async def get(self) -> None:
        sought = self.get_query_argument("q", "")[:_MOST_CHARS].strip()
        page = await self._find(sought)
        if page.sought == sought or self.wants_fragment:
            await self._show(page)
        else:
            self.go(_way(page))

    head = get

    async def post(self) -> None:
        page = await self._find(self.get_body_argument("q", "")[:_MOST_CHARS].strip())
        if self.wants_fragment:
            await self._show(page)
        else:
            self.go(_way(page))

    async def _show(self, page: SearchPage) -> None:
        await self.show("pages/search.html", page, fragment="fragments/search/found.html")

    async def _find(self, sought: str) -> SearchPage:
        """What matches; whole keys are in it in their masked form alone."""
        page = self._known_here(sought)
        if sought:
            try:
                page = await self._asked_for(page)
            except StoreError:
                page = replace(page, is_partial=True)
        (only, *others) = page.keys or (None,)
        if only is not None and not others and only.alias != sought and masked(sought) == only.alias:
            return replace(page, sought=only.alias, is_whole_key=True)
        return replace(page, sought=without_keys(sought))

    def _known_here(self, sought: str) -> SearchPage:
        """What is found without the database."""
        self.services.model_list.refresh_soon()
        wanted = sought.lower()
        page = SearchPage(sought, int(self.parts.lookout.now_s * 1000))
        if not wanted:
            return replace(page, places=PLACES)
        places = [
            each
            for each in (*PLACES, *PARTS)
            if wanted in f"{each.words}\n{self.words(each.words)}".lower() or each.address == wanted
        ]
        settings = self._settings(wanted)
        models = sorted(name for name in self.services.model_list.names if wanted in name.lower())
        return replace(
            page,
            places=tuple(places[:MOST_OF_A_KIND]),
            settings=tuple(settings[:MOST_OF_A_KIND]),
            settings_total=len(settings),
            models=tuple(models[:MOST_OF_A_KIND]),
        )

    def _settings(self, wanted: str) -> list[SettingHit]:
        """Settings that match: those first that are called so."""
        found: list[tuple[bool, SettingHit]] = []
        for each in DESCRIPTIONS:
            heading, help_text = self.words(HEADINGS[each.about.group]), self.words(each.about.help)
            is_called_so = wanted.replace(" ", "_") in each.name.lower()
            if each.model is not RowLists and (
                is_called_so or wanted in "\n".join((heading, help_text, each.about.help)).lower()
            ):
                found.append((not is_called_so, SettingHit(each.name, help_text)))
        return [hit for _, hit in sorted(found, key=lambda pair: pair[0])]

    async def _asked_for(self, page: SearchPage) -> SearchPage:
        """The same with keys, tokens and calls. Raises StoreError."""
        desk, sought = self.services.desk, page.sought
        listing = await desk.key_list.page(KeyFilter(text=sought), page_size=MOST_OF_A_KIND)
        tokens = await self.parts.lookout.fresh.get("tokens", _TOKENS_S, desk.tokens.all)
        named = [
            each for each in tokens if each.id and sought.lower() in f"{each.name}\n{each.alias}".lower()
        ]
        is_id = _REQUEST_ID.fullmatch(sought) is not None
        return replace(
            page,
            keys=listing.keys,
            keys_total=listing.total,
            tokens=tuple(named[:MOST_OF_A_KIND]),
            call=await desk.calls.read_by_request_id(sought) if is_id else None,
        )


def _way(page: SearchPage) -> str:
    """An address for what was found: the page of a key that was asked for whole, else the search's own."""
    if page.is_whole_key:
        return f"/keys/{page.keys[0].id}"
    return f"/search?{urlencode({'q': page.sought})}"
