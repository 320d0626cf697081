"""Calls on the wire and what they left behind: exact bytes out and in, key states, call records.

http.client, because the SDKs hide what these tests are about.
"""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

from gateway.pool.changes import KeyExplanation
from gateway.store.records import CallRecord
from tests.integration.running import KEYS, TOKEN, WAIT_S, RunningGateway

T = TypeVar("T")
MODEL = "gemini-3.5-flash"
GEMINI_BODY = orjson.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
BEARER = {"authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client saw; names of headers in lower case.

    complete   False when the connection ended before the body did
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> Any:
        """The error object of either dialect; of the array form's only element, too."""
        parsed = self.json
        return (parsed[0] if isinstance(parsed, list) else parsed)["error"]

    @property
    def request_id(self) -> str:
        return self.headers["x-gateway-request-id"]

    @property
    def attempts(self) -> int:
        return int(self.headers["x-gateway-attempts"])

    @property
    def events(self) -> list[bytes]:
        """The payloads of a server-sent stream, read strictly: anything but `data: ` blocks fails."""
        blocks = self.body.replace(b"\r\n", b"\n").split(b"\n\n")
        assert blocks.pop() == b"", "the stream does not end with a blank line"
        assert all(block.startswith(b"data: ") and b"\n" not in block for block in blocks), blocks
        return [block[6:] for block in blocks]


@contextmanager
def connected(gateway: RunningGateway) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=WAIT_S)
    try:
        yield connection
    finally:
        connection.close()


def call(
    gateway: RunningGateway,
    path: str,
    body: bytes | None = GEMINI_BODY,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own; BEARER unless other headers are given."""
    sent = {"content-type": "application/json", **(BEARER if headers is None else headers)}
    with connected(gateway) as connection:
        connection.request(method, path, body, sent)
        return read_answer(connection.getresponse())


def read_answer(response: http.client.HTTPResponse) -> Answer:
    complete = True
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body, complete = error.partial, False
    except ConnectionError:
        body, complete = b"", False
    return Answer(
        response.status, {name.lower(): value for name, value in response.getheaders()}, body, complete
    )


def native(gateway: RunningGateway, verb: str = "generateContent", *, query: str = "", **more: Any) -> Answer:
    """A native call; `query` with its question mark."""
    model = more.pop("model", MODEL)
    return call(gateway, f"/v1beta/models/{model}:{verb}{query}", **more)


def sse(gateway: RunningGateway, **more: Any) -> Answer:
    return native(gateway, "streamGenerateContent", query="?alt=sse", **more)


def array(gateway: RunningGateway, **more: Any) -> Answer:
    return native(gateway, "streamGenerateContent", **more)


def chat_body(**fields: Any) -> bytes:
    return orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], **fields})


def chat(gateway: RunningGateway, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
    return call(gateway, "/v1/chat/completions", chat_body(**fields), headers=headers)


def key_state(gateway: RunningGateway, secret: str = KEYS[0]) -> KeyExplanation:
    """What the pool says of a key."""
    services = gateway.services
    assert services is not None
    rows = services.store.read_sync(services.store.keys.everything)
    key_id = next(row.id for row in rows if row.secret == secret)
    explained = gateway.on_loop(lambda now: now.pool.explain(key_id, now.engine.wall_s()))
    assert explained is not None
    return explained


def assert_untouched(gateway: RunningGateway) -> None:
    """Every key is as new: active, without doubts, rests or leases that are still out."""
    for secret in KEYS:
        state = key_state(gateway, secret)
        assert (state.state.value, state.doubts, state.in_flight, state.buckets) == ("active", 0, 0, ())


def record_of(gateway: RunningGateway, request_id: str) -> CallRecord:
    """The call's row, once the writer has written it."""
    services = gateway.services
    assert services is not None
    store = services.store
    found = eventually(lambda: store.read_sync(lambda: store.calls.by_request_id(request_id)))
    return found.call


def kinds_of(record: CallRecord) -> list[str | None]:
    return [attempt.failure_kind for attempt in record.attempts]


def eventually(look: Callable[[], T | None], timeout_s: float = 5.0) -> T:
    """Look again and again until there is something to see."""
    end = time.monotonic() + timeout_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)
