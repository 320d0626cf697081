"""Responses that were kept: shown, deleted, and gone on from by their client. openai_responses makes them."""

from collections.abc import Coroutine, Mapping, Sequence

import orjson

from gateway.errors import BadRequest
from gateway.handlers.credentials import query_value
from gateway.handlers.openai_files import list_object, page_size
from gateway.handlers.planning import Asked, Planned, Whole, need_method
from gateway.protocols.response_ids import with_input_ids
from gateway.protocols.shapes import JsonObject

_MOST_ITEMS = 100
_USUAL_ITEMS = 20
_SHOWN_CHARS = 128
_NOBODY = -1
_NEVER_BACKGROUND = "Only a response of the background can be cancelled, and this gateway has none of these."


def plan_kept(asked: Asked, rest: str) -> Coroutine[None, None, Planned]:
    """What is asked about one response. Raises BadRequest.

    rest   of the path, behind `responses/`
    """
    response_id, _, what = rest.partition("/")
    if not what:
        need_method(asked.head, "A response", "GET", "DELETE")
        return _remove(asked, response_id) if asked.head.method == "DELETE" else _show(asked, response_id)
    if what == "input_items":
        need_method(asked.head, "A response's input items", "GET")
        return _list_items(asked, response_id)
    if what == "cancel":
        need_method(asked.head, "cancel", "POST")
        raise BadRequest(_NEVER_BACKGROUND, code="unsupported_value")
    raise BadRequest(f"There is no route {asked.head.path} here.", status=404, code="unknown_url")


async def conversation_before(asked: Asked, previous_id: str) -> Sequence[JsonObject]:
    """The items of a response and of all before it, in order. Raises BadRequest."""
    items = await asked.services.kept_responses.conversation(previous_id, _owner(asked))
    if items is None:
        raise BadRequest(
            f"Previous response with id '{previous_id[:_SHOWN_CHARS]}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return items


async def items_named(asked: Asked, ids: Sequence[str]) -> Mapping[str, JsonObject]:
    """Those of the items named that are there, by id. Raises BadRequest."""
    return await asked.services.kept_responses.items(ids, _owner(asked))


async def _show(asked: Asked, response_id: str) -> Whole:
    if query_value(asked.head.query, "stream") == "true":
        raise BadRequest("A response that is over is not streamed again.", code="unsupported_value")
    found = await asked.services.kept_responses.find(response_id, _owner(asked))
    if found is None:
        raise _not_found(response_id)
    return _whole(found.response)


async def _remove(asked: Asked, response_id: str) -> Whole:
    if not await asked.services.kept_responses.remove(response_id, _owner(asked)):
        raise _not_found(response_id)
    return _whole({"id": response_id, "object": "response", "deleted": True})


async def _list_items(asked: Asked, response_id: str) -> Whole:
    query = asked.head.query
    limit = page_size(asked, usual=_USUAL_ITEMS, most=_MOST_ITEMS)
    found = await asked.services.kept_responses.find(response_id, _owner(asked))
    if found is None:
        raise _not_found(response_id)
    items = with_input_ids(found.input, response_id)
    if query_value(query, "order") != "asc":
        items.reverse()
    after = query_value(query, "after")
    if after:
        places = [place for place, item in enumerate(items) if item.get("id") == after]
        if not places:
            raise BadRequest(f"Item with id '{after[:_SHOWN_CHARS]}' not found.", status=404, param="after")
        items = items[places[0] + 1 :]
    return _whole(list_object(items[:limit], has_more=len(items) > limit))


def _owner(asked: Asked) -> int | None:
    """Whose responses the client may see: its token's, or everybody's."""
    token = asked.token
    if token.is_admin:
        return None
    return _NOBODY if token.id is None else token.id


def _not_found(response_id: str) -> BadRequest:
    return BadRequest(f"Response with id '{response_id[:_SHOWN_CHARS]}' not found.", status=404)


def _whole(shown: JsonObject) -> Whole:
    return Whole(orjson.dumps(shown))
