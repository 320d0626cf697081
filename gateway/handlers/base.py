"""What the Tornado handlers share: the services, quiet error pages in JSON, and who may see what."""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from tornado.web import RequestHandler

from gateway.handlers.answers import common_headers, request_id_of
from gateway.handlers.credentials import presented
from gateway.handlers.refusals import note_refusal
from gateway.protocols.error_bodies import Problem, openai_error
from gateway.protocols.paths import Api
from gateway.relay.plan import JSON_TYPE
from gateway.services import Services

_KINDS = {401: "invalid_api_key", 404: "not_found", 405: "method_not_allowed"}


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

    def send_error(self, status_code: int = 500, **more: Any) -> None:
        """Answer with an error; an answer that has begun is broken off, so that it does not look whole."""
        if self._headers_written and not self._finished:
            # Both fronts' connections can; httputil's abstract one has no word for it.
            cast(Any, self.request.connection).close()
            return
        super().send_error(status_code, **more)

    def write_error(self, status_code: int, **_: Any) -> None:
        messages = {
            401: "The token is missing or does not open this page.",
            404: f"There is no route {self.request.method} {self.request.path[:200]} here.",
            405: f"{self.request.path[:200]} does not take {self.request.method}.",
        }
        usual = "The gateway failed to answer." if status_code >= 500 else "The request cannot be understood."
        problem = Problem(status_code, messages.get(status_code, usual), _KINDS.get(status_code, "internal"))
        request_id = request_id_of(self.lowercase_headers(), self.services.new_id)
        for name, value in common_headers(request_id):
            self.set_header(name, value)
        self.set_header("Content-Type", JSON_TYPE)
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if status_code < 500:
            note_refusal(
                self.services,
                problem,
                api=Api.NONE,
                request_id=request_id,
                method=self.request.method or "",
                path=self.request.path,
                peer=self.request.remote_ip or "",
            )
        self.finish(openai_error(problem))


class NotFoundHandler(BaseHandler):
    """Everything that is no route."""

    def prepare(self) -> None:
        self.send_error(404)
