"""What leaves as a file: keys and calls, written part by part, so that nothing of it is held whole.

Pages and API send them alike.
"""

import csv
import io
from collections.abc import AsyncIterable, Iterable, Sequence

import orjson
from tornado.iostream import StreamClosedError
from tornado.web import Finish, RequestHandler

from admin.api import shapes
from gateway.store.records import KeyRow, StoredCall

MEDIA_TYPES = {"csv": "text/csv; charset=UTF-8", "jsonl": "application/x-ndjson", "text": "text/plain"}
KEY_COLUMNS = "id secret provider enabled dead_reason project weight tags note created_at_ms".split()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


async def send_keys(handler: RequestHandler, form: str, parts: AsyncIterable[list[KeyRow]]) -> int:
    """Answer with keys as a file; gives how many there were."""
    _begin(handler, "keys", form, KEY_COLUMNS)
    count = 0
    async for part in parts:
        count += len(part)
        await _pass_on(handler, keys_part(form, part))
    return count


async def send_calls(handler: RequestHandler, form: str, parts: AsyncIterable[list[StoredCall]]) -> None:
    """Answer with calls as a file."""
    _begin(handler, "calls", form, shapes.CALL_COLUMNS)
    async for part in parts:
        await _pass_on(handler, calls_part(form, part))


def keys_part(form: str, rows: Iterable[KeyRow]) -> str:
    """Keys as text (one secret a line), CSV or JSON lines."""
    if form == "text":
        return "".join(f"{row.secret}\n" for row in rows)
    if form == "csv":
        return _csv(
            [
                [" ".join(row.tags) if name == "tags" else getattr(row, name) for name in KEY_COLUMNS]
                for row in rows
            ]
        )
    return _lines({name: getattr(row, name) for name in KEY_COLUMNS} for row in rows)


def calls_part(form: str, calls: Iterable[StoredCall]) -> str:
    """Calls as CSV or JSON lines."""
    if form == "csv":
        return _csv(
            [
                [
                    stored.id
                    if name == "id"
                    else len(stored.call.attempts)
                    if name == "attempts"
                    else getattr(stored.call, name)
                    for name in shapes.CALL_COLUMNS
                ]
                for stored in calls
            ]
        )
    return _lines(shapes.call(stored) for stored in calls)


def _begin(handler: RequestHandler, name: str, form: str, columns: Sequence[str]) -> None:
    ending = "txt" if form == "text" else form
    handler.set_header("Content-Type", MEDIA_TYPES[form])
    handler.set_header("Content-Disposition", f'attachment; filename="{name}.{ending}"')
    handler.write(_csv([columns]) if form == "csv" else "")


async def _pass_on(handler: RequestHandler, part: str) -> None:
    """Write a part and wait for a slow reader; one that has left ends the request."""
    handler.write(part)
    try:
        await handler.flush()
    except StreamClosedError:
        raise Finish from None


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: object) -> object:
    # Model names and notes come from people: a spreadsheet must not take them for formulas.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(values: Iterable[object]) -> str:
    return "".join(orjson.dumps(value).decode() + "\n" for value in values)
