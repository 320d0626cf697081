"""A client's own objects: what it may see of a collection, found by name and by pages.

What is another token's looks as if it did not exist. Calls for single objects are made here too, in OpenAI's
dialect.
"""

from gateway.errors import BadRequest, StoreError
from gateway.handlers.binding import bound, is_permitted
from gateway.handlers.planning import JSON_HEADER, Asked
from gateway.protocols.error_bodies import openai_error, openai_error_event
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import Framing, Passage, Plan
from gateway.store.records import BoundObject, ObjectPlace


async def own_page(
    asked: Asked,
    collection: str,
    *,
    limit: int,
    behind: ObjectPlace | None = None,
    oldest_first: bool = False,
) -> list[BoundObject]:
    """A page of what the client may see of a collection, the newest first. Raises BadRequest."""
    token, objects = asked.token, asked.services.background.objects
    sees_all = token.is_admin or not asked.services.live.current.files_user_isolation_enabled
    if not sees_all and token.id is None:
        return []
    await objects.settle()  # what was made a moment ago is on the list
    try:
        return await objects.page(
            collection,
            limit=limit,
            token_id=None if sees_all else token.id,
            behind=behind,
            oldest_first=oldest_first,
        )
    except StoreError:
        raise BadRequest("The list cannot be told now: the gateway's database is away.", status=503) from None


async def find_own(asked: Asked, name: str) -> BoundObject | None:
    """An object that the client may use."""
    entry = (await asked.services.background.objects.look_up([name])).get(name)
    return entry if entry is not None and is_permitted(asked, entry) else None


def place_of(entry: BoundObject) -> ObjectPlace:
    """Where a page that ends with this object ends."""
    return ObjectPlace(entry.created_at_ms, entry.name)


async def ask_about(asked: Asked, entry: BoundObject, *, method: str = "GET", verb: str = "") -> JsonObject:
    """Google's answer to a call about one object, made with its key. Raises CallFailed."""
    collection = entry.name.partition("/")[0]
    plan = object_plan(collection, f"{entry.name}:{verb}" if verb else entry.name, method=method)
    return await asked.reply(bound(asked, plan, [entry]))


def object_plan(operation: str, resource: str, *, method: str = "GET", body: bytes | None = None) -> Plan:
    """The plan of a small call about objects, in OpenAI's dialect; its quota is its operation's own."""
    return Plan(
        dialect="openai",
        operation=operation,
        model="",
        bucket=operation,
        resource=resource,
        framing=Framing.WHOLE,
        error_body=openai_error,
        error_tail=openai_error_event,
        method=method,
        body=body,
        forwarded=() if body is None else (JSON_HEADER,),
        generates=False,
        passage=Passage(once=body is not None),
    )
