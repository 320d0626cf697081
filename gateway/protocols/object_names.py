"""How things are named that live in one Google project: files, cached contents, batches, stores, operations.

A name is a collection and an id (`files/abc`). Here it is read from paths, addresses and answers; who owns
what it names is control's business (gateway/control/objects.py).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

_ID = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,255}"
_COLLECTIONS = (
    "files|generatedFiles|cachedContents|batches|interactions|fileSearchStores|tunedModels|corpora|agents"
    "|environments"
)
# A bare name, or an address with a version before it: https://…/v1beta/files/x.
_NAMED = re.compile(
    rf"(?:/?|https?://\S*/v1[a-z0-9]*/)(models/{_ID}/operations/{_ID}|(?:{_COLLECTIONS})/{_ID})(?:[:/?].*)?",
    re.ASCII,
)
_SEGMENT = re.compile(_ID, re.ASCII)

_SPEAKING = frozenset({"responsesFile", "responses_file", "uri", "fileUri", "file_uri"})
_MAX_DEPTH = 12

MADE_MEMBERS = ("name", "id", "file")
"""The members of an answer that tell what it made; see `made_object`."""


def named_object(text: str) -> str | None:
    """The object that a name or an address speaks of: `https://…/v1beta/files/x:download` → `files/x`."""
    found = _NAMED.fullmatch(text)
    return found[1] if found is not None else None


def continuation_name(token: str) -> str | None:
    """What stands for a continuation token, which may be long: it is bound to a project like an object."""
    if not token:
        return None
    return f"continuations/{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"


def owner_of(resource: str) -> str | None:
    """The object that a path after the version names or lies in; None for a collection, or a model.

    `fileSearchStores/s/documents/d` lies in its store, `models/m/operations/o` is itself.
    """
    parts = resource.split("/")
    if len(parts) < 2 or not all(_SEGMENT.fullmatch(part) for part in parts[:2]):
        return None
    if parts[0] == "models":
        return "/".join(parts[:4]) if len(parts) >= 4 and parts[2] == "operations" else None
    return f"{parts[0]}/{parts[1]}"


def made_object(collection: str, answer: Mapping[str, Any]) -> str | None:
    """The name of what a call made, from the members of its answer; None when it tells none.

    collection   the first segment of the call's path: an id alone belongs to it

    Where there is an id the name may be one for people.
    """
    file = answer.get("file")
    if isinstance(file, dict) and isinstance(name := file.get("name"), str):
        return owner_of(name)
    name, made_id = answer.get("name"), answer.get("id")
    if isinstance(made_id, str) and made_id:
        return owner_of(made_id) or owner_of(f"{collection}/{made_id}")
    return owner_of(name) if isinstance(name, str) else None


def spoken_of(answer: object) -> tuple[str, ...]:
    """The files that an operation's or a batch's answer says it has made, each once, in order."""
    return tuple(dict.fromkeys(_files_in(answer, _MAX_DEPTH)))


def _files_in(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        for item in value if depth else ():
            yield from _files_in(item, depth - 1)
    elif isinstance(value, dict):
        for name, inner in value.items() if depth else ():
            if isinstance(inner, str):
                if name in _SPEAKING and (found := named_object(inner)) is not None:
                    yield found
            else:
                yield from _files_in(inner, depth - 1)
