"""What may be done to many keys at once, as tasks: over a selection, or over everything a filter matches."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from gateway.control.key_edits import KeyEdit, check_edit
from gateway.control.key_list import KeyList
from gateway.control.key_views import KeyFilter
from gateway.control.keys import KeyDesk
from gateway.control.paid_key import refuse_without_row
from gateway.control.probe import Prober
from gateway.control.results import Actor, Refused
from gateway.control.tasks import Found, Outcomes, Task, TaskRunner, Work, in_parts
from gateway.control.undo import new_batch
from gateway.store.key_search import ALL
from gateway.store.records import KeyRow
from gateway.store.store import Store

KeyAction = Literal["check", "generate", "admit", "reset", "enable", "disable", "delete", "edit"]
ACTIONS: tuple[KeyAction, ...] = get_args(KeyAction)
OF_EVERY_KEY: frozenset[KeyAction] = frozenset({"check", "generate", "reset"})
"""What may also be done to a key that is a setting."""
UNDO = "undo "
"""How the outcome of a deletion begins; the name of its batch follows."""
WORKS = "ok"
"""The outcome of keys that were asked and answered, or were changed."""
CHECKS_AT_ONCE = 8
_KEYS_AT_ONCE = 500
_EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys by their ids, or, when there are none, everything a filter matches."""

    ids: tuple[int, ...] | None = None
    matching: KeyFilter | None = None


class KeyTasks:
    """Begins long work on keys."""

    def __init__(
        self, store: Store, keys: KeyDesk, listing: KeyList, prober: Prober, runner: TaskRunner
    ) -> None:
        self._store = store
        self._keys = keys
        self._listing = listing
        self._prober = prober
        self._runner = runner

    async def select(self, selection: Selection, most: int = ALL) -> list[int]:
        """The ids of the keys selected, at most so many."""
        if selection.ids is not None:
            return list(dict.fromkeys(selection.ids))[:most]
        return await self._listing.ids(selection.matching or KeyFilter(), most)

    async def _items(self, selection: Selection) -> Sequence[int] | Found:
        if selection.ids is not None:
            return list(dict.fromkeys(selection.ids))
        return await self._listing.found(selection.matching or KeyFilter())

    async def begin(
        self, action: KeyAction, selection: Selection, actor: Actor, *, edit: KeyEdit | None = None
    ) -> Task | Refused:
        """Do something to keys, as a task.

        action   "check" asks at no cost whether a key works, "generate" by a small generation with
                 TEST_MODEL; "admit" checks and enables those that work; "edit" needs `edit`
        """
        if action not in ACTIONS:
            return Refused.because("action", "must be one of %(choices)s", choices=", ".join(ACTIONS))
        if action == "edit" and edit is None:
            return Refused.because("edit", "What should be changed?")
        if edit is not None and (refused := check_edit(edit)):
            return refused
        if action not in OF_EVERY_KEY and (refused := refuse_without_row(selection.ids or ())):
            return refused
        items = await self._items(selection)
        if not len(items):
            return Refused.because("ids", "No key matches.")
        checks = action in ("check", "generate", "admit")
        at_once = CHECKS_AT_ONCE if checks else _KEYS_AT_ONCE
        work = self._work(action, actor, edit)
        return await self._runner.begin(f"{action} keys", items, work, actor, at_once=at_once)

    async def export(self, selection: Selection) -> AsyncIterator[list[KeyRow]]:
        """The rows of the keys selected, secrets and all, a part at a time."""
        async for part in in_parts(await self._items(selection), _EXPORT_CHUNK):
            yield await self._store.read(partial(self._store.keys.named, part))

    def _work(self, action: KeyAction, actor: Actor, edit: KeyEdit | None) -> Work:
        if action in ("check", "generate"):
            return lambda ids: self.check(ids, generate=action == "generate")
        if action == "admit":
            return lambda ids: self._admit(ids, actor)
        if action == "reset":
            return lambda ids: self._reset(ids, actor)
        if action == "delete":
            return partial(self._delete, actor, new_batch())
        wanted = {"enable": KeyEdit(enabled=True), "disable": KeyEdit(enabled=False)}.get(action)
        return lambda ids: self._edit(ids, wanted or edit or KeyEdit(), actor)

    async def check(self, ids: Sequence[int], *, generate: bool) -> Outcomes:
        """Check a few keys at once; gives them by what came out."""
        found: dict[str, list[int]] = {}
        results = await asyncio.gather(*(self._prober.check(key_id, generate=generate) for key_id in ids))
        for key_id, result in zip(ids, results, strict=True):
            outcome = "gone" if result is None else WORKS if result.kind is None else result.kind
            found.setdefault(outcome, []).append(key_id)
        return found

    async def _admit(self, ids: Sequence[int], actor: Actor) -> Outcomes:
        outcomes = await self.check(ids, generate=False)
        if working := outcomes.get(WORKS):
            await self._keys.change(working, KeyEdit(enabled=True), actor)
        return outcomes

    async def _reset(self, ids: Sequence[int], actor: Actor) -> Outcomes:
        await self._keys.reset(ids, actor)
        return {WORKS: ids}

    async def _delete(self, actor: Actor, batch: str, ids: Sequence[int]) -> Outcomes:
        await self._keys.delete(ids, actor, batch=batch)
        return {f"{UNDO}{batch}": ids}

    async def _edit(self, ids: Sequence[int], edit: KeyEdit, actor: Actor) -> Outcomes:
        changed = await self._keys.change(ids, edit, actor)
        return {"refused" if isinstance(changed, Refused) else WORKS: ids}
