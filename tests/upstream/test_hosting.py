"""Pictures put on a host: addresses when it works, nothing lost and little said when it does not."""

import asyncio
import base64

import orjson
import pytest

from gateway.protocols.image_hosts.picgo import Picgo
from gateway.protocols.media import Media
from gateway.upstream import hosting as hosting_module
from gateway.upstream.curl import CurlTransport
from gateway.upstream.hosting import REST_S, Hosting
from gateway.upstream.transport import Timeouts
from tests.fakes.clock import FakeClock
from tests.upstream.peers import Connection, Peer, answer, answers, unused_port
from tests.upstream.sinks import until

PICTURE = Media("image/png", base64.b64encode(b"picture").decode())
KEY = "a-key-of-the-host"
ADDRESS = "https://cdn.example/1.png"
STORED = answer(orjson.dumps({"status_code": 200, "image": {"url": ADDRESS}}))
REFUSED = answer(orjson.dumps({"status_code": 400, "error": {"message": f"bad {KEY}"}}), status="400 Bad")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hosting(transport: CurlTransport, clock: FakeClock) -> Hosting:
    return Hosting(transport, choose_proxy=lambda _: None, wall_s=clock, new_id=lambda: "1f0c")


async def test_without_a_host_nothing_is_uploaded(hosting: Hosting) -> None:
    assert await hosting(PICTURE) is None
    assert hosting.counts == {}


async def test_a_picture_gets_the_address_its_host_gives(hosting: Hosting) -> None:
    async with Peer(answers(STORED)) as peer:
        hosting.use(Picgo(KEY, peer.url + "/upload"))

        assert await hosting(PICTURE) == ADDRESS

    (request,) = peer.requests
    assert b"picture" in request.body
    assert b'filename="1f0c.png"' in request.body
    assert hosting.counts == {"stored": 1}


async def test_a_failing_host_gives_none_and_is_told_of_once(
    hosting: Hosting, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with Peer(answers(REFUSED)) as peer:
        hosting.use(Picgo(KEY, peer.url + "/upload"))
        for _ in range(3):
            assert await hosting(PICTURE) is None

    hosting.use(Picgo(KEY, f"http://127.0.0.1:{unused_port()}/upload"))
    assert await hosting(PICTURE) is None

    assert hosting.counts == {"refused": 3, "failed": 1}
    told = capsys.readouterr().out + caplog.text
    assert told.count("image_host_fails") == 2
    assert KEY not in told


async def test_a_host_that_works_again_is_used_at_once(hosting: Hosting) -> None:
    async with Peer(answers(REFUSED, STORED)) as peer:
        hosting.use(Picgo(KEY, peer.url + "/upload"))

        assert await hosting(PICTURE) is None
        assert await hosting(PICTURE) == ADDRESS


async def test_a_host_that_does_not_answer_is_left_alone_for_a_while(
    hosting: Hosting, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting_module, "_TIMEOUTS", Timeouts(total_s=0.1))
    hang = True

    async def script(connection: Connection) -> None:
        await connection.request()
        if hang:
            await connection.gone()
        else:
            await connection.send(STORED)

    async with Peer(script) as peer:
        hosting.use(Picgo(KEY, peer.url + "/upload"))
        assert await hosting(PICTURE) is None
        assert await hosting(PICTURE) is None
        assert len(peer.requests) == 1

        hang = False
        clock.advance(REST_S)
        assert await hosting(PICTURE) == ADDRESS

    assert hosting.counts == {"failed": 1, "skipped": 1, "stored": 1}


async def test_cancelling_drops_the_upload(hosting: Hosting) -> None:
    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.gone()

    async with Peer(silent) as peer:
        hosting.use(Picgo(KEY, peer.url + "/upload"))
        task = asyncio.create_task(hosting(PICTURE))
        await until(lambda: len(peer.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: peer.open == 0)


async def test_an_address_that_cannot_be_called_is_a_failure_too(hosting: Hosting) -> None:
    hosting.use(Picgo(KEY, "http://bücher.example/upload"))

    assert await hosting(PICTURE) is None
    assert hosting.counts == {"failed": 1}
