"""`/settings…`: every setting with where its value comes from, changed by groups, reset, taken elsewhere."""

from dataclasses import replace

import orjson
from tornado.web import HTTPError

from admin.base import PageHandler
from admin.contexts.settings import BootSetting, Change, ProxiesPanel, SettingGroup, SettingsPage, WayLine
from admin.setting_form import HEADINGS, field_of, read_wanted, typed_field
from admin.words import refusals
from gateway.control.results import Refused
from gateway.control.setting_desk import SettingDesk
from gateway.control.setting_trail import HIDDEN
from gateway.settings.about import Group
from gateway.settings.catalogue import BY_NAME, DESCRIPTIONS, SettingDescription, text_of
from gateway.store.records import AuditRow

MOST_CHANGES = 50
_FILES = {"env": "gateway.env", "json": "settings.json"}


class SettingBase(PageHandler):
    """What the page of settings and its changes share."""

    section = "settings"

    @property
    def settings_desk(self) -> SettingDesk:
        return self.desk.settings

    @property
    def sought(self) -> str:
        return self.get_argument("q", "")[:200]

    async def groups(self) -> list[SettingGroup]:
        """The groups with what the filter matches, as they stand."""
        views = await self.settings_desk.all()
        found = []
        for group, heading in HEADINGS.items():
            fields = tuple(
                field_of(view, self.words(view.description.about.help))
                for view in views
                if view.description.about.group is group and self._matches(view.description)
            )
            if fields:
                found.append(SettingGroup(group.name.lower(), self.words(heading), fields, self.sought))
        return found

    async def page(self) -> SettingsPage:
        """The whole page as things stand."""
        self.services.model_list.refresh_soon()
        entries = await self.desk.trail.latest(MOST_CHANGES, about="setting")
        boot = self.services.boot
        return SettingsPage(
            sought=self.sought,
            groups=tuple(await self.groups()),
            boot=tuple(
                BootSetting(
                    each.name, _boot_text(each, getattr(boot, each.attribute)), self.words(each.about.help)
                )
                for each in DESCRIPTIONS
                if isinstance(boot, each.model) and self._matches(each)
            ),
            changes=tuple(_change(entry) for entry in entries),
            models=tuple(sorted(self.services.model_list.names)),
            proxies=self.proxies_panel(),
            old_rows=await self.desk.moving.waiting(),
        )

    def proxies_panel(self) -> ProxiesPanel:
        """The ways to the upstream, untried."""
        proxies = self.desk.proxies.all()
        return ProxiesPanel((WayLine(), *(WayLine(each) for each in proxies)))

    async def show_settings(self, page: SettingsPage, *, status: int = 200) -> None:
        await self.show("pages/settings.html", page, status=status)

    async def answer_group(self, group_id: str, names: tuple[str, ...] | Refused) -> None:
        """What became of a group: the fragment or the page, with errors where they belong."""
        groups = await self.groups()
        group = next((each for each in groups if each.id == group_id), None)
        if group is None:
            raise HTTPError(404)
        if isinstance(names, Refused):
            errors = refusals(names, self.reader)
            sent = set(self.get_body_arguments("field"))
            group = replace(
                group,
                fields=tuple(
                    typed_field(each, self.texts, errors.get(each.name, "")) if each.name in sent else each
                    for each in group.fields
                ),
            )
            status = 422
        else:
            status = 200
            group = replace(group, said=self.said(names))
            if not self.wants_fragment:
                query = f"?q={self.sought}" if self.sought.isalnum() else ""
                self.go(f"/settings{query}#{group.id}", said=group.said)
                return
        if self.wants_fragment:
            self.set_status(status)
            self.finish(self.render_part("fragments/settings/group.html", group))
            return
        page = await self.page()
        groups = [group if each.id == group.id else each for each in groups]
        await self.show_settings(replace(page, groups=tuple(groups)), status=status)

    def said(self, names: tuple[str, ...]) -> str:
        """What a change did."""
        if not names:
            return self.words("Nothing was different.")
        return self.words("Saved: {names}.").format(names=", ".join(names))

    def wrong(self, refused: Refused) -> str:
        """What is wrong with a text that was to be imported."""
        found = refusals(refused, self.reader)
        return " ".join(words if name == "text" else f"{name}: {words}" for name, words in found.items())

    def texts(self, name: str) -> list[str]:
        """All texts the form holds under a name, line ends as they are here."""
        return [text.replace("\r\n", "\n") for text in self.get_body_arguments(name, strip=False)]

    def _matches(self, each: SettingDescription) -> bool:
        heading = HEADINGS[each.about.group]
        both = (heading, self.words(heading), each.about.help, self.words(each.about.help))
        text = "\n".join((each.name, *both)).lower()
        return self.sought.strip().lower() in text


class SettingsHandler(SettingBase):
    """`/settings`: the page; posted, it changes the settings of one group, all or none."""

    async def get(self) -> None:
        await self.show_settings(await self.page())

    head = get

    async def post(self) -> None:
        descriptions = [BY_NAME[name] for name in self.get_body_arguments("field") if name in BY_NAME]
        wanted = read_wanted(descriptions, self.texts)
        result = await self.settings_desk.change(wanted, self.actor)
        await self.answer_group(self.get_body_argument("group", ""), result)


class SettingResetHandler(SettingBase):
    """`/settings/reset`: one setting, or all, back to the environment or the default."""

    async def post(self) -> None:
        name = self.get_body_argument("name", "")
        if name:
            group = BY_NAME[name].about.group if name in BY_NAME else Group.ACCESS
            await self.answer_group(group.name.lower(), await self.settings_desk.reset([name], self.actor))
            return
        await self.settings_desk.reset_all(self.actor)
        self.go("/settings", said=self.words("All settings are those of the environment and the defaults."))


class SettingExportHandler(SettingBase):
    """`/settings/export`: a file to take away, with secrets when asked for."""

    async def post(self) -> None:
        form = "json" if self.get_body_argument("format", "") == "json" else "env"
        with_secrets = bool(self.get_body_argument("secrets", ""))
        text = await self.settings_desk.export(as_json=form == "json", with_secrets=with_secrets)
        kind = "application/json" if form == "json" else "text/plain; charset=UTF-8"
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", f'attachment; filename="{_FILES[form]}"')
        self.finish(text)


class SettingImportHandler(SettingBase):
    """`/settings/import`: a file, or its text, taken whole or not at all."""

    async def post(self) -> None:
        text = self.pasted()
        result = await self.settings_desk.take_in(text, self.actor)
        if isinstance(result, Refused):
            given = "" if self.request.files else text
            page = replace(await self.page(), given=given, wrong=self.wrong(result))
            await self.show_settings(page, status=422)
        else:
            self.go("/settings", said=self.said(result))


def _boot_text(description: SettingDescription, value: object) -> str:
    text = text_of(value)
    return HIDDEN if text and description.about.secret else text


def _change(entry: AuditRow) -> Change:
    detail = orjson.loads(entry.detail)
    named = entry.subject.removeprefix("setting ") if entry.subject.startswith("setting ") else ""
    return Change(
        at_ms=entry.at_ms,
        actor=entry.actor,
        peer=entry.peer,
        action=entry.action,
        names=named or f"{len(detail.get('names', ()))}",
        before=str(detail.get("from", "")),
        after=str(detail.get("to", "")),
    )
