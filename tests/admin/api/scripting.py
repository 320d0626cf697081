"""A script with the administrator's token, as people write them."""

import http.client
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.admin.browsing import ADMIN_TOKEN
from tests.integration.running import RunningGateway


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def wrong(self) -> list[str]:
        """The fields an error names."""
        return [each["field"] for each in self.error.get("fields", ())]


class Script:
    """Asks for paths under /api/admin unless they are whole ones."""

    def __init__(self, gateway: RunningGateway, token: str = ADMIN_TOKEN) -> None:
        self._netloc = urlsplit(gateway.url).netloc
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        if not path.startswith(("/api", "/v1", "/gemini", "/hf")):
            path = f"/api/admin{path}"
        sent = body if isinstance(body, bytes | None) else orjson.dumps(body)
        with closing(http.client.HTTPConnection(self._netloc, timeout=15)) as connection:
            connection.request(method, path, sent, {**self.headers, **headers})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def post(self, path: str, body: Any = None) -> Reply:
        return self.ask("POST", path, body)

    def patch(self, path: str, body: Any) -> Reply:
        return self.ask("PATCH", path, body)

    def delete(self, path: str) -> Reply:
        return self.ask("DELETE", path)

    def finished(self, reply: Reply) -> Any:
        """A task that was begun, once it is over."""
        assert reply.status == 202, reply.body
        ends_s = time.monotonic() + 15
        while True:
            task = self.get(f"/tasks/{reply.json['id']}").json
            if task["state"] != "running":
                return task
            assert time.monotonic() < ends_s, task
            time.sleep(0.01)
