"""CloudFlare-ImgBed, which people run themselves. Source: its API's documentation (POST /upload)."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode, urljoin

from gateway.protocols.image_hosts.uploads import Picture, Upload, answer_of, form, refused, web_address


@dataclass(frozen=True, slots=True)
class CloudflareImgbed:
    """A site by the address of its upload, and the code it asks for, "" for none."""

    url: str
    auth_code: str = field(default="", repr=False)
    folder: str = ""
    name: str = "cloudflare_imgbed"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.auth_code,)

    def upload(self, picture: Picture, now: datetime) -> Upload:  # noqa: ARG002 - nothing is signed
        content_type, body = form("file", picture)
        chosen = {"uploadFolder": self.folder, "authCode": self.auth_code, "uploadNameType": "origin"}
        query = urlencode({name: value for name, value in chosen.items() if value})
        url = f"{self.url}{'&' if '?' in self.url else '?'}{query}"
        return Upload("POST", url, (("content-type", content_type),), body)

    def address(self, picture: Picture, status: int, body: bytes) -> str:  # noqa: ARG002 - the answer tells it
        answer = answer_of(status, body)
        first = answer[0] if isinstance(answer, list) and answer else None
        source = first.get("src") if isinstance(first, dict) else None
        if not isinstance(source, str) or not source:
            raise refused(status, answer.get("message") if isinstance(answer, dict) else None)
        root, found, _ = self.url.partition("/upload")
        absolute = web_address(urljoin(f"{root}/" if found else self.url, source))
        if absolute is None:
            raise refused(status, "an address that is none")
        return absolute
