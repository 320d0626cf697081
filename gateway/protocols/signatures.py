"""Thought signatures on their way to the client and back.

Gemini 3 refuses a function call in the history that lacks the signature it was made with. So it goes to the
client twice: in `extra_content.google.thought_signature`, as Google's own OpenAI endpoint does, and inside
the call's id, because many clients drop fields they do not know but nearly every client echoes ids. For the
rest there is a `SignatureMemory`, and then the placeholder.
"""

import zlib
from typing import Protocol

from gateway.protocols.fields import optional_object, optional_str
from gateway.protocols.shapes import Content, GenerateContentRequest, JsonObject

PLACEHOLDER = "skip_thought_signature_validator"
"""Accepted upstream for calls that Gemini did not make. Source: Gemini API, thought signatures page."""

MAX_IN_ID_CHARS = 2048
"""A longer signature travels in extra_content only: every later request repeats the ids."""


class SignatureMemory(Protocol):
    """Remembers signatures by the upstream's call ids; may forget any."""

    def find(self, call_id: str) -> str | None: ...

    def note(self, call_id: str, signature: str) -> None: ...


_MARK = "-ts-"  # with base64url, ids keep to letters, digits, `-` and `_`, which other APIs insist on
_TO_URL = str.maketrans("+/", "-_", "=")
_TO_STANDARD = str.maketrans("-_", "+/")


def pack_id(call_id: str, signature: str | None) -> str:
    """Give the call id for the client: `<id>-ts-<crc32>-<base64url signature>`, or the id alone.

    The checksum unmasks ids that a client cut short: half a signature upstream is a 400, none is not.
    """
    if signature is None or len(signature) > MAX_IN_ID_CHARS or not _is_base64(signature):
        return call_id
    packed = signature.translate(_TO_URL)
    return f"{call_id}{_MARK}{_checksum(packed)}-{packed}"


def unpack_id(client_id: str) -> tuple[str, str | None]:
    """Split a call id from the client into the upstream's id and the signature, None when it holds none."""
    call_id, mark, tail = client_id.partition(_MARK)
    if not mark:
        return client_id, None
    checksum, _, packed = tail.partition("-")
    if not packed or checksum != _checksum(packed):
        return call_id, None
    return call_id, packed.translate(_TO_STANDARD) + "=" * (-len(packed) % 4)


def extra_content(signature: str) -> JsonObject:
    """The field that carries a signature on a tool call or on a message."""
    return {"google": {"thought_signature": signature}}


def read_extra_content(source: JsonObject, param: str) -> str | None:
    """The signature in a tool call's or a message's `extra_content`, or None. Raises BadRequest."""
    extra = optional_object(source, "extra_content", within=f"{param}.")
    if not extra:
        return None
    google = optional_object(extra, "google", within=f"{param}.extra_content.")
    if not google:
        return None
    return optional_str(google, "thought_signature", within=f"{param}.extra_content.google.") or None


def fill_placeholders(contents: list[Content]) -> None:
    """Sign the first call of each model turn with the placeholder where it has no signature.

    Only for Gemini 3 and later: older models are not given signatures. A real signature stays.
    """
    for content in contents:
        if content["role"] == "model":
            first_call = next((part for part in content["parts"] if "functionCall" in part), None)
            if first_call is not None:
                first_call.setdefault("thoughtSignature", PLACEHOLDER)


def without_real_signatures(request: GenerateContentRequest) -> GenerateContentRequest:
    """The same request with placeholders for signatures on calls and none elsewhere.

    For one more try after "Corrupted thought signature", which other accounts than the signer's may answer.
    """
    contents: list[Content] = []
    for content in request.get("contents", []):
        parts = [part.copy() for part in content["parts"]]
        for part in parts:
            part.pop("thoughtSignature", None)
        contents.append({"role": content["role"], "parts": parts})
    fill_placeholders(contents)
    changed = request.copy()
    changed["contents"] = contents
    return changed


def _is_base64(text: str) -> bool:
    # Only canonical base64 comes back as it was; others (the placeholder) travel in extra_content.
    body = text.rstrip("=")
    return (
        len(text) % 4 == 0
        and len(body) % 4 != 1
        and len(text) - len(body) == -len(body) % 4
        and body.isascii()
        and body.replace("+", "a").replace("/", "a").isalnum()
    )


def _checksum(packed: str) -> str:
    return format(zlib.crc32(packed.encode("ascii", "replace")), "08x")
