"""The pictures inside a reply, and what stands there once they have a place of their own.

Pure; the relay hands them to an image host between reading a reply and translating it.
"""

from gateway.protocols.media import Media
from gateway.protocols.shapes import JsonObject


def pictures_in(reply: JsonObject) -> list[tuple[JsonObject, Media]]:
    """The parts of a reply or event that hold a picture of the answer, each with the picture.

    Drafts drawn while thinking are no part of the answer. Never raises, whatever the types inside.
    """
    found: list[tuple[JsonObject, Media]] = []
    candidates = reply.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        content = candidate.get("content") if isinstance(candidate, dict) else None
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("thought") is not True:
                picture = _picture(part.get("inlineData"))
                if picture is not None:
                    found.append((part, picture))
    return found


def place(part: JsonObject, picture: Media, address: str) -> None:
    """Put the picture's address where the picture was."""
    del part["inlineData"]
    part["fileData"] = {"mimeType": picture.mime_type, "fileUri": address}


def _picture(inline: object) -> Media | None:
    if not isinstance(inline, dict):
        return None
    mime_type, data = inline.get("mimeType"), inline.get("data")
    if not isinstance(mime_type, str) or not mime_type.startswith("image/"):
        return None
    return Media(mime_type, data) if isinstance(data, str) and data else None
