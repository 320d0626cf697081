"""Files of OpenAI's API over Gemini's: ids, file objects, and what the gateway notes of a file beside them.

`files/abc` is `file-abc` to OpenAI's clients. A batch's results are one file at Google and two for OpenAI's
clients, one of answers and one of errors, whose ids differ in one sign.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.protocols.shapes import JsonObject

BATCH = "batch"
BATCH_OUTPUT = "batch_output"
PURPOSES = frozenset({"assistants", BATCH, "fine-tune", "vision", "user_data", "evals"})
USUAL_PURPOSE = "user_data"

_ID = re.compile(r"file(-|_errors-)([A-Za-z0-9][A-Za-z0-9._~-]{0,255})", re.ASCII)
_COLLECTION = "files/"
_MAX_FILENAME_CHARS = 255
_STATUSES = {"PROCESSING": "uploaded", "FAILED": "error"}


@dataclass(frozen=True, slots=True)
class FileNote:
    """What is known of a file that Google does not tell, or not without being asked.

    model, lines   of a batch's input: the model it asks, and how often; of its output the model as the
                   client had written it
    """

    filename: str = ""
    purpose: str = USUAL_PURPOSE
    size: int = 0
    media_type: str = ""
    expires_s: int | None = None
    model: str = ""
    client_model: str = ""
    lines: int = 0

    def text(self) -> str:
        """As `read_note` reads it."""
        return orjson.dumps(asdict(self)).decode()


def read_note(text: str) -> FileNote | None:
    """The note of a file; None where there is none, as of a file that came in by Gemini's dialect."""
    if not text:
        return None
    try:
        return FileNote(**orjson.loads(text))
    except (orjson.JSONDecodeError, TypeError):
        return None


def file_id(name: str, *, errors: bool = False) -> str:
    """The id of a file by its name at Google."""
    return ("file_errors-" if errors else "file-") + name.removeprefix(_COLLECTION)


def file_name(id_given: str) -> tuple[str, bool] | None:
    """A file's name at Google, and whether only its errors are meant; None for no id of ours."""
    found = _ID.fullmatch(id_given)
    return None if found is None else (_COLLECTION + found[2], found[1] != "-")


def note_of(file: Mapping[str, Any]) -> FileNote:
    """What Google's own File tells."""
    size = file.get("sizeBytes")
    name, shown = str(file.get("name") or ""), str(file.get("displayName") or "")
    return FileNote(
        filename=shown or name.removeprefix(_COLLECTION),
        size=int(size) if isinstance(size, str | int) and str(size).isdecimal() else 0,
        media_type=str(file.get("mimeType") or ""),
        expires_s=epoch_s(file.get("expirationTime")),
    )


def file_object(
    name: str, note: FileNote, *, created_s: int, errors: bool = False, file: Mapping[str, Any] | None = None
) -> JsonObject:
    """OpenAI's FileObject.

    file   as Google tells of it now; None says that it is well
    """
    state = _STATUSES.get(str((file or {}).get("state")), "processed")
    shown: JsonObject = {
        "id": file_id(name, errors=errors),
        "object": "file",
        "bytes": note.size,
        "created_at": created_s,
        "expires_at": note.expires_s,
        "filename": note.filename,
        "purpose": note.purpose,
        "status": state,
        "status_details": None,
    }
    error = (file or {}).get("error")
    if state == "error" and isinstance(error, dict):
        shown["status_details"] = str(error.get("message") or "")
    return shown


def display_name(filename: str) -> str:
    """A client's file name without its folders, as long as Google takes it."""
    return filename.replace("\\", "/").rpartition("/")[2][:_MAX_FILENAME_CHARS] or "file"


def epoch_s(moment: object) -> int | None:
    """Google's way of writing a moment, as seconds since 1970."""
    if not isinstance(moment, str):
        return None
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except ValueError:
        return None
