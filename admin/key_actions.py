"""`/keys/do` and `/keys/ID/do`: what is done to keys, and told where it was asked for.

A few keys at once; many as a task, whose progress is shown. Also: undo, export.
"""

from collections.abc import Sequence

from tornado.web import HTTPError

from admin.api import exports
from admin.contexts.keys import Answer, RevealedPage
from admin.keys import KeysBase
from admin.words import FAILURES, in_words, refusals
from gateway.control.key_edits import KeyEdit, check_edit
from gateway.control.key_tasks import ACTIONS, OF_EVERY_KEY, WORKS, KeyAction, Selection
from gateway.control.keys import MOST_REVEALED
from gateway.control.paid_key import refuse_without_row
from gateway.control.results import Refused
from gateway.control.tasks import Task

AT_ONCE = 200
"""So many keys are changed while one waits; more are a task."""
_MOST_NAMED = 20_000


class KeyActions(KeysBase):
    """What doing something to keys has in common."""

    async def act(self, selection: Selection) -> None:
        """Do what the form says to the keys selected, and tell what came of it."""
        wanted = self.get_body_argument("do", "")
        if wanted == "copy":
            await self._show_secrets(await self.desk.key_tasks.select(selection, MOST_REVEALED + 1))
            return
        edit = self._edit() if wanted == "edit" else None
        action = next((each for each in ACTIONS if each == wanted), None)
        if action is None:
            raise HTTPError(400)
        refused = check_edit(edit) if edit is not None else None
        ids = await self.desk.key_tasks.select(selection, AT_ONCE + 1)
        if refused is None and action not in OF_EVERY_KEY:
            refused = refuse_without_row(selection.ids or ())
        if not ids and refused is None:
            refused = Refused.because("ids", "No key matches.")
        if refused is not None:
            await self.tell_refusal(refused)
        elif len(ids) > AT_ONCE or (len(ids) > 1 and action in ("check", "generate", "admit")):
            await self._begin(action, selection, edit)
        else:
            await self._do(action, ids, edit)

    async def _do(self, action: KeyAction, ids: Sequence[int], edit: KeyEdit | None) -> None:
        """Do it while one waits."""
        count = len(ids)
        if action in ("check", "generate", "admit"):
            found = await self.desk.key_tasks.check(ids, generate=action == "generate")
            (outcome,) = found
            await self.tell(self._checked(outcome), tone="" if outcome == WORKS else "dead")
        elif action == "reset":
            await self.desk.keys.reset(ids, self.actor)
            await self.tell(self._counted(self.words("Reset: %(count)s."), count))
        elif action == "delete":
            deleted = await self.desk.keys.delete(ids, self.actor)
            said = self._counted(self.words("Deleted: %(count)s."), deleted.count)
            await self.tell(said, undo=deleted.batch)
        else:
            changed = await self.desk.keys.change(
                ids, edit or KeyEdit(enabled=action == "enable"), self.actor
            )
            if isinstance(changed, Refused):
                await self.tell_refusal(changed)
                return
            said = {
                "enable": self.words("Enabled: %(count)s."),
                "disable": self.words("Disabled: %(count)s."),
            }.get(action, self.words("Changed: %(count)s."))
            await self.tell(self._counted(said, count))

    async def _begin(self, action: KeyAction, selection: Selection, edit: KeyEdit | None) -> None:
        task = await self.desk.key_tasks.begin(action, selection, self.actor, edit=edit)
        if isinstance(task, Refused):
            await self.tell_refusal(task)
        else:
            await self.tell_task(task)

    async def tell(self, said: str, *, tone: str = "", undo: str = "") -> None:
        """Say what came of it, with the list as it is now; a browser is led back to where it was."""
        if self.wants_fragment:
            way_back = self.address.link(f"/keys/undo/{undo}") if undo else ""
            answer = Answer(said=said, tone=tone, undo=way_back, keys=await self.keys_page())
            await self.show_part("fragments/keys/answer.html", answer)
        else:
            place = self.address.link()
            joint = "&" if "?" in place else "?"
            self.go(f"{place}{joint}undo={undo}" if undo else self.way_back(), said=said)

    async def tell_task(self, task: Task) -> None:
        """Show work that was begun."""
        if self.wants_fragment:
            self.finish(self.render_part("fragments/keys/answer.html", Answer(task=task)))
        else:
            self.go(f"/tasks/{task.id}")

    async def tell_refusal(self, refused: Refused) -> None:
        """Say why nothing was done."""
        said = " ".join(refusals(refused, self.reader).values())
        if self.wants_fragment:
            self.set_status(422)
            self.finish(self.render_part("fragments/keys/answer.html", Answer(said=said, tone="dead")))
        else:
            self.go(self.way_back(), said=said)

    def way_back(self) -> str:
        """Where a browser without scripts goes after a change."""
        return self.address.link()

    async def _show_secrets(self, ids: Sequence[int]) -> None:
        shown = await self.desk.keys.reveal(ids, self.actor)
        if isinstance(shown, Refused):
            await self.tell_refusal(shown)
            return
        if self.wants_fragment:
            await self.show_part("fragments/keys/answer.html", Answer(shown=tuple(shown)))
        else:
            await self.show("pages/revealed.html", RevealedPage(tuple(shown)))

    def _edit(self) -> KeyEdit:
        """Tags to add and to take off, from the form."""
        return KeyEdit(
            add_tags=read_tags(self.get_body_argument("add_tags", "")),
            remove_tags=read_tags(self.get_body_argument("remove_tags", "")),
        )

    def _checked(self, outcome: str) -> str:
        if outcome == WORKS:
            return self.words("The key works.")
        if outcome == "gone":
            return self.words("The key is gone.")
        said = in_words(FAILURES, outcome, self.reader.language)
        return self.words("The key does not work: %(why)s.") % {"why": said}

    def _counted(self, message: str, count: int) -> str:
        return message % {"count": self.reader.number(count)}


class KeysDoHandler(KeyActions):
    """`/keys/do`: to keys chosen, to those of one outcome of a task, or to all that the address asks for."""

    async def post(self) -> None:
        await self.act(await self.selection())

    async def selection(self) -> Selection:
        """Which keys the form means."""
        if task_id := self.get_body_argument("task", ""):
            task = await self.desk.tasks.find(task_id)
            outcome = self.get_body_argument("outcome", "")
            groups = () if task is None else task.groups
            return Selection(
                tuple(key_id for each in groups if each.outcome == outcome for key_id in each.ids)
            )
        if self.get_body_argument("all", ""):
            return Selection(matching=self.address.filter)
        texts = self.get_body_arguments("key")[:_MOST_NAMED]
        return Selection(tuple(int(each) for each in texts if each.isascii() and each.isdigit()))


class KeysExportHandler(KeysDoHandler):
    """`/keys/export`: the same keys in the clear, as a file."""

    async def post(self) -> None:
        form = self.get_body_argument("form", "text")
        if form not in exports.MEDIA_TYPES:
            raise HTTPError(400)
        selection = await self.selection()
        count = await exports.send_keys(self, form, self.desk.key_tasks.export(selection))
        await self.desk.keys.note_export(count, self.actor)


class KeyDoHandler(KeyActions):
    """`/keys/ID/do`: to one key, from its line in the list or, with `here`, from its own page."""

    _key_id = ""

    async def post(self, key_id: str) -> None:
        self._key_id = key_id
        await self.act(Selection((int(key_id),)))

    def way_back(self) -> str:
        return f"/keys/{self._key_id}" if self.get_query_argument("here", "") else super().way_back()


class KeysUndoHandler(KeyActions):
    """`/keys/undo/BATCH`: brings deleted keys back."""

    async def post(self, batch: str) -> None:
        count = await self.desk.keys.undo_delete(batch, self.actor)
        if count:
            await self.tell(self._counted(self.words("Brought back: %(count)s."), count))
        else:
            await self.tell(self.words("There is nothing to bring back any more."), tone="dead")


def read_tags(text: str) -> tuple[str, ...]:
    """Tags of a field, by commas or lines."""
    names = (each.strip() for each in text.replace("，", ",").replace("\n", ",").split(","))
    return tuple(dict.fromkeys(each for each in names if each))
