"""`POST files` of OpenAI's API: the form of an upload becomes a file at Google while it comes.

A light route of its own, because a call route gathers its body first. A batch's requests are translated on
their way, line by line: what Google holds can be asked at once.
"""

import asyncio
import math
from dataclasses import replace

import orjson

from gateway.control.tokens import Token
from gateway.errors import BadRequest
from gateway.handlers.answers import answer_problem
from gateway.handlers.file_form import FileForm
from gateway.handlers.own_objects import object_plan
from gateway.handlers.planning import JSON_HEADER, Asked, Whole
from gateway.handlers.upload_sessions import noting
from gateway.handlers.visit import Visit
from gateway.log import get_logger
from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem, openai_error, problem_of
from gateway.protocols.openai_batch_lines import BatchRequests
from gateway.protocols.openai_files import FileNote, epoch_s, file_object
from gateway.protocols.paths import Api, Route
from gateway.relay.inner import CallFailed
from gateway.relay.plan import Framing, Passage, Pin
from gateway.services import Services
from gateway.serving.light import Reply, RequestHead
from gateway.serving.limits import MIB
from gateway.streaming.form_parts import FormReader, boundary_of
from gateway.upstream.body_pipe import BodyPipe

log = get_logger("gateway.handlers")
_NO_FORM = Problem(
    400, "A file comes in a form: multipart/form-data with `purpose` and `file`.", "bad_request"
)
_NAMELESS = Problem(502, "Google took the file and did not tell its name.", "upstream_error")
_FAULT = Problem(500, "The gateway failed to take this file.", "internal")


class FileUploadRoute(Visit):
    """One upload, from its head to the answer."""

    __slots__ = ("_form", "_pipe", "_token")

    _api = Api.OPENAI

    def __init__(self, services: Services, route: Route, reply: Reply, head: RequestHead) -> None:
        super().__init__(services, route, reply, head)
        reply.limit_body((services.live.current.max_upload_mb + 1) * MIB)  # and what stands around the file
        self._pipe = BodyPipe(None, reply.resume_body)
        self._form: FileForm | None = None
        self._token = self._admit()
        boundary = boundary_of(head.headers.get("content-type", ""))
        if self._token is not None and boundary is None:
            self._refuse(_NO_FORM)
        elif boundary is not None:
            self._form = FileForm(FormReader(boundary), self._requests)

    def data(self, chunk: bytes) -> None:
        form = self._form
        if self._refused or form is None:
            return
        try:
            ready = form.feed(chunk)
        except BadRequest as error:
            self._give_up(error)
            return
        self._go_on(form)
        if ready and not self._pipe.write(ready):
            self._reply.pause_body()

    def end(self, body: bytes) -> None:  # noqa: ARG002 - it has come by `data`
        form = self._form
        if self._refused or form is None:
            return
        try:
            form.end()
        except BadRequest as error:
            self._give_up(error)
            return
        self._pipe.finish()

    def _go_on(self, form: FileForm) -> None:
        """Begin the upload once it is known of what."""
        if form.is_known and self._task is None and self._token is not None:
            self._task = asyncio.create_task(self._upload(form, self._token))

    def _give_up(self, error: BadRequest) -> None:
        if self._task is not None:
            self._task.cancel()
        self._refuse(problem_of(error))

    def _requests(self) -> BatchRequests:
        services = self._services
        return BatchRequests(services.chat_options, services.model_list.names)

    async def _upload(self, form: FileForm, token: Token) -> None:
        """Upload on a task; its answer is the client's, whatever happens to it."""
        ticket = self._ticket(token, 0)
        asked = Asked(self._services, self._head, self._route, b"", token, ticket)
        try:
            whole = await upload(asked, form, self._pipe)
        except CallFailed as failed:  # recorded as the call it was
            self._refused = True
            answer_problem(self._reply, failed.problem, openai_error, self._headers)
        except Exception:  # nobody awaits this task: the client must not be left waiting either
            log.exception("upload_failed", request_id=self._request_id)
            self._refuse(_FAULT)
        else:
            self._answer(whole)


async def upload(asked: Asked, form: FileForm, pipe: BodyPipe) -> Whole:
    """Make a file of what comes through the pipe and answer with it. Raises CallFailed."""
    lease, address = await _begin(asked, form)
    sent = replace(
        object_plan("files", "", method="POST"),
        body=pipe,
        forwarded=(("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")),
        pin=Pin(lease.key_id, lease.project),
        until_s=math.inf,
        passage=Passage(address=address),
    )
    file = (await asked.reply(sent)).get("file")
    name = file.get("name") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(name, str):
        raise CallFailed(_NAMELESS)
    note = _note(form, epoch_s(file.get("expirationTime")))
    objects = asked.services.background.objects
    entry = objects.remember(
        name,
        lease.key_id,
        project=lease.project,
        token_id=asked.token.id,
        expires_s=note.expires_s,
        details=note.text(),
    )
    if entry is None:
        raise CallFailed(_NAMELESS)
    await objects.settle()
    return Whole(orjson.dumps(file_object(name, note, created_s=entry.created_at_ms // 1000, file=file)))


async def _begin(asked: Asked, form: FileForm) -> tuple[Lease, str]:
    """Begin the upload at Google with any key; gives whose it was and the address for the bytes."""
    leases: list[Lease] = []
    plan = replace(
        object_plan(
            "files", "files", method="POST", body=orjson.dumps({"file": {"displayName": form.filename}})
        ),
        framing=Framing.ANY,
        forwarded=(
            JSON_HEADER,
            ("x-goog-upload-protocol", "resumable"),
            ("x-goog-upload-command", "start"),
            ("x-goog-upload-header-content-type", form.media_type),
        ),
        passage=Passage(door="upload", witness=noting(leases.append)),
    )
    answer = await asked.answer(plan)
    address = next((value for name, value in answer.headers if name.lower() == "x-goog-upload-url"), "")
    if not address:
        raise CallFailed(_NAMELESS)
    return leases[-1], address


def _note(form: FileForm, expires_s: int | None) -> FileNote:
    batch = form.batch
    return FileNote(
        filename=form.filename,
        purpose=form.purpose,
        size=form.size,
        media_type=form.media_type,
        expires_s=expires_s,
        model="" if batch is None else batch.model,
        client_model="" if batch is None else batch.client_model,
        lines=0 if batch is None else batch.lines,
    )
