"""What the Tornado handlers share: the services, quiet error pages in JSON, and who may see what."""

from collections.abc import Mapping
from typing import Any

import orjson
from tornado.web import RequestHandler

from gateway.handlers.credentials import presented
from gateway.protocols.error_bodies import Problem, openai_error
from gateway.services import Services


class BaseHandler(RequestHandler):
    """A handler of the plain routes; call routes are light objects (calls.py)."""

    services: Services

    def initialize(self, services: Services) -> None:
        self.services = services

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def lowercase_headers(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self.request.headers.items()}

    def is_admitted(self, *secrets: str) -> bool:
        """True when the request presents the administrator's token, or one of `secrets`."""
        tokens = self.services.tokens
        for secret in presented(self.lowercase_headers(), self.request.query):
            token = tokens.admit(secret)
            if (token is not None and token.is_admin) or tokens.is_same(secret, secrets):
                return True
        return False

    def write_json(self, value: Any, *, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(orjson.dumps(value))

    def write_error(self, status_code: int, **_: Any) -> None:
        messages = {
            404: f"There is no route {self.request.method} {self.request.path} here.",
            405: f"{self.request.path} does not take {self.request.method}.",
        }
        message = messages.get(status_code, "The gateway failed to answer this request.")
        kind = "internal" if status_code >= 500 else "not_found"
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(openai_error(Problem(status_code, message, kind)))


class NotFoundHandler(BaseHandler):
    """Everything that is no route."""

    def prepare(self) -> None:
        self.send_error(404)
