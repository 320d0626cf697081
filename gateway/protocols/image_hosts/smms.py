"""SM.MS. Source: its API, version 2 (POST upload, field smfile)."""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.protocols.image_hosts.uploads import Picture, Upload, answer_of, form, refused, web_address

URL = "https://sm.ms/api/v2/upload"


@dataclass(frozen=True, slots=True)
class Smms:
    """An account at SM.MS, by its token."""

    token: str = field(repr=False)
    url: str = URL
    name: str = "smms"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.token,)

    def upload(self, picture: Picture, now: datetime) -> Upload:  # noqa: ARG002 - nothing is signed
        content_type, body = form("smfile", picture)
        headers = (("authorization", f"Basic {self.token}"), ("content-type", content_type))
        return Upload("POST", self.url, headers, body)

    def address(self, picture: Picture, status: int, body: bytes) -> str:  # noqa: ARG002 - the answer tells it
        answer = answer_of(status, body)
        if not isinstance(answer, dict):
            raise refused(status, None)
        stored = answer.get("data")
        found = web_address(stored.get("url")) if isinstance(stored, dict) and answer.get("success") else None
        if found is None and answer.get("code") == "image_repeated":
            found = web_address(answer.get("images"))  # it has been there before
        if found is None:
            raise refused(status, answer.get("message"))
        return found
