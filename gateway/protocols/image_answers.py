"""The upstream's replies to requests for pictures, read, and OpenAI's answers made of them.

Pure; called by handlers/openai_images.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from gateway.errors import BadRequest
from gateway.protocols.finish_reasons import block_text, reason_name, withheld_text
from gateway.protocols.image_requests import ImageCall
from gateway.protocols.media import Media
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import Usage, read_usage

_MOST_WORDS_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Painted:
    """What one reply holds.

    pictures   in order, drafts left out
    words      what the model said; for a reply without pictures the reason
    usage      None where nobody counted
    """

    pictures: tuple[Media, ...]
    words: str
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as the client gets it: at its url where it has one, else its data."""

    picture: Media
    url: str | None = None


def read_generated(reply: JsonObject) -> Painted:
    """Read a GenerateContentResponse. Never raises."""
    pictures: list[Media] = []
    words: list[str] = []
    reason: str | None = None
    candidates = reply.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, dict):
            continue
        for part in parts_of(candidate):
            if part.get("thought") is True:
                continue  # drafts and their descriptions
            if (picture := picture_in(part)) is not None:
                pictures.append(picture)
            elif isinstance(text := part.get("text"), str):
                words.append(text)
        ended = reason_name(candidate.get("finishReason"))
        if ended is not None and ended != "STOP":
            reason = withheld_text(ended, candidate.get("finishMessage"))
    said = "".join(words).strip() or block_text(reply) or reason or ""
    usage = reply.get("usageMetadata")
    return Painted(tuple(pictures), said[:_MOST_WORDS_CHARS], None if usage is None else read_usage(usage))


def read_predicted(reply: JsonObject) -> Painted:
    """Read a PredictResponse of Imagen. Never raises."""
    pictures: list[Media] = []
    words: list[str] = []
    predictions = reply.get("predictions")
    for prediction in predictions if isinstance(predictions, list) else ():
        if not isinstance(prediction, dict):
            continue
        data, mime_type = prediction.get("bytesBase64Encoded"), prediction.get("mimeType")
        if isinstance(data, str) and data:
            pictures.append(Media(mime_type if isinstance(mime_type, str) else "image/png", data))
        elif isinstance(filtered := prediction.get("raiFilteredReason"), str):
            words.append(filtered)
    return Painted(tuple(pictures), " ".join(words)[:_MOST_WORDS_CHARS], None)


def parts_of(candidate: JsonObject) -> Iterable[JsonObject]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return (part for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()


def picture_in(part: JsonObject) -> Media | None:
    inline = part.get("inlineData")
    if not isinstance(inline, dict):
        return None
    data, mime_type = inline.get("data"), inline.get("mimeType")
    if not isinstance(data, str) or not data:
        return None
    if not isinstance(mime_type, str) or not mime_type.startswith("image/"):
        return None
    return Media(mime_type, data)


def no_picture(painted: Sequence[Painted]) -> BadRequest:
    """What the client is told when nothing was painted: the model's own words."""
    words = next((each.words for each in painted if each.words), "")
    said = f"The model made no picture. It said: {words}" if words else "The model made no picture."
    return BadRequest(said, code="content_policy_violation", param="prompt")


def image_list(
    call: ImageCall, shown: Sequence[Shown], painted: Sequence[Painted], *, created_s: int
) -> bytes:
    """OpenAI's answer."""
    answer: JsonObject = {
        "created": created_s,
        "data": [_entry(call, each) for each in shown],
        "output_format": encoding_of(shown[0].picture),
    }
    if (usage := _usage(painted)) is not None:
        answer["usage"] = usage
    return orjson.dumps(answer)


def completed_event(call: ImageCall, picture: Media, painted: Sequence[Painted], *, created_s: int) -> bytes:
    """A picture as an event of a stream; `painted` is what the whole request came to.

    Drafts are not shown: OpenAI's too may send fewer of them than were asked for.
    """
    kind = f"{call.work.value}.completed"
    event: JsonObject = {
        "type": kind,
        "b64_json": picture.data,
        "background": "opaque",
        "created_at": created_s,
        "output_format": encoding_of(picture),
        "quality": call.quality,
        "size": "auto",
        "usage": _usage(painted) or _image_usage(Usage()),
    }
    return b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), orjson.dumps(event))


def encoding_of(picture: Media) -> str:
    return picture.mime_type.removeprefix("image/")


def data_url(picture: Media) -> str:
    return f"data:{picture.mime_type};base64,{picture.data}"


def _entry(call: ImageCall, shown: Shown) -> JsonObject:
    entry: JsonObject = {"revised_prompt": call.prompt}
    if shown.url is not None:
        entry["url"] = shown.url
    else:
        entry["b64_json"] = shown.picture.data
    return entry


def _usage(painted: Sequence[Painted]) -> JsonObject | None:
    counted = [each.usage for each in painted if each.usage is not None]
    if not counted:
        return None
    return _image_usage(
        Usage(
            prompt=sum(usage.prompt + usage.tool_use for usage in counted),
            completion=sum(usage.completion + usage.thoughts for usage in counted),
            prompt_image=sum(usage.prompt_image for usage in counted),
            completion_image=sum(usage.completion_image for usage in counted),
        )
    )


def _image_usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.prompt,
        "output_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "input_tokens_details": {
            "image_tokens": usage.prompt_image,
            "text_tokens": max(0, usage.prompt - usage.prompt_image),
        },
        "output_tokens_details": {
            "image_tokens": usage.completion_image,
            "text_tokens": max(0, usage.completion - usage.completion_image),
        },
    }
