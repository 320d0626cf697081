"""Answers the front gives by itself: what is wrong with a request, and the bytes that say so.

Raised where a head or a body is judged (head.py, connection.py), rendered here with the caller's `Reject`.
Answers of routes and handlers are not made here.
"""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus

import orjson

LOG = logging.getLogger("gateway.serving")

Headers = Sequence[tuple[str, str]]
Reject = Callable[[int, str, str | None], tuple[Headers, bytes]]
"""(status, a plain sentence, undecoded path or None) -> headers and body of the answer."""


class Refusal(Exception):
    """A request the front does not pass on.

    status   the HTTP status to answer
    message  a sentence for the client's developer; never contains what the client sent
    path     the undecoded path when the request got as far as that
    """

    def __init__(self, status: int, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.path = path


def plain_reject(status: int, message: str, path: str | None) -> tuple[Headers, bytes]:  # noqa: ARG001
    """A small JSON body, the same for every path."""
    body = orjson.dumps({"error": {"code": status, "message": message}})
    return [("Content-Type", "application/json")], body


def render(reject: Reject, refusal: Refusal) -> tuple[Headers, bytes]:
    """Headers and body for a refusal; a renderer that fails is logged and replaced by the plain one."""
    try:
        return reject(refusal.status, refusal.message, refusal.path)
    except Exception:  # the renderer is the application's; the client must be answered all the same
        LOG.exception("The renderer of refused requests failed (status %d)", refusal.status)
        return plain_reject(refusal.status, refusal.message, refusal.path)


def reason(status: int) -> str:
    """The registered phrase of a status, "" for one without."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
