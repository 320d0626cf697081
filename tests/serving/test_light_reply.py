"""What our own front's reply does beyond the contract of light.py."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.serving.light import Reply, RequestHead
from tests.serving.fronts import HandRoute, Lab, serving


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_route_that_has_answered_is_freed_at_once(is_stream: bool) -> None:
    """A route and its reply that kept each other would keep every request's body until the collector runs."""
    routes: list[weakref.ref[HandRoute]] = []

    class Answering(HandRoute):
        def __init__(self, reply: Reply, request: RequestHead) -> None:
            super().__init__(reply, request)
            routes.append(weakref.ref(self))

        def end(self, body: bytes) -> None:
            self.reply.head(200, [], content_length=2)
            if is_stream:
                self.reply.write(b"o")
            self.reply.finish(b"k" if is_stream else b"ok")

    async with serving("llhttp", lab=Lab({"/answering": Answering})) as running:
        client = await running.connect()
        await client.send(b"POST /answering HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert (await client.read_answer()).body == b"ok"
        assert [route() for route in routes] == [None]
        await client.close()


@pytest.mark.logs_errors("the headers are unfit on purpose")
async def test_a_route_whose_headers_are_unfit_for_a_stream_has_started_nothing_and_is_500() -> None:
    class Unfit(HandRoute):
        def end(self, body: bytes) -> None:
            self.reply.head(200, [("X-A", "a\r\nX-B: b")])
            self.reply.write(b"x")

    async with serving("llhttp", lab=Lab({"/unfit": Unfit})) as running:
        client = await running.connect()
        await client.send(b"GET /unfit HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.read_answer()).status == 500
        await client.close()
