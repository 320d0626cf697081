"""Routes that are loaded at their first request, on both fronts."""

import asyncio

import pytest
from tornado import gen
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from gateway.handlers.late import LateRouter
from gateway.serving.front import FrontKind
from tests.serving.fronts import Client, application, parse_answers, serving, until

POST = b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


class Echo(RequestHandler):
    def post(self) -> None:
        self.write(self.request.body)


class Loading:
    """Loads a handler when the test says so.

    asked    how often it was asked to
    faults   what it raises instead, one a time
    """

    def __init__(self, *faults: Exception) -> None:
        self.asked = 0
        self.faults = list(faults)
        self.may = asyncio.Event()

    async def __call__(self) -> Router:
        self.asked += 1
        await self.may.wait()
        if self.faults:
            raise self.faults.pop()
        return Application([(r"/late", Echo)])

    def application(self) -> Application:
        return application((r"/late", LateRouter(self)))


class Seen(Router):
    """Notes the requests that it is asked for, and has a handler for none."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def find_handler(self, request: HTTPServerRequest, **_: object) -> None:
        self.seen.append(request.path)


async def body_of(client: Client) -> bytes:
    raw = await client.read_all()
    await client.close()
    return parse_answers(raw)[0].body


async def test_a_request_waits_with_its_body_and_others_are_answered(kind: FrontKind) -> None:
    loading = Loading()
    async with serving(kind, app=loading.application()) as running:
        first, other = await running.connect(), await running.connect()
        await first.send(POST)
        await until(lambda: loading.asked == 1)

        await other.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        assert await body_of(other) == b"hi"

        loading.may.set()
        assert await body_of(first) == b"hello"


async def test_requests_that_come_together_load_once(kind: FrontKind) -> None:
    loading = Loading()
    async with serving(kind, app=loading.application()) as running:
        clients = [await running.connect() for _ in range(3)]
        for client in clients:
            await client.send(POST)
        await until(lambda: loading.asked == 1)
        loading.may.set()

        assert [await body_of(client) for client in clients] == [b"hello"] * 3
        assert loading.asked == 1


@pytest.mark.logs_errors("the load fails")
async def test_after_a_failed_load_the_next_request_tries_again(kind: FrontKind) -> None:
    loading = Loading(OSError("no such file"))
    loading.may.set()
    async with serving(kind, app=loading.application()) as running:
        unlucky, next_one = await running.connect(), await running.connect()
        await unlucky.send(POST)
        assert b"hello" not in await unlucky.read_all()
        await unlucky.close()

        await next_one.send(POST)
        assert await body_of(next_one) == b"hello"
        assert loading.asked == 2


async def test_who_has_left_meanwhile_is_not_served() -> None:
    loading, served = Loading(), list[str]()

    async def load() -> Router:
        await loading()
        return Seen(served)

    late = LateRouter(load)
    lines = [RequestStartLine("GET", path, "HTTP/1.0") for path in ("/patient", "/left")]
    patient, left = (late.find_handler(HTTPServerRequest(start_line=line)) for line in lines)
    assert patient is not None
    assert left is not None
    begun = [gen.convert_yielded(each.headers_received(lines[0], HTTPHeaders())) for each in (patient, left)]
    left.on_connection_close()
    loading.may.set()
    await asyncio.gather(*begun)

    assert served == ["/patient"]
