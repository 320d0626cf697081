"""`files` of OpenAI's API: shown, listed, deleted and fetched. Uploads are openai_uploads.py's.

They are Gemini's files: kept for two days, and Google gives back the bytes only of those it made itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.errors import BadRequest
from gateway.handlers.binding import bound
from gateway.handlers.credentials import query_value
from gateway.handlers.own_objects import ask_about, find_own, object_plan, own_page, place_of
from gateway.handlers.planning import Asked, Planned, Whole, need_method
from gateway.protocols.fields import wrong_value
from gateway.protocols.openai_batch_lines import BatchResults
from gateway.protocols.openai_files import (
    BATCH_OUTPUT,
    USUAL_PURPOSE,
    FileNote,
    file_id,
    file_name,
    file_object,
    note_of,
    read_note,
)
from gateway.protocols.shapes import JsonObject
from gateway.relay.inner import CallFailed
from gateway.relay.plan import Framing, Passage, Plan
from gateway.store.records import BoundObject

MOST_ON_A_PAGE = 100
"""OpenAI's default is 10,000; clients follow `has_more`."""
_ROWS = 200
_AT_ONCE = 8
_JSONL = "application/jsonl"
_GONE = frozenset({403, 404})


@dataclass(frozen=True, slots=True)
class _File:
    """A file the client may use; of a batch's results, with `errors`, those that are errors."""

    entry: BoundObject
    errors: bool

    @property
    def note(self) -> FileNote | None:
        return read_note(self.entry.details)

    @property
    def created_s(self) -> int:
        return self.entry.created_at_ms // 1000


async def plan_files(asked: Asked) -> Planned:
    """The answer to a request about files. Raises BadRequest and CallFailed."""
    _, _, rest = asked.route.resource.partition("/")
    id_given, _, what = rest.partition("/")
    if not id_given:
        need_method(asked.head, "files", "GET", "POST")
        return await _list(asked)
    if what not in ("", "content"):
        raise BadRequest(f"There is no route {asked.head.path} here.", status=404, code="unknown_url")
    file = await find_file(asked, id_given)
    if what:
        need_method(asked.head, "A file's content", "GET", "HEAD")
        return _fetch(asked, file)
    need_method(asked.head, "A file", "GET", "DELETE")
    if asked.head.method == "DELETE":
        return await _delete(asked, file)
    shown = await _ask(asked, file)
    note = file.note or note_of(shown)
    return _whole(
        file_object(file.entry.name, note, created_s=file.created_s, errors=file.errors, file=shown)
    )


async def find_file(asked: Asked, id_given: str, param: str = "id") -> _File:
    """The client's file of this id. Raises BadRequest."""
    named = file_name(id_given)
    entry = None if named is None else await find_own(asked, named[0])
    if named is None or entry is None:
        raise BadRequest(f"No such File object: {id_given[:128]}", status=404, param=param)
    return _File(entry, named[1])


async def _delete(asked: Asked, file: _File) -> Whole:
    if file.errors:
        raise wrong_value("id", "the errors of a batch are deleted with its output file.")
    await _ask(asked, file, method="DELETE")
    name = file.entry.name
    asked.services.background.objects.drop(name)
    return _whole({"id": file_id(name), "object": "file", "deleted": True})


async def _ask(asked: Asked, file: _File, *, method: str = "GET") -> JsonObject:
    """Google's answer about a file; one it has no longer is forgotten. Raises BadRequest and CallFailed."""
    name = file.entry.name
    try:
        return await ask_about(asked, file.entry, method=method)
    except CallFailed as failed:
        if failed.problem.status not in _GONE:
            raise
        asked.services.background.objects.drop(name)
        raise BadRequest(f"No such File object: {file_id(name)}", status=404, param="id") from None


def _fetch(asked: Asked, file: _File) -> Plan:
    """Fetch what Google made; a batch's results are told as OpenAI tells them."""
    note, entry = file.note, file.entry
    if note is not None and note.purpose != BATCH_OUTPUT:
        raise BadRequest(
            f"Not allowed to download files of purpose: {note.purpose}. Google gives back only files that it "
            "has made itself.",
            param="id",
        )
    passage = Passage()
    if note is not None:
        new_id = asked.services.new_id
        passage = Passage(
            rewriting=lambda: BatchResults(
                note.client_model, new_id, created_s=file.created_s, errors=file.errors
            )
        )
    plan = replace(
        object_plan("files", f"{entry.name}:download"),
        query="alt=media",
        framing=Framing.ANY,
        media_type=_JSONL if note is not None else "",
        passage=passage,
        until_s=float("inf"),
    )
    return bound(asked, plan, [entry])


async def _list(asked: Asked) -> Whole:
    query = asked.head.query
    purpose = query_value(query, "purpose")
    limit = page_size(asked, usual=MOST_ON_A_PAGE, most=MOST_ON_A_PAGE)
    oldest_first = query_value(query, "order") == "asc"
    after = query_value(query, "after")
    behind = place_of((await find_file(asked, after, "after")).entry) if after else None
    found: list[BoundObject] = []
    while len(found) <= limit:
        rows = await own_page(asked, "files", limit=_ROWS, behind=behind, oldest_first=oldest_first)
        found += (row for row in rows if not purpose or _purpose(row) == purpose)
        if len(rows) < _ROWS:
            break
        behind = place_of(rows[-1])
    shown = await asked.each(found[:limit], lambda entry: _shown(asked, entry), at_once=_AT_ONCE)
    return _whole(list_object([each for each in shown if each], has_more=len(found) > limit))


async def _shown(asked: Asked, entry: BoundObject) -> JsonObject | None:
    """A file on a list; Google is asked only about those it alone knows, None when it does not."""
    file = _File(entry, errors=False)
    note = file.note
    if note is None:
        try:
            note = note_of(await ask_about(asked, entry))
        except CallFailed as failed:
            if failed.problem.status in _GONE:
                asked.services.background.objects.drop(entry.name)
                return None
            note = FileNote(filename=entry.name.partition("/")[2])
    return file_object(entry.name, note, created_s=file.created_s)


def _purpose(entry: BoundObject) -> str:
    note = read_note(entry.details)
    return USUAL_PURPOSE if note is None else note.purpose


def page_size(asked: Asked, *, usual: int, most: int) -> int:
    """How many a page of OpenAI's lists is to hold. Raises BadRequest."""
    text = query_value(asked.head.query, "limit")
    if not text:
        return usual
    if not text.isascii() or not text.isdecimal() or not int(text[:6]):
        raise wrong_value("limit", "it must be a positive number.")
    return min(int(text[:6]), most)


def list_object(shown: Sequence[JsonObject], *, has_more: bool) -> JsonObject:
    """A page of OpenAI's lists."""
    return {
        "object": "list",
        "data": list(shown),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": has_more,
    }


def _whole(shown: JsonObject) -> Whole:
    return Whole(orjson.dumps(shown))
