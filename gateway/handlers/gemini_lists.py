"""`files`, `cachedContents`, `batches`, … as lists: over many keys, the client's own, as each now stands.

Which there are, the gateway knows; what they are, the key that owns each is asked.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson

from gateway.errors import BadRequest
from gateway.handlers.binding import bound
from gateway.handlers.credentials import query_value
from gateway.handlers.own_objects import own_page
from gateway.handlers.planning import Asked, Whole
from gateway.protocols.error_bodies import gemini_error, gemini_error_event
from gateway.relay.plan import Framing, Plan
from gateway.store.records import BoundObject, ObjectPlace

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is listed.

    key       the member that holds the objects
    usual     how many a page holds when the client does not say, and at most
    snake     the token of the next page is written in snake_case
    """

    key: str
    usual: int = 10
    most: int = 100
    snake: bool = False


LISTS: Mapping[str, Listing] = MappingProxyType(
    {
        "files": Listing("files"),
        "generatedFiles": Listing("generatedFiles"),
        "cachedContents": Listing("cachedContents", usual=50),
        "batches": Listing("operations", usual=50),
        "fileSearchStores": Listing("fileSearchStores", most=20),
        "tunedModels": Listing("tunedModels", usual=50),
        "corpora": Listing("corpora", most=20),
        "agents": Listing("agents", usual=50, snake=True),
        "credentials": Listing("credentials", usual=50, snake=True),
        "environments": Listing("environments", usual=50, snake=True),
        "triggers": Listing("triggers", usual=50, snake=True),
        "webhooks": Listing("webhooks", usual=50, snake=True),
    }
)
"""By path. Sizes of pages: Gemini API reference; where it tells none, the usual of Google's APIs."""


async def plan_list(asked: Asked) -> Whole:
    """The answer to a list. Raises BadRequest."""
    collection = asked.route.resource
    listing = LISTS[collection]
    size = _size(asked, listing)
    entries = await own_page(asked, collection, limit=size + 1, behind=_place(asked))
    shown = await asked.each(entries[:size], lambda entry: _shown(asked, entry), at_once=AT_ONCE)
    page: dict[str, object] = {listing.key: [orjson.Fragment(each) for each in shown if each]}
    if len(entries) > size:
        page["next_page_token" if listing.snake else "nextPageToken"] = _token(entries[size - 1])
    return Whole(orjson.dumps(page))


async def _shown(asked: Asked, entry: BoundObject) -> bytes | None:
    """An object as it now stands; its name alone when that cannot be learned, None when it is no more."""
    plan = Plan(
        dialect="gemini",
        operation=entry.name.partition("/")[0],
        model="",
        bucket=entry.name.partition("/")[0],
        method="GET",
        resource=entry.name,
        framing=Framing.ANY,
        error_body=gemini_error,
        error_tail=gemini_error_event,
        version=asked.route.version,
        generates=False,
    )
    try:
        answer = await asked.complete(bound(asked, plan, [entry]))
    except ConnectionAbortedError:
        return orjson.dumps({"name": entry.name})
    if answer.status in (403, 404):
        asked.services.background.objects.drop(entry.name)
        return None
    return orjson.dumps({"name": entry.name}) if answer.failed else answer.body


def _size(asked: Asked, listing: Listing) -> int:
    text = query_value(asked.head.query, "pageSize") or query_value(asked.head.query, "page_size")
    if not text:
        return listing.usual
    if not text.isascii() or not text.isdecimal():
        raise BadRequest("The page size must be a number.", param="pageSize")
    return min(int(text[:6]) or listing.usual, listing.most)


def _token(last: BoundObject) -> str:
    return base64.urlsafe_b64encode(f"{last.created_at_ms} {last.name}".encode()).decode()


def _place(asked: Asked) -> ObjectPlace | None:
    text = query_value(asked.head.query, "pageToken") or query_value(asked.head.query, "page_token")
    if not text:
        return None
    try:
        created, _, name = base64.urlsafe_b64decode(text).decode().partition(" ")
        return ObjectPlace(int(created), name)
    except (ValueError, binascii.Error):
        raise BadRequest("The page token is not one of this gateway.", param="pageToken") from None
