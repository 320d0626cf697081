"""Calls that name what lives in one Google project → bound to the key that made it, if the token may use it.

A call that names nothing is not touched; what memory does not know is asked of the store, on the call's task.
"""

from collections.abc import Collection, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import BadRequest
from gateway.handlers.planning import Asked
from gateway.protocols.gemini_request import may_reference, references
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Pin, Plan
from gateway.store.records import BoundObject

# Google's own words for what is another's, by collection. Source: public reports of the Gemini API's errors.
_FILE = "You do not have permission to access the File {id} or it may not exist."
_CACHE = "CachedContent not found (or permission denied)"
_OTHER = "Requested entity was not found."


def bind_generation(asked: Asked, plan: Plan, body: JsonObject) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan of a generation, bound to what its body names. Raises BadRequest as `bind` does."""
    return bind(asked, plan, references(body)) if may_reference(body) else plan


def bind(asked: Asked, plan: Plan, names: Sequence[str]) -> Plan | Coroutine[Any, Any, Plan]:
    """The plan bound to the objects named; those nobody knows bind it to nothing.

    Raises BadRequest, at once or while it waits: for what belongs to another token, or to two projects.
    """
    if not names:
        return plan
    book = asked.services.background.objects
    known = [entry for name in names if (entry := book.known(name)) is not None]
    return bound(asked, plan, known) if len(known) == len(names) else _looked_up(asked, plan, names)


async def _looked_up(asked: Asked, plan: Plan, names: Sequence[str]) -> Plan:
    found = await asked.services.background.objects.look_up(names)
    return bound(asked, plan, found.values())


def bound(asked: Asked, plan: Plan, entries: Collection[BoundObject]) -> Plan:
    """The plan bound to these objects. Raises BadRequest as `bind` does."""
    if not entries:
        return plan
    for entry in entries:
        need_permission(asked, entry)
    return replace(plan, pin=_pin(entries))


def is_permitted(asked: Asked, entry: BoundObject) -> bool:
    """Whether the client may use an object."""
    if asked.token.is_admin or entry.token_id == asked.token.id:
        return True
    return not asked.services.live.current.files_user_isolation_enabled


def need_permission(asked: Asked, entry: BoundObject) -> None:
    """Raise BadRequest, in Google's words, for an object that another token has made."""
    if is_permitted(asked, entry):
        return
    collection, _, object_id = entry.name.partition("/")
    if collection == "files":
        raise BadRequest(_FILE.format(id=object_id), status=403)
    if collection == "cachedContents":
        raise BadRequest(_CACHE, status=403)
    raise BadRequest(_OTHER, status=404)


def _pin(entries: Iterable[BoundObject]) -> Pin:
    """The one owner of all these. Raises BadRequest when there are two: no key could serve the call."""
    first, *others = entries
    for other in others:
        is_mate = first.project is not None and first.project == other.project
        if other.key_id != first.key_id and not is_mate:
            raise BadRequest(
                f"{first.name} and {other.name} live in two different Google projects, so no single call can "
                "use both. Upload or create them again, one after the other.",
            )
    return Pin(first.key_id, first.project)
