"""Ways to the upstream: with and without proxies, their latency, our clock."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.control.reach import Reach
from gateway.upstream.curl import CurlTransport
from gateway.upstream.providers import read_provider
from tests.control.gateways import NOWHERE
from tests.fakes.upstream import FakeUpstream
from tests.integration.proxy import SmallProxy

NOON_S = 1_700_000_000.0


@pytest.fixture
async def transport() -> AsyncIterator[CurlTransport]:
    made = CurlTransport(asyncio.get_running_loop())
    yield made
    await made.close()


def reach(transport: CurlTransport, url: str, *proxies: str) -> Reach:
    return Reach(
        transport, provider=lambda: read_provider(url), proxies=lambda: proxies, wall_s=lambda: NOON_S
    )


async def test_any_answer_shows_that_there_is_a_way(
    transport: CurlTransport, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(
        {"error": {"code": 403}}, status=403, headers={"Date": "Tue, 14 Nov 2023 22:12:20 GMT"}
    )

    way = await reach(transport, fake_upstream.url).direct()

    assert (way.ok, way.status, way.proxy, way.message, way.skew_s) == (True, 403, "", "", 60.0)
    (seen,) = fake_upstream.requests
    assert seen.key is None


async def test_where_nobody_answers_it_is_said_why(transport: CurlTransport) -> None:
    way = await reach(transport, NOWHERE).direct()

    assert (way.ok, way.status, way.skew_s) == (False, 0, None)
    assert "no connection to 127.0.0.1:9" in way.message


async def test_each_proxy_is_tried_and_its_password_is_not_shown(
    transport: CurlTransport, fake_upstream: FakeUpstream
) -> None:
    with SmallProxy() as proxy:
        good, bad = f"http://u:secret@{proxy.address}", "http://u:secret@127.0.0.1:9"

        ways = await reach(transport, fake_upstream.url, good, bad).through()
        none = await reach(transport, fake_upstream.url).through()
        given = await reach(transport, fake_upstream.url).through([good])

    assert [way.ok for way in ways] == [True, False]
    assert [way.proxy for way in ways] == [f"http://***@{proxy.address}", "http://***@127.0.0.1:9"]
    assert "secret" not in repr(ways)
    assert (none, [way.ok for way in given]) == ([], [True])
    assert proxy.seen == ["u:secret", "u:secret"]
