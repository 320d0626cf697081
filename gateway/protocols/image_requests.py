"""OpenAI's requests for pictures, read: what is painted or changed, how many, how large, given back how.

Pure. The upstream's bodies are made in image_bodies, the answers in image_answers. Called by
handlers/openai_images.
"""

import enum
import re
from dataclasses import dataclass, replace

from gateway.protocols.fields import (
    as_list,
    as_object,
    as_str,
    missing,
    optional_bool,
    optional_int32,
    optional_str,
    unsupported,
    wrong_value,
)
from gateway.protocols.media import Media, MediaError, of_type, read_base64, read_data_url
from gateway.protocols.openai_names import model_or
from gateway.protocols.remote_media import NO_ATTACHMENTS, Attachments
from gateway.protocols.shapes import JsonObject

MAX_COUNT = 10
MAX_PICTURES = 16
"""OpenAI's own bounds of one request."""
FORMATS = ("png", "jpeg", "webp")

_SIZE = re.compile(r"(\d{1,5})[xX](\d{1,5})", re.ASCII)
_RATIO = re.compile(r"(\d{1,2}):(\d{1,2})", re.ASCII)
_MACRO = re.compile(r"\s*\{(n|ratio):\s*([\d:]{1,5})\s*\}", re.ASCII)
_SIZE_OF_QUALITY = {"hd": "2K", "high": "2K", "xhigh": "4K", "max": "4K"}
_QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
_SIZE_OF_EDGE = ((3500, "4K"), (2000, "2K"))
_VARIATION = "Paint a variation of this picture: the same subject and style, with other details."


class Work(enum.Enum):
    """What is asked for; the value is the first word of its streamed events."""

    GENERATION = "image_generation"
    EDIT = "image_edit"


@dataclass(frozen=True, slots=True)
class ImageCall:
    """A request for pictures.

    model        the bare upstream name
    ratio        width by height, None where the client left it open
    size         "1K", "2K" or "4K", None where the client left it open
    form         "url" or "b64_json"; None for a url where pictures are hosted, else b64_json
    encoding     one of FORMATS, None for what the model makes
    compression  0 to 100 for jpeg and webp, None for the usual one
    pictures     to work from, in order
    mask         shows by its transparency where the first of them may change
    """

    work: Work
    model: str
    prompt: str
    count: int = 1
    ratio: float | None = None
    size: str | None = None
    quality: str = "auto"
    form: str | None = None
    encoding: str | None = None
    compression: int | None = None
    stream: bool = False
    pictures: tuple[Media, ...] = ()
    mask: Media | None = None


def read_generation(body: JsonObject, *, default_model: str) -> ImageCall:
    """Read a request for new pictures. Raises BadRequest.

    default_model   for requests that name none, or one of OpenAI's own

    Source: OpenAI images reference.
    """
    return _read(body, Work.GENERATION, default_model)


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a request besides its fields.

    pictures, mask   the files of a form; a JSON body holds its own
    attachments      what was found for `picture_addresses`
    """

    pictures: tuple[Media, ...] = ()
    mask: Media | None = None
    attachments: Attachments = NO_ATTACHMENTS


NOTHING_GIVEN = Given()


def read_edit(body: JsonObject, *, default_model: str, given: Given = NOTHING_GIVEN) -> ImageCall:
    """Read a request to change pictures. Raises BadRequest.

    body   a JSON object, or a form's fields as one
    """
    mask = given.mask
    if mask is None and body.get("mask") is not None:
        mask = _referenced(body["mask"], "mask", given.attachments)
    return _with_pictures(replace(_read(body, Work.EDIT, default_model), mask=mask), body, given)


def read_variation(body: JsonObject, *, default_model: str, given: Given = NOTHING_GIVEN) -> ImageCall:
    """Read a request for variations: a change that does not say of what. Raises BadRequest."""
    call = _read({**body, "prompt": _VARIATION}, Work.EDIT, default_model)
    return _with_pictures(call, body, given)


def picture_addresses(body: JsonObject) -> tuple[str, ...]:
    """The http(s) addresses of pictures that must be fetched, each once. Never raises."""
    listed = [body.get(name) for name in ("images", "image", "mask")]
    references = [item for each in listed for item in (each if isinstance(each, list) else [each])]
    named = [item.get("image_url") if isinstance(item, dict) else item for item in references]
    found = [
        text for text in named if isinstance(text, str) and text.lower().startswith(("http://", "https://"))
    ]
    return tuple(dict.fromkeys(found))


def _read(body: JsonObject, work: Work, default_model: str) -> ImageCall:
    prompt = as_str(body.get("prompt"), "prompt").strip()
    if not prompt:
        raise wrong_value("prompt", "the text is empty.")
    prompt, count, ratio = _without_macros(prompt)
    if count is None:
        count = optional_int32(body, "n") or 1
    if not 1 <= count <= MAX_COUNT:
        raise wrong_value("n", f"expected an integer from 1 to {MAX_COUNT}.")
    asked_ratio, size = _size(optional_str(body, "size") or "auto")
    quality = (optional_str(body, "quality") or "auto").lower()
    if quality not in _QUALITIES:
        raise wrong_value("quality", f"supported values are {', '.join(_QUALITIES)}.")
    _refuse_transparency(optional_str(body, "background"))
    encoding, compression = _encoding(body)
    return ImageCall(
        work=work,
        model=model_or(default_model, body),
        prompt=prompt,
        count=count,
        ratio=ratio or asked_ratio,
        size=size or _SIZE_OF_QUALITY.get(quality),
        quality=quality,
        form=_form(body),
        encoding=encoding,
        compression=compression,
        stream=optional_bool(body, "stream") or False,
    )


def _without_macros(prompt: str) -> tuple[str, int | None, float | None]:
    """The prompt without gemini-balance's `{n:2}` and `{ratio:16:9}`, and what they say."""
    count: int | None = None
    ratio: float | None = None
    for name, value in _MACRO.findall(prompt):
        if name == "ratio":
            ratio = _ratio(value, "prompt")
        elif value.isdecimal():
            count = int(value)
    return _MACRO.sub("", prompt).strip() or prompt, count, ratio


def _size(text: str) -> tuple[float | None, str | None]:
    """The ratio and the size of `1536x1024`, of Gemini's own words `16:9` and `2K`, or of `auto`."""
    text = text.strip()
    if text.lower() == "auto":
        return None, None
    if text.upper() in ("1K", "2K", "4K"):
        return None, text.upper()
    found = _SIZE.fullmatch(text)
    if found is None:
        return _ratio(text, "size"), None
    width, height = int(found[1]), int(found[2])
    if not width or not height:
        raise wrong_value("size", "a side must not be 0.")
    longest = max(width, height)
    size = next((size for edge, size in _SIZE_OF_EDGE if longest >= edge), None)
    return width / height, size


def _ratio(text: str, param: str) -> float:
    found = _RATIO.fullmatch(text)
    if found is None or not int(found[1]) or not int(found[2]):
        raise wrong_value(param, "expected a size such as 1536x1024, or a ratio such as 16:9.")
    return int(found[1]) / int(found[2])


def _refuse_transparency(background: str | None) -> None:
    if background == "transparent":
        raise unsupported("background", "Gemini's models paint no transparent backgrounds.")
    if background not in (None, "", "auto", "opaque"):
        raise wrong_value("background", "supported values are 'auto' and 'opaque'.")


def _encoding(body: JsonObject) -> tuple[str | None, int | None]:
    encoding = optional_str(body, "output_format")
    if encoding in ("gif", "svg"):
        raise unsupported("output_format", f"Pictures are given as {', '.join(FORMATS)}, not as {encoding}.")
    if encoding is not None and encoding not in FORMATS:
        raise wrong_value("output_format", f"supported values are {', '.join(FORMATS)}.")
    compression = optional_int32(body, "output_compression")
    if compression is not None and not 0 <= compression <= 100:
        raise wrong_value("output_compression", "expected an integer from 0 to 100.")
    return encoding, compression


def _form(body: JsonObject) -> str | None:
    form = optional_str(body, "response_format")
    if form not in (None, "", "url", "b64_json"):
        raise wrong_value("response_format", "supported values are 'url' and 'b64_json'.")
    if not form and "gpt-image" in str(body.get("model")):
        return (
            "b64_json"  # OpenAI's models of that name give nothing else, and their clients read nothing else
        )
    return form or None


def _with_pictures(call: ImageCall, body: JsonObject, given: Given) -> ImageCall:
    pictures = given.pictures or _listed(body, given.attachments)
    if not pictures:
        raise missing("image")
    if len(pictures) > MAX_PICTURES:
        raise wrong_value("image", f"at most {MAX_PICTURES} pictures can be worked from.")
    return replace(call, pictures=pictures)


def _listed(body: JsonObject, attachments: Attachments) -> tuple[Media, ...]:
    """The pictures of a JSON body: `images: [{image_url}]`, and `image` as some clients write it."""
    listed = body.get("images")
    name = "images"
    if listed is None:
        listed, name = body.get("image"), "image"
    if listed is None:
        return ()
    if isinstance(listed, str | dict):
        return (_referenced(listed, name, attachments),)
    return tuple(
        _referenced(item, f"{name}[{at}]", attachments) for at, item in enumerate(as_list(listed, name))
    )


def _referenced(reference: object, param: str, attachments: Attachments) -> Media:
    """A picture named as `{image_url}`, by a data URL, by an address, or that stands there in base64."""
    if not isinstance(reference, str):
        held = as_object(reference, param)
        if held.get("file_id") is not None:
            raise unsupported(f"{param}.file_id", "Send the picture itself, as a data URL or in a form.")
        param = f"{param}.image_url"
        reference = as_str(held.get("image_url"), param)
    try:
        if (fetched := attachments.fetched.get(reference)) is not None:
            return of_type(fetched.mime_type, fetched.base64)
        if "://" in reference[:16]:
            why = attachments.missed.get(reference, "only http and https addresses are")
            raise unsupported(param, f"The picture at this address cannot be fetched: {why}.")
        is_url = reference[:5].lower() == "data:"
        return read_data_url(reference) if is_url else read_base64(reference)
    except MediaError as unreadable:
        raise wrong_value(param, str(unreadable)) from None
