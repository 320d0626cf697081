"""Changing keys: adding what somebody pasted, editing, resetting, deleting and bringing back, showing them.

Every change is one entry of the audit and an event of each key, acts here at once and elsewhere soon
(following.py). Used by the pages, the API and the command line alike.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from gateway.control.key_edits import (
    MOST_TAGS,
    KeyEdit,
    NewKeys,
    check_edit,
    check_new,
    detail_of,
    what_changes,
)
from gateway.control.key_paste import Pasted, read_pasted
from gateway.control.pasting import Malformed, Preview
from gateway.control.results import Actor, FieldError, Refused
from gateway.control.trail import Trail
from gateway.control.undo import Deleted, Undo, new_batch
from gateway.pool.changes import Change
from gateway.pool.pool import Pool
from gateway.protocols.redaction import masked
from gateway.store.records import KeyEvent, KeyRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store

MOST_REVEALED = 1_000
_CHUNK = 1_000
_WELL: Mapping[str, object] = MappingProxyType(
    {"dead_reason": None, "dead_since_ms": 0, "rest_reason": None, "rest_until_ms": None}
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Looked:
    """A text that was looked at: its keys that are there already, masked, and those that are new."""

    pasted: Pasted
    known: tuple[str, ...]
    fresh: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Added:
    """What was added; `ids` are those of the new keys."""

    ids: tuple[int, ...]
    known: int
    repeated: int
    malformed: tuple[Malformed, ...]


@dataclass(frozen=True, slots=True)
class Revealed:
    """A key in the clear, because somebody asked for it."""

    id: int
    alias: str
    provider: str
    secret: str = field(repr=False)


class FollowsKeys(Protocol):
    """Makes changed rows of keys act."""

    async def keys_changed(self, ids: Sequence[int]) -> None: ...

    async def keys_reset(self, ids: Sequence[int]) -> None: ...


class KeyDesk:
    """Changes keys. Raises StoreError when the database is away or refuses.

    told   hears what the pool made of a change
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        *,
        following: FollowsKeys,
        told: Callable[[Sequence[Change]], None],
        trail: Trail,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._pool = pool
        self._following = following
        self._told = told
        self._trail = trail
        self._wall_s = wall_s
        self.undo = Undo(store, store.deleted_keys, wall_s=wall_s)

    # Adding

    async def preview(self, text: str, provider: str = "gemini") -> Preview:
        """Say what adding a text would do."""
        looked = await self._store.read(lambda: self._look(text, provider))
        pasted = looked.pasted
        return Preview(
            new=len(looked.fresh),
            known=looked.known,
            repeated=pasted.repeated,
            malformed=pasted.malformed,
            left_out=pasted.left_out,
        )

    async def add(self, text: str, new: NewKeys, actor: Actor, *, origin: str = "admin") -> Added | Refused:
        """Add the keys of a text; those that are there already stay as they are."""
        errors = check_new(new)
        looked = await self._store.read(lambda: self._look(text, new.provider))
        pasted, fresh = looked.pasted, looked.fresh
        if not pasted.secrets:
            errors.append(FieldError("text", "There is no key in this text."))
        if refused := Refused.of(errors):
            return refused
        for part in _parts(fresh):
            await self._store.write(partial(self._insert, part, new, origin))
        found = await self._store.read(lambda: self._ids_of(fresh, new.provider))
        ids = [found[secret] for secret in fresh if secret in found]
        await self._noted(ids, "added", actor, {"provider": new.provider, "tags": list(new.tags)})
        return Added(tuple(ids), len(looked.known), pasted.repeated, pasted.malformed)

    def _insert(self, secrets_: Sequence[str], new: NewKeys, origin: str) -> None:
        self._store.keys.add(
            KeyRow(
                secret=secret,
                alias=masked(secret),
                provider=new.provider,
                origin=origin,
                project=new.project or None,
                note=new.note,
                tags=new.tags,
                weight=new.weight,
                enabled=new.enabled,
            )
            for secret in secrets_
        )

    def _look(self, text: str, provider: str) -> _Looked:
        """Find the keys of a text, and which of them are there. Inside `Store.read`, off the loop: a text of
        some megabytes would hold the calls up."""
        pasted = read_pasted(text)
        there = self._ids_of(pasted.secrets, provider)
        known = tuple(masked(secret) for secret in pasted.secrets if secret in there)
        return _Looked(pasted, known, tuple(secret for secret in pasted.secrets if secret not in there))

    def _ids_of(self, secrets_: Sequence[str], provider: str) -> Mapping[str, int]:
        """The ids of those of the keys that are there, by their secrets. Inside `Store.read`."""
        hashes = {secret_hash(secret): secret for secret in secrets_}
        found = self._store.keys.ids_of(list(hashes), provider)
        return {hashes[each]: key_id for each, key_id in found.items()}

    # Editing

    async def change(self, ids: Sequence[int], edit: KeyEdit, actor: Actor) -> int | Refused:
        """Change keys; gives how many there were."""
        if refused := check_edit(edit):
            return refused
        changed = 0
        for part in _parts(ids):
            changed += await self._store.write(partial(self._edit, part, edit))
        await self._noted(ids, what_changes(edit), actor, detail_of(edit))
        return changed

    def _edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        if edit.add_tags or edit.remove_tags:
            self._retag(ids, edit)
        named = {"enabled": edit.enabled, "note": edit.note, "weight": edit.weight, "tags": edit.tags}
        columns: dict[str, object] = {name: value for name, value in named.items() if value is not None}
        if edit.project is not None:
            columns["project"] = edit.project or None
        return self._store.keys.change(ids, **columns)

    def _retag(self, ids: Sequence[int], edit: KeyEdit) -> None:
        """Add and take off tags; keys that come to have the same tags are written together."""
        by_tags: dict[tuple[str, ...], list[int]] = {}
        for row in self._store.keys.named(ids):
            kept = [tag for tag in row.tags if tag not in edit.remove_tags]
            tags = tuple(dict.fromkeys((*kept, *edit.add_tags)))[:MOST_TAGS]
            if tags != row.tags:
                by_tags.setdefault(tags, []).append(row.id)
        for tags, changed in by_tags.items():
            self._store.keys.change(changed, tags=tags)

    async def reset(self, ids: Sequence[int], actor: Actor) -> int:
        """Take keys out of death, rest and doubt, and forget the limits that were learned; gives how many."""
        changed = 0
        for part in _parts(ids):
            changed += await self._store.write(partial(self._store.keys.change, part, **_WELL))
        await self._noted(ids, "reset", actor, {})
        for part in _parts(ids):
            now_s = self._wall_s()
            for key_id in part:
                lifted = (*self._pool.revive(key_id, now_s), *self._pool.reopen(key_id, now_s))
                if lifted:
                    self._told(lifted)
            await asyncio.sleep(0)
        await self._following.keys_reset(ids)
        return changed

    # Deleting

    async def delete(self, ids: Sequence[int], actor: Actor, *, batch: str = "") -> Deleted:
        """Delete keys; they can be brought back for some minutes. `batch` joins several deletions."""
        batch = batch or new_batch()
        count = 0
        for part in _parts(ids):
            count += await self._store.write(partial(self.undo.take, part, batch))
        await self._noted(ids, "deleted", actor, {})
        return Deleted(count, batch)

    async def undo_delete(self, batch: str, actor: Actor) -> int:
        """Bring deleted keys back; gives how many."""
        count = 0
        async for ids in self.undo.bring_back(batch):
            await self._noted(ids, "restored", actor, {})
            count += len(ids)
        return count

    # Showing

    async def reveal(self, ids: Sequence[int], actor: Actor) -> list[Revealed] | Refused:
        """Give keys in the clear, to be copied. Noted in the audit."""
        if len(ids) > MOST_REVEALED:
            return Refused.because(
                "ids", "At most %(most)s at once; export them instead.", most=MOST_REVEALED
            )
        rows = await self._store.read(lambda: self._store.keys.named(ids))
        await self._store.write(lambda: self._trail.note_keys(actor, "revealed", ids, {}))
        return [Revealed(row.id, row.alias, row.provider, row.secret) for row in rows]

    async def note_export(self, count: int, actor: Actor) -> None:
        """Note in the audit that keys left in the clear."""
        await self._store.write(lambda: self._trail.note(actor, "exported", "keys", {"keys": count}))

    async def _noted(
        self, ids: Sequence[int], event: str, actor: Actor, detail: Mapping[str, object]
    ) -> None:
        """Remember what happened, and make it act."""
        if not ids:
            return
        now_ms = int(self._wall_s() * 1000)
        for part in _parts(ids):
            events = [KeyEvent(key_id, now_ms, event, actor=actor.name) for key_id in part]
            await self._store.write(partial(self._store.key_events.add, events))
        await self._store.write(lambda: self._trail.note_keys(actor, event, ids, detail))
        await self._following.keys_changed(ids)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at once that the writer's thread is not held for long."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
