"""What leaves as a file: keys and calls, written part by part, so that nothing of it is held whole."""

import csv
import io
from collections.abc import Iterable, Sequence

import orjson

from admin.api import shapes
from gateway.store.records import KeyRow, StoredCall

MEDIA_TYPES = {"csv": "text/csv; charset=UTF-8", "jsonl": "application/x-ndjson", "text": "text/plain"}
KEY_COLUMNS = "id secret provider enabled dead_reason project weight tags note created_at_ms".split()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


def keys_head(form: str) -> str:
    return _csv([KEY_COLUMNS]) if form == "csv" else ""


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


def calls_head(form: str) -> str:
    return _csv([shapes.CALL_COLUMNS]) if form == "csv" else ""


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


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: object) -> object:
    # Model names and notes come from people: a spreadsheet must not take them for formulas.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(values: Iterable[object]) -> str:
    return "".join(orjson.dumps(value).decode() + "\n" for value in values)
