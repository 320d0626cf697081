"""`/keys/add`: keys from anything that is pasted or a file, looked at before they are saved."""

from admin.contexts.keys import AddPage, KeyFields
from admin.key_actions import KeyActions, read_tags
from admin.words import refusals
from gateway.control.key_edits import NewKeys
from gateway.control.key_tasks import Selection
from gateway.control.keys import Added
from gateway.control.pasting import Preview
from gateway.control.results import Refused

_MOST_CHARS = 32 * 1024 * 1024


class KeysAddHandler(KeyActions):
    """The form; posted, it says what would be added, and adds what was seen."""

    async def get(self) -> None:
        await self._show(KeyFields(provider=self.get_query_argument("provider", "gemini")))

    head = get

    async def post(self) -> None:
        fields = self._typed()
        new = _new_keys(fields)
        preview = await self.desk.keys.preview(fields.text, new.provider) if fields.text.strip() else None
        if self.only_looks(preview):
            await self._show(fields, preview=preview)
            return
        added = await self.desk.keys.add(fields.text, new, self.actor)
        if isinstance(added, Refused):
            await self._show(fields, preview=preview, errors=refusals(added, self.reader))
            return
        await self._lead_on(added, fields)

    async def _lead_on(self, added: Added, fields: KeyFields) -> None:
        count = len(added.ids)
        if fields.check and count:
            task = await self.desk.key_tasks.begin("admit", Selection(added.ids), self.actor)
            if isinstance(task, Refused):
                said = " ".join(refusals(task, self.reader).values())
                self.go("/keys?state=disabled", said=said)
            else:
                self.go(f"/tasks/{task.id}")
            return
        self.go("/keys", said=self._counted(self.words("Added: %(count)s."), count))

    async def _show(
        self, fields: KeyFields, *, preview: Preview | None = None, errors: dict[str, str] | None = None
    ) -> None:
        page = AddPage(fields=fields, preview=preview, errors=errors or {})
        looks = self.get_body_argument("step", "") == "look"
        fragment = "fragments/keys/preview.html" if looks else ""
        await self.show("pages/add_keys.html", page, fragment=fragment, status=422 if errors else 200)

    def _typed(self) -> KeyFields:
        """The form that was sent, with what stands in its file."""
        field = self.get_body_argument
        return KeyFields(
            text=self.pasted()[:_MOST_CHARS],
            provider=field("provider", "gemini"),
            note=field("note", ""),
            tags=field("tags", ""),
            project=field("project", ""),
            weight=field("weight", "1"),
            check=bool(field("check", "")),
        )


def _new_keys(fields: KeyFields) -> NewKeys:
    """What the keys have in common; a weight that is no number is outside its bounds."""
    weight = fields.weight
    return NewKeys(
        provider=fields.provider,
        note=fields.note,
        tags=read_tags(fields.tags),
        project=fields.project,
        weight=int(weight) if weight.isascii() and weight.isdigit() and len(weight) < 9 else 0,
        enabled=not fields.check,
    )
