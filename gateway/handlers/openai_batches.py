"""`batches` of OpenAI's API over Gemini's batches of generations.

Their requests were translated when the file came in (openai_uploads.py), their results are when it is fetched
(openai_files.py).
"""

from dataclasses import replace

import orjson

from gateway.errors import BadRequest
from gateway.handlers.binding import bound
from gateway.handlers.credentials import query_value
from gateway.handlers.openai_files import find_file, list_object, page_size
from gateway.handlers.own_objects import ask_about, find_own, object_plan, own_page, place_of
from gateway.handlers.planning import Asked, Whole, need_method, openai_request
from gateway.protocols.error_bodies import Problem
from gateway.protocols.fields import wrong_value
from gateway.protocols.model_names import resource_name
from gateway.protocols.object_names import owner_of
from gateway.protocols.openai_batches import (
    BatchNote,
    batch_id,
    batch_name,
    batch_object,
    batch_request,
    read_note,
    read_wish,
    results_file,
)
from gateway.protocols.openai_files import BATCH, BATCH_OUTPUT, FileNote
from gateway.protocols.openai_files import read_note as read_file_note
from gateway.protocols.shapes import JsonObject
from gateway.relay.inner import CallFailed
from gateway.store.records import BoundObject

USUAL_ON_A_PAGE = 20
MOST_ON_A_PAGE = 100
_VERB = "batchGenerateContent"
_AT_ONCE = 8
_NAMELESS = Problem(502, "Google made a batch and did not tell its name.", "upstream_error")


async def plan_batches(asked: Asked) -> Whole:
    """The answer to a request about batches. Raises BadRequest and CallFailed."""
    _, _, rest = asked.route.resource.partition("/")
    id_given, _, what = rest.partition("/")
    if not id_given:
        need_method(asked.head, "batches", "GET", "POST")
        shown = await (_make(asked) if asked.head.method == "POST" else _list(asked))
        return Whole(orjson.dumps(shown))
    if what not in ("", "cancel"):
        raise BadRequest(f"There is no route {asked.head.path} here.", status=404, code="unknown_url")
    entry = await _find(asked, id_given)
    if what:
        need_method(asked.head, "Cancelling a batch", "POST")
        await ask_about(asked, entry, method="POST", verb="cancel")
    else:
        need_method(asked.head, "A batch", "GET")
    return Whole(orjson.dumps(await _shown(asked, entry)))


async def _make(asked: Asked) -> JsonObject:
    wish = read_wish(openai_request(asked))
    file = (await find_file(asked, wish.input_file_id, "input_file_id")).entry
    known = read_file_note(file.details)
    if known is None or known.purpose != BATCH:
        raise wrong_value("input_file_id", "the file was not uploaded with the purpose batch.")
    asked.refuse_hidden(known.model)
    note = BatchNote(wish.input_file_id, known.client_model, known.lines, wish.metadata)
    plan = replace(
        object_plan(
            _VERB,
            f"{resource_name(known.model)}:{_VERB}",
            method="POST",
            body=batch_request(note, file.name),
        ),
        model=known.model,
        bucket=f"{known.model} ({_VERB})",
    )
    operation = await asked.reply(bound(asked, plan, [file]))
    name = owner_of(str(operation.get("name") or ""))
    if name is None:
        raise CallFailed(_NAMELESS)
    objects = asked.services.background.objects
    entry = objects.remember(
        name, file.key_id, project=file.project, token_id=asked.token.id, details=note.text()
    )
    if entry is None:
        raise CallFailed(_NAMELESS)
    await objects.settle()
    return batch_object(name, note, operation, created_s=entry.created_at_ms // 1000)


async def _list(asked: Asked) -> JsonObject:
    limit = page_size(asked, usual=USUAL_ON_A_PAGE, most=MOST_ON_A_PAGE)
    after = query_value(asked.head.query, "after")
    behind = place_of(await _find(asked, after, "after")) if after else None
    entries = await own_page(asked, "batches", limit=limit + 1, behind=behind)
    shown = await asked.each(entries[:limit], lambda entry: _shown_or_gone(asked, entry), at_once=_AT_ONCE)
    return list_object([each for each in shown if each], has_more=len(entries) > limit)


async def _find(asked: Asked, id_given: str, param: str = "batch_id") -> BoundObject:
    name = batch_name(id_given)
    entry = None if name is None else await find_own(asked, name)
    if entry is None:
        raise BadRequest(f"No batch found with id '{id_given[:128]}'.", status=404, param=param)
    return entry


async def _shown(asked: Asked, entry: BoundObject) -> JsonObject:
    operation = await ask_about(asked, entry)
    note = read_note(entry.details)
    await _note_results(asked, entry, note, results_file(operation))
    return batch_object(entry.name, note, operation, created_s=entry.created_at_ms // 1000)


async def _shown_or_gone(asked: Asked, entry: BoundObject) -> JsonObject | None:
    try:
        return await _shown(asked, entry)
    except CallFailed as failed:
        if failed.problem.status not in (403, 404):
            raise
        asked.services.background.objects.drop(entry.name)
        return None


async def _note_results(asked: Asked, entry: BoundObject, note: BatchNote, results: str | None) -> None:
    """Note whose the file of a batch's results is, and that it is to be told as OpenAI tells it."""
    if results is None or not note.input_file_id:
        return
    objects = asked.services.background.objects
    known = (await objects.look_up([results])).get(results)
    if known is not None and known.details:
        return
    about = FileNote(
        filename=f"{batch_id(entry.name)}_output.jsonl", purpose=BATCH_OUTPUT, client_model=note.client_model
    )
    objects.remember(
        results, entry.key_id, project=entry.project, token_id=entry.token_id, details=about.text()
    )
    await objects.settle()
