"""Requests that bring the bytes of a file: passed on while they come, at the pace of the slower side.

A light route of its own, because a call route gathers its body first. Beginnings of resumable uploads, and
small uploads of one piece, are ordinary calls.
"""

import asyncio
import math
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from gateway.control.tokens import Token
from gateway.errors import BadRequest
from gateway.handlers.answers import UPLOAD_EXPOSED
from gateway.handlers.binding import bind
from gateway.handlers.credentials import query_value
from gateway.handlers.gemini_passing import forwarded, passing_plan, plan_passed
from gateway.handlers.planning import Asked, Planned
from gateway.handlers.upload_sessions import (
    FINISHED_S,
    Session,
    begin_upload,
    check_size,
    find_session,
    is_begun,
)
from gateway.handlers.visit import Visit
from gateway.handlers.witnesses import Making, WitnessFactory
from gateway.log import get_logger
from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem, gemini_error, gemini_error_event, problem_of
from gateway.protocols.object_names import owner_of
from gateway.protocols.paths import Api, Route
from gateway.relay.call import Ticket
from gateway.relay.plan import Framing, Passage, Pin, Plan, Settling
from gateway.services import Services
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import MIB
from gateway.upstream.body_pipe import BodyPipe

log = get_logger("gateway.handlers")
GATHERED_BYTES = 4 * MIB
"""An upload of one piece that is no longer is an ordinary call, which may move to another key."""

_UNKNOWN = "The upload is not known here, or its time is over. Begin it again."
_FAULT = Problem(500, "The gateway failed to prepare this upload.", "internal")
_OVER = ("x-goog-upload-status", "final")
"""Without it Google's SDK sends the same piece again, three times."""


def plan_upload(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of an upload that is an ordinary call. Raises BadRequest."""
    return begin_upload(asked) if is_begun(asked.head) else plan_passed(asked)


def brings_bytes(head: RequestHead, body_bytes: int | None) -> bool:
    """Whether a request with such a body is to be passed on while it comes."""
    if query_value(head.query, "upload_id"):
        return True
    return not is_begun(head) and (body_bytes is None or body_bytes > GATHERED_BYTES)


class UploadRoute(Visit):
    """One request with bytes, from its head to the end of its call.

    The body waits until it is known where it goes; the address of an upload that was begun is a credential.
    """

    __slots__ = ("_pipe",)

    _api = Api.GEMINI

    def __init__(self, services: Services, route: Route, reply: Reply, head: RequestHead) -> None:
        super().__init__(services, route, reply, head)
        reply.limit_body((services.live.current.max_upload_mb + 1) * MIB)  # and what stands around the file
        self._pipe = BodyPipe(reply.body_bytes, reply.resume_body)
        begun = query_value(head.query, "upload_id")
        visitor = None if begun else self._admit()
        if begun or visitor is not None:
            reply.pause_body()
            self._task = asyncio.create_task(self._prepare(begun, visitor))

    def data(self, chunk: bytes) -> None:
        if not self._refused and not self._pipe.write(chunk):
            self._reply.pause_body()

    def end(self, body: bytes) -> None:  # noqa: ARG002 - it has come by `data`
        self._pipe.finish()

    async def _prepare(self, begun: str, visitor: Token | None) -> None:
        """Plan on a task, then let the body come; its answer is the client's, whatever happens to it."""
        try:
            check_size(self._head, self._reply.body_bytes or 0, self._services.live.current.max_upload_mb)
            plan, ticket = await (self._plan_piece(begun) if visitor is None else self._plan_whole(visitor))
        except BadRequest as error:
            self._refuse(problem_of(error), [_OVER])
        except Exception:  # nobody awaits this task: the client must not be left waiting either
            log.exception("planning_failed", request_id=self._request_id)
            self._refuse(_FAULT)
        else:
            self._begin(plan, ticket)
            self._reply.resume_body()

    async def _plan_piece(self, token: str) -> tuple[Plan, Ticket]:
        """A piece of an upload that was begun, or a question about it. Raises BadRequest."""
        services, head = self._services, self._head
        session = await find_session(services.background.objects, token)
        if session is None:
            raise BadRequest(_UNKNOWN, status=404)
        entry = session.entry
        collection = self._route.resource.partition("/")[0]
        plan = Plan(
            dialect="gemini",
            operation=collection if collection in ("files", "fileSearchStores", "environments") else "other",
            model="",
            bucket="files",
            resource="",
            framing=Framing.ANY,
            error_body=gemini_error,
            error_tail=gemini_error_event,
            body=None if self._reply.body_bytes == 0 else self._pipe,
            method=head.method,
            generates=False,
            forwarded=forwarded(head),
            pin=Pin(entry.key_id, entry.project),
            until_s=math.inf,
            passage=Passage(address=session.url, witness=self._witness(session)),
        )
        return plan, self._its_ticket(Token(entry.token_id, ""))

    async def _plan_whole(self, token: Token) -> tuple[Plan, Ticket]:
        """A large upload of one piece, with any key. Raises BadRequest."""
        ticket = self._its_ticket(token)
        asked = Asked(self._services, self._head, self._route, b"", token, ticket)
        owner = owner_of(self._route.resource)
        plan = replace(passing_plan(asked, owner), body=self._pipe, until_s=math.inf)
        bound = bind(asked, plan, () if owner is None else (owner,))
        return (bound if isinstance(bound, Plan) else await bound), ticket

    def _its_ticket(self, token: Token) -> Ticket:
        ticket = self._ticket(token, self._reply.body_bytes or 0)
        return replace(ticket, headers=(*ticket.headers, UPLOAD_EXPOSED))

    def _witness(self, session: Session) -> WitnessFactory:
        command = self._head.headers.get("x-goog-upload-command", "").lower()
        services = self._services
        return lambda lease: _Piece(services, session, command, lease)


class _Piece(Making):
    """Sees the answer to a piece: the last one makes the file, and ends the session."""

    __slots__ = ("_command", "_session")

    def __init__(self, services: Services, session: Session, command: str, lease: Lease) -> None:
        super().__init__(services.background.objects, session.entry.token_id, session.collection, lease)
        self._session = session
        self._command = command

    def end(self) -> Settling | None:
        entry = self._session.entry
        settling = super().end() if self._session.collection else None
        if "cancel" in self._command:
            self._objects.drop(entry.name)
        elif "finalize" in self._command:
            self._objects.shorten(entry, FINISHED_S)
        return settling
