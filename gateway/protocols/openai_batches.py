"""Batches of OpenAI's API over Gemini's: ids, wishes, batch objects, and what the gateway notes of a batch.

`batches/abc` is `batch_abc` to OpenAI's clients. Source: OpenAI batch reference; Gemini API, Batch.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from gateway.protocols.fields import as_object, as_str, optional_str, unsupported, wrong_type, wrong_value
from gateway.protocols.object_names import named_object
from gateway.protocols.openai_batch_lines import ENDPOINT
from gateway.protocols.openai_files import epoch_s, file_id
from gateway.protocols.shapes import JsonObject

WINDOW = "24h"
_ID = re.compile(r"batch_([A-Za-z0-9][A-Za-z0-9._~-]{0,255})", re.ASCII)
_COLLECTION = "batches/"
_MOST_METADATA = 16
_MAX_KEY_CHARS = 64
_MAX_VALUE_CHARS = 512
_EXPIRES_S = 48 * 3600
"""How long Google tries. Source: Gemini API, Batch."""

_STATUSES = {
    "PENDING": "validating",
    "RUNNING": "in_progress",
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}
_ENDS = {
    "completed": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
    "expired": "expired_at",
}


@dataclass(frozen=True, slots=True)
class BatchNote:
    """What is known of a batch that Google does not tell."""

    input_file_id: str = ""
    client_model: str = ""
    lines: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """As `read_note` reads it."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class BatchWish:
    """A request for a batch."""

    input_file_id: str
    metadata: Mapping[str, str]


def read_wish(body: JsonObject) -> BatchWish:
    """Read the body of `POST batches`. Raises BadRequest."""
    endpoint = as_str(body.get("endpoint"), "endpoint")
    if endpoint != ENDPOINT:
        raise unsupported(
            "endpoint", f"Gemini's batches hold chat completions; the endpoint must be {ENDPOINT}."
        )
    if (optional_str(body, "completion_window") or WINDOW) != WINDOW:
        raise wrong_value("completion_window", f"it must be {WINDOW}.")
    return BatchWish(as_str(body.get("input_file_id"), "input_file_id"), _metadata(body.get("metadata")))


def batch_id(name: str) -> str:
    """The id of a batch by its name at Google."""
    return "batch_" + name.removeprefix(_COLLECTION)


def batch_name(id_given: str) -> str | None:
    """A batch's name at Google; None for no id of ours."""
    found = _ID.fullmatch(id_given)
    return None if found is None else _COLLECTION + found[1]


def batch_request(note: BatchNote, input_file: str) -> bytes:
    """The body of `:batchGenerateContent`."""
    title = note.metadata.get("title") or note.metadata.get("name") or note.input_file_id
    return orjson.dumps({"batch": {"displayName": title, "inputConfig": {"fileName": input_file}}})


def read_note(text: str) -> BatchNote:
    """The note of a batch; an empty one for one that was made in Gemini's dialect."""
    try:
        return BatchNote(**orjson.loads(text)) if text else BatchNote()
    except (orjson.JSONDecodeError, TypeError):
        return BatchNote()


def results_file(operation: Mapping[str, Any]) -> str | None:
    """The name of the file that holds a batch's results, once there is one."""
    for holder in (operation.get("response"), _metadata_of(operation).get("output")):
        named = holder.get("responsesFile") if isinstance(holder, dict) else None
        if isinstance(named, str) and (name := named_object(named)) is not None:
            return name
    return None


def failed_lines(operation: Mapping[str, Any]) -> int:
    """How many of a batch's requests have failed."""
    return _count(_metadata_of(operation).get("batchStats"), "failedRequestCount")


def batch_object(name: str, note: BatchNote, operation: Mapping[str, Any], *, created_s: int) -> JsonObject:
    """OpenAI's Batch, from the operation that Google shows."""
    metadata = _metadata_of(operation)
    error = operation.get("error")
    state = str(metadata.get("state") or "").rpartition("STATE_")[2]
    status = _STATUSES.get(state, "in_progress")
    if isinstance(error, dict) and status not in _ENDS:
        status = "cancelled" if error.get("code") == 1 else "failed"
    created_s = epoch_s(metadata.get("createTime")) or created_s
    stats = metadata.get("batchStats")
    output = results_file(operation)
    failed = failed_lines(operation)
    shown: JsonObject = {
        "id": batch_id(name),
        "object": "batch",
        "endpoint": ENDPOINT,
        "model": note.client_model or str(metadata.get("model") or "").removeprefix("models/"),
        "errors": _errors(error) if status == "failed" else None,
        "input_file_id": note.input_file_id,
        "completion_window": WINDOW,
        "status": status,
        "output_file_id": file_id(output) if output else None,
        "error_file_id": file_id(output, errors=True) if output and failed else None,
        "created_at": created_s,
        "in_progress_at": created_s if status != "validating" else None,
        "expires_at": created_s + _EXPIRES_S,
        "finalizing_at": None,
        **dict.fromkeys(_ENDS.values()),
        "cancelling_at": None,
        "request_counts": {
            "total": _count(stats, "requestCount") or note.lines,
            "completed": _count(stats, "successfulRequestCount"),
            "failed": failed,
        },
        "metadata": dict(note.metadata) or None,
    }
    if status in _ENDS:
        shown[_ENDS[status]] = epoch_s(metadata.get("endTime") or metadata.get("updateTime"))
    return shown


def _metadata(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    given = as_object(value, "metadata")
    if len(given) > _MOST_METADATA:
        raise wrong_value("metadata", f"it may hold at most {_MOST_METADATA} pairs.")
    for key, text in given.items():
        if not isinstance(text, str):
            raise wrong_type(f"metadata.{key[:_MAX_KEY_CHARS]}", "a string", text)
        if len(key) > _MAX_KEY_CHARS or len(text) > _MAX_VALUE_CHARS:
            raise wrong_value(
                "metadata", f"keys have at most {_MAX_KEY_CHARS} and values {_MAX_VALUE_CHARS} characters."
            )
    return given


def _metadata_of(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = operation.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _count(stats: object, name: str) -> int:
    """Counts are 64-bit numbers, which Google's JSON writes as strings."""
    value = stats.get(name) if isinstance(stats, dict) else None
    return int(value) if isinstance(value, str | int) and str(value).isdecimal() else 0


def _errors(error: object) -> JsonObject | None:
    if not isinstance(error, dict):
        return None
    message = str(error.get("message") or "The batch failed.")
    told = {"code": str(error.get("status") or error.get("code") or "failed"), "message": message}
    return {"object": "list", "data": [{**told, "line": None, "param": None}]}
