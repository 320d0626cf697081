"""PicGo and other Chevereto sites, and PicGo's own server. Source: Chevereto API 1, PicGo server's README."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

from gateway.protocols.image_hosts.uploads import Picture, Upload, answer_of, form, refused, web_address

URL = "https://www.picgo.net/api/1/upload"


@dataclass(frozen=True, slots=True)
class Picgo:
    """A site, and a key for it."""

    key: str = field(repr=False)
    url: str = URL
    name: str = "picgo"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.key,)

    def upload(self, picture: Picture, now: datetime) -> Upload:  # noqa: ARG002 - nothing is signed
        content_type, body = form("source", picture)
        headers = [("content-type", content_type)]
        url = self.url
        if urlsplit(url).hostname in ("picgo.net", "www.picgo.net"):
            headers.append(("x-api-key", self.key))
        elif self.key:
            url = f"{url}{'&' if '?' in url else '?'}key={quote(self.key, safe='')}"
        return Upload("POST", url, tuple(headers), body)

    def address(self, picture: Picture, status: int, body: bytes) -> str:  # noqa: ARG002 - the answer tells it
        answer = answer_of(status, body)
        if not isinstance(answer, dict):
            raise refused(status, None)
        image, result, error = answer.get("image"), answer.get("result"), answer.get("error")
        found = None
        if answer.get("status_code") == 200 and isinstance(image, dict):
            found = web_address(image.get("url"))
        elif answer.get("success") and isinstance(result, list) and result:
            found = web_address(result[0])
        if found is None:
            words = error.get("message") if isinstance(error, dict) else answer.get("message")
            raise refused(status, words)
        return found
