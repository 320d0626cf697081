"""Bodies of OpenAI's routes that take files: forms, or JSON where a client sends that.

Read with Tornado's parser, whose number of parts is bounded; the body itself is bounded by the front.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tornado.httputil import (
    HTTPFile,
    HTTPInputError,
    ParseBodyConfig,
    ParseMultipartConfig,
    parse_body_arguments,
)

from gateway.errors import BadRequest
from gateway.handlers.planning import Asked, openai_request
from gateway.protocols.fields import wrong_value
from gateway.protocols.forms import typed_fields
from gateway.protocols.media import Media, MediaError, of_type
from gateway.protocols.paths import azure_deployment
from gateway.protocols.shapes import JsonObject

MAX_PARTS = 64
_FORM = "multipart/form-data"
_CONFIG = ParseBodyConfig(multipart=ParseMultipartConfig(max_parts=MAX_PARTS))


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form. mime_type as the client said, without parameters; "" when it said nothing."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)

    def media(self, param: str) -> Media:
        """The file as media; a vague type is told from its bytes. Raises BadRequest."""
        if not self.content:
            raise wrong_value(param, "the file is empty.")
        try:
            return of_type(self.mime_type, base64.b64encode(self.content).decode("ascii"))
        except MediaError as unreadable:
            raise wrong_value(param, str(unreadable)) from None


@dataclass(frozen=True, slots=True)
class Form:
    """A request's fields as a JSON body has them, and its files by name (`image[]` is `image`)."""

    fields: JsonObject
    files: Mapping[str, Sequence[Upload]]


def read_form(asked: Asked) -> Form:
    """The form of a request; a JSON body is one without files. Raises BadRequest."""
    kind, _, parameters = asked.head.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != _FORM:
        return Form(openai_request(asked), {})
    arguments: dict[str, list[bytes]] = {}
    sent: dict[str, list[HTTPFile]] = {}
    try:
        parse_body_arguments(f"{_FORM};{parameters}", asked.body, arguments, sent, config=_CONFIG)
    except HTTPInputError as error:
        raise BadRequest(f"The request's form cannot be read: {error}.") from None
    except (ValueError, LookupError):  # a part's head that is not UTF-8, or quoted in an unheard-of way
        raise BadRequest("The request's form cannot be read.") from None
    fields = typed_fields(
        {name: [_text(name, value) for value in values] for name, values in arguments.items()}
    )
    if "model" not in fields and (deployment := azure_deployment(asked.head.path)):
        fields["model"] = deployment
    files: dict[str, list[Upload]] = {}
    for name, uploads in sent.items():
        files.setdefault(name.removesuffix("[]"), []).extend(map(_upload, uploads))
    return Form(fields, files)


def _upload(file: HTTPFile) -> Upload:
    mime_type = file.content_type.partition(";")[0].strip().lower()
    return Upload(file.filename, "" if mime_type == "application/unknown" else mime_type, file.body)


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The form's field is not UTF-8 text.", param=name) from None
