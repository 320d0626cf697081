"""What all image hosts have in common: a picture, the request that puts it somewhere, and the form most take.

The hosts' own modules build the requests and read the answers; gateway/upstream/hosting.py sends them.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from gateway.errors import GatewayError

_EXTENSIONS = {"image/jpeg": "jpg", "image/svg+xml": "svg"}


class UploadRefused(GatewayError):
    """The host did not take the picture; the text says why in its own words, if it has any."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on its way. name as its address will end, without an extension: `2026/11/25/1f0c…`."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        kind = self.mime_type.partition(";")[0].strip().lower()
        return f"{self.name}.{_EXTENSIONS.get(kind) or kind.rpartition('/')[2] or 'png'}"

    @property
    def last_name(self) -> str:
        """The file's name without its folders."""
        return self.file_name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Upload:
    """One request. Its address and headers may hold what must not be shown."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class ImageHost(Protocol):
    """Where pictures go."""

    @property
    def name(self) -> str: ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""

    def upload(self, picture: Picture, now: datetime) -> Upload:
        """The request that puts a picture there. now   in UTC"""

    def address(self, picture: Picture, status: int, body: bytes) -> str:
        """Where the picture is, by the answer. Raises UploadRefused."""


def form(field_name: str, picture: Picture) -> tuple[str, bytes]:
    """A multipart form with the picture as its only field: content type and body. Source: RFC 7578."""
    boundary = hashlib.sha256(picture.content).hexdigest()[:40]  # cannot stand in what it is the digest of
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field_name}"; filename="{picture.last_name}"\r\n'
        f"Content-Type: {picture.mime_type}\r\n\r\n"
    )
    return (
        f"multipart/form-data; boundary={boundary}",
        head.encode() + picture.content + f"\r\n--{boundary}--\r\n".encode(),
    )


def answer_of(status: int, body: bytes) -> Any:
    """The JSON of an answer. Raises UploadRefused where there is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UploadRefused(f"it answered {status} and no JSON") from None


def refused(status: int, words: object) -> UploadRefused:
    """The refusal in the host's words."""
    said = words if isinstance(words, str) and words else "without a reason"
    return UploadRefused(f"it answered {status}: {said[:200]}")


def web_address(value: object) -> str | None:
    """The value, if it is an address a browser can open and that fits into Markdown."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return None
    return None if any(char.isspace() or char in "()<>" for char in value) else value
