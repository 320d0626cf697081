"""`/settings/ways`, `/settings/proxies…`: ways to the upstream tried, proxies pasted and removed."""

from dataclasses import replace

from tornado.web import HTTPError

from admin.contexts.settings import ProxiesPanel, WayLine
from admin.settings import SettingBase
from admin.words import refusals
from gateway.control.proxies import ProxyDesk
from gateway.control.reach import WayOut
from gateway.control.results import Refused

_MOST_CHARS = 1_000_000
_DIRECT = WayLine().id


class ProxiesBase(SettingBase):
    """What has to do with proxies."""

    @property
    def proxies(self) -> ProxyDesk:
        return self.desk.proxies

    async def show_panel(self, panel: ProxiesPanel, *, status: int = 200) -> None:
        """The panel alone, or the page with it."""
        if self.wants_fragment:
            self.set_status(status)
            self.finish(self.render_part("fragments/settings/proxies.html", panel))
        else:
            await self.show_settings(replace(await self.page(), proxies=panel), status=status)

    async def tell(self, said: str) -> None:
        """What a change did, beside what it changed."""
        if self.wants_fragment:
            await self.show_panel(replace(self.proxies_panel(), said=said))
        else:
            self.go("/settings#proxies", said=said)


class SettingWaysHandler(ProxiesBase):
    """`/settings/ways`: whether the upstream is reached, by one way (`way`) or by all, and how fast."""

    async def post(self) -> None:
        wanted = self.get_body_argument("way", "")
        panel = self.proxies_panel()
        if wanted and wanted not in {line.id for line in panel.lines}:
            raise HTTPError(404)
        direct = await self.desk.reach.direct() if wanted in ("", _DIRECT) else None
        ways = await self._through(wanted)
        lines = tuple(
            replace(line, way=direct if line.proxy is None else ways.get(line.id)) for line in panel.lines
        )
        if wanted and self.wants_fragment:
            line = next(line for line in lines if line.id == wanted)
            self.finish(self.render_part("fragments/settings/way.html", line))
        else:
            await self.show_panel(replace(panel, lines=lines))

    async def _through(self, wanted: str) -> dict[str, WayOut]:
        if not wanted:
            return await self.proxies.check_all()
        way = None if wanted == _DIRECT else await self.proxies.check(wanted)
        return {} if way is None else {wanted: way}


class ProxiesHandler(ProxiesBase):
    """`/settings/proxies`: says what a pasted text would add, and adds what was seen."""

    async def post(self) -> None:
        text = self.pasted()[:_MOST_CHARS]
        preview = self.proxies.preview(text) if text.strip() else None
        if self.only_looks(preview):
            panel = replace(self.proxies_panel(), given=text, preview=preview)
            if self.wants_fragment and self.get_body_argument("step", "") == "look":
                self.finish(self.render_part("fragments/settings/proxy_preview.html", panel))
            else:
                await self.show_panel(panel)
            return
        added = await self.proxies.add(text, self.actor)
        if isinstance(added, Refused):
            error = " ".join(refusals(added, self.reader).values())
            panel = replace(self.proxies_panel(), given=text, preview=preview, error=error)
            await self.show_panel(panel, status=422)
        else:
            await self.tell(self.words("Added: %(count)s.") % {"count": self.reader.number(added)})


class ProxyRemoveHandler(ProxiesBase):
    """`/settings/proxies/remove`: one proxy fewer; calls that go through it come to their end."""

    async def post(self) -> None:
        removed = await self.proxies.remove(self.get_body_argument("way", ""), self.actor)
        if isinstance(removed, Refused):
            await self.tell(" ".join(refusals(removed, self.reader).values()))
        else:
            there = self.words("The proxy was removed.")
            await self.tell(there if removed else self.words("This proxy is not there any more."))
