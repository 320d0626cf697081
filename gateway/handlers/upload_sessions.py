"""Resumable uploads: a session is begun with one key at Google, and goes on at an address of ours.

Google's address would lead past the gateway, and its clients send no key with the bytes: so the address we
give carries a token of its own, which any process of ours can turn back into Google's address and its key.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.control.objects import ObjectBook
from gateway.errors import BadRequest, StoreError
from gateway.handlers.answers import UPLOAD_EXPOSED
from gateway.handlers.binding import bind
from gateway.handlers.gemini_passing import passing_plan
from gateway.handlers.planning import Asked, Whole
from gateway.pool.lease import Lease
from gateway.protocols.object_names import owner_of
from gateway.protocols.shapes import JsonObject
from gateway.relay.inner import InnerAnswer
from gateway.relay.plan import Plan, Witness
from gateway.serving.light import RequestHead
from gateway.serving.limits import MIB
from gateway.store.records import BoundObject

MOST_SESSIONS = 20_000
"""Of all clients together: each is a row until it has expired."""
FINISHED_S = 600.0
"""How long one may still ask for a session whose upload is done."""

_ADDRESSES = ("x-goog-upload-url", "x-goog-upload-control-url")
_PASSED = ("content-type", "retry-after", "x-should-retry", "x-gateway-attempts")
_HOST = re.compile(r"[A-Za-z0-9._\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~\-]+)+/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """What an upload's token stands for.

    url         Google's address, a secret by itself
    collection  what the upload makes something of: `files`, or "" for nothing that we must remember
    """

    entry: BoundObject
    url: str
    collection: str


def is_begun(head: RequestHead) -> bool:
    """Whether a request begins a resumable upload, and brings none of its bytes."""
    command = head.headers.get("x-goog-upload-command", "")
    return command.strip().lower() == "start"


async def begin_upload(asked: Asked) -> Whole:
    """Begin a resumable upload at Google and answer with our address for it. Raises BadRequest."""
    objects = asked.services.background.objects
    check_size(asked.head, len(asked.body), asked.services.live.current.max_upload_mb)
    await _need_room(objects)
    owner = owner_of(asked.route.resource)
    leases: list[Lease] = []
    plan = passing_plan(asked, owner)
    # Begun twice is no harm: the first session expires unused.
    plan = replace(plan, passage=replace(plan.passage, once=False, witness=noting(leases.append)))
    bound = bind(asked, plan, () if owner is None else (owner,))
    answer = await asked.complete(bound if isinstance(bound, Plan) else await bound)
    addresses = [value for name, value in answer.headers if name.lower() in _ADDRESSES]
    if answer.failed or not addresses:
        return _passed(answer, [])
    token = asked.services.new_id() + asked.services.new_id()
    collection = asked.route.resource if owner is None else ""
    objects.remember(
        session_name(token),
        leases[-1].key_id,
        project=leases[-1].project,
        token_id=asked.token.id,
        details=orjson.dumps({"url": addresses[0], "collection": collection}).decode(),
    )
    await objects.settle()
    ours = f"{public_address(asked.head)}?upload_id={token}&upload_protocol=resumable"
    return _passed(answer, [(name, ours) for name in _ADDRESSES])


def session_name(token: str) -> str:
    """What a session is kept under: its token opens it, so only a digest is stored."""
    return f"uploads/{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"


async def find_session(objects: ObjectBook, token: str) -> Session | None:
    """The session that a token stands for."""
    name = session_name(token)
    entry = (await objects.look_up([name])).get(name)
    if entry is None or not entry.details:
        return None
    details = orjson.loads(entry.details)
    return Session(entry, details["url"], details["collection"])


def check_size(head: RequestHead, body_bytes: int, max_mb: int) -> None:
    """Raise BadRequest for an upload that says it will be longer than MAX_UPLOAD_MB, by all its pieces.

    body_bytes   of this piece
    """
    announced = _number(head, "x-goog-upload-header-content-length")
    reached = _number(head, "x-goog-upload-offset") + body_bytes
    if max(announced, reached) > max_mb * MIB:
        raise BadRequest(f"The file is larger than the {max_mb} MB this gateway takes.", status=413)


def public_address(head: RequestHead) -> str:
    """The request's own address as its client sees it: behind a proxy that says so, the proxy's.

    Raises BadRequest for a Host that is none.
    """
    headers = head.headers
    scheme = _first(headers.get("x-forwarded-proto", "")).lower()
    host = _first(headers.get("x-forwarded-host", "")) or headers.get("host", "")
    prefix = _first(headers.get("x-forwarded-prefix", ""))
    if not _HOST.fullmatch(host):
        raise BadRequest("The request's Host is not the name of a host.")
    if not _PREFIX.fullmatch(prefix):
        prefix = ""
    return f"{'https' if scheme == 'https' else 'http'}://{host}{prefix.rstrip('/')}{head.path}"


async def _need_room(objects: ObjectBook) -> None:
    try:
        count = await objects.count("uploads")
    except StoreError:
        return  # then only this process will know the session
    if count >= MOST_SESSIONS:
        raise BadRequest("Too many uploads are open. Try again later.", status=429)


def _passed(answer: InnerAnswer, addresses: Sequence[tuple[str, str]]) -> Whole:
    """The answer as it came, with our address in the place of Google's."""
    kept = [
        (name, value)
        for name, value in answer.headers
        if (lowered := name.lower()) not in _ADDRESSES
        and (lowered in _PASSED[1:] or lowered.startswith("x-goog-upload-"))
    ]
    content_type = next((value for name, value in answer.headers if name.lower() == _PASSED[0]), "")
    return Whole(
        answer.body,
        status=answer.status,
        content_type=content_type or "text/plain; charset=utf-8",
        headers=[*kept, *addresses, UPLOAD_EXPOSED],
    )


class _Noting:
    """A witness that only cares whose key it was."""

    __slots__ = ("usage",)

    def __init__(self) -> None:
        self.usage: JsonObject | None = None

    def data(self, chunk: bytes) -> None:
        """The start's answer has no body."""

    def event(self, event: JsonObject) -> None:
        """Nothing streams here."""

    def end(self) -> None:
        """Nothing is made yet."""


def noting(note: Callable[[Lease], None]) -> Callable[[Lease], Witness]:
    """A witness that only tells whose key made the call."""

    def witness(lease: Lease) -> _Noting:
        note(lease)
        return _Noting()

    return witness


def _number(head: RequestHead, name: str) -> int:
    text = head.headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _first(value: str) -> str:
    return value.partition(",")[0].strip()
