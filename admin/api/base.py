"""What every address of the JSON API has in common: who may ask, how wishes are read, one shape of errors.

The administrator's token opens it as a Bearer token; a browser's session does as well, with the XSRF token in
a header for changes. An error is `{"error": {"code", "message", "fields": [{"field", "message"}]}}`.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from tornado.web import HTTPError

from admin import guessing
from admin.base import SESSION_COOKIE
from admin.parts import Parts
from gateway.control.desk import Desk
from gateway.control.results import Actor, FieldError, Refused
from gateway.errors import StoreError, StoreUnavailable
from gateway.handlers.base import BaseHandler
from gateway.log import get_logger
from gateway.services import Services

log = get_logger("gateway.admin")
JSON_TYPE = "application/json; charset=UTF-8"
_CODES = {
    400: ("bad_request", "The request cannot be understood."),
    401: ("unauthorized", "Send the administrator's token as `Authorization: Bearer …`."),
    403: ("forbidden", "A change from a browser needs its XSRF token."),
    404: ("not_found", "There is no such thing."),
    405: ("method_not_allowed", "This address does not take that method."),
    409: ("conflict", "This cannot be done now."),
    422: ("invalid", "Nothing was changed."),
    429: ("too_many_guesses", "Too many wrong tokens came from here. Wait before the next one."),
    503: ("unavailable", "The database is away."),
}


class ApiError(HTTPError):
    """An answer that is an error, in words, with the fields it concerns."""

    def __init__(
        self, status: int, message: str = "", fields: Sequence[FieldError] = (), *, retry_after_s: int = 0
    ) -> None:
        super().__init__(status)
        self.message = message
        self.fields = fields
        self.retry_after_s = retry_after_s


class ApiHandler(BaseHandler):
    """An address of the API."""

    parts: Parts
    actor: Actor

    def initialize(self, services: Services, parts: Parts) -> None:  # type: ignore[override]  # Tornado hands in what the route names
        super().initialize(services)
        self.parts = parts

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    async def prepare(self) -> None:
        if self.request.headers.get("Authorization"):
            self._check_token()
            self.actor = Actor("api", self.request.remote_ip or "")
            return
        session = await self.parts.sessions.find(self.get_cookie(SESSION_COOKIE, "") or "")
        if session is None:
            raise ApiError(401)
        if self.request.method not in ("GET", "HEAD"):
            self.check_xsrf_cookie()
        self.actor = Actor("admin", self.request.remote_ip or "")

    @property
    def desk(self) -> Desk:
        return self.services.desk

    def wish(self) -> dict[str, Any]:
        """The JSON object of the request. Raises ApiError."""
        if not self.request.body:
            return {}
        try:
            parsed = orjson.loads(self.request.body)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, f"The body is not valid JSON: {error}.") from None
        if not isinstance(parsed, dict):
            raise ApiError(400, "The body must be a JSON object.")
        return parsed

    def asked(self) -> dict[str, str]:
        """The query's arguments, each once."""
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}

    def granted(self, result: Any) -> Any:
        """A result that was not refused. Raises ApiError."""
        if isinstance(result, Refused):
            is_conflict = all(not error.field for error in result.errors)
            raise ApiError(409 if is_conflict else 422, result.message, result.errors)
        return result

    def answer(self, value: Any, *, status: int = 200) -> None:
        self.write_json(value, status=status)

    def write_error(self, status_code: int, **more: Any) -> None:
        error = more.get("exc_info", (None, None, None))[1]
        fields: Sequence[FieldError] = ()
        code, message = _CODES.get(status_code, ("internal", "The gateway failed to answer."))
        if isinstance(error, ApiError):
            message, fields = error.message or message, error.fields
            if error.retry_after_s:
                self.set_header("Retry-After", str(error.retry_after_s))
        elif isinstance(error, StoreUnavailable):
            status_code, code, message = 503, "unavailable", str(error)
        elif isinstance(error, StoreError):
            status_code, code, message = 422, "invalid", str(error)
        self.set_status(status_code)
        self.set_header("Content-Type", JSON_TYPE)
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        body: dict[str, Any] = {"code": code, "message": message}
        if fields:
            body["fields"] = [{"field": each.field, "message": each.message} for each in fields]
        self.finish(orjson.dumps({"error": body}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A database that is away is told by the store, once; it is no fault of this address."""
        if not isinstance(value, StoreError):
            super().log_exception(typ, value, tb)

    def _check_token(self) -> None:
        now_s = self.services.engine.wall_s()
        if wait_s := guessing.wait_s(self.parts, self.request, now_s):
            raise ApiError(429, retry_after_s=wait_s)
        scheme, _, secret = self.request.headers["Authorization"].partition(" ")
        token = self.services.tokens.admit(secret.strip()) if scheme.lower() == "bearer" else None
        if token is None or not token.is_admin:
            guessing.count_wrong(self.parts, self.request, now_s)
            log.warning("api_token_refused", peer=self.request.remote_ip)
            raise ApiError(401)


class NoSuchAddress(ApiHandler):
    """Whatever else stands under `/api/admin/`."""

    async def prepare(self) -> None:
        await super().prepare()
        raise ApiError(404, f"There is no {self.request.path[:200]} in the admin API.")
