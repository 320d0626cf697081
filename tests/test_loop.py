"""The loop of a serving process: it learns of what is ready as asyncio's own does."""

import asyncio
import selectors
import socket
from collections.abc import Iterator

import pytest

from gateway.loop import LoopSelector, make_loop

BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def seen(selector: selectors.BaseSelector) -> list[tuple[object, int]]:
    with selector:
        return [(key.data, mask) for key, mask in selector.select(0)]


@pytest.mark.parametrize("wanted", [selectors.EVENT_READ, selectors.EVENT_WRITE, BOTH])
@pytest.mark.parametrize("state", ["idle", "sent", "half closed", "closed", "full"])
def test_a_descriptor_is_ready_for_what_python_says(pair: Pair, wanted: int, state: str) -> None:
    ours, theirs = pair
    if state == "sent":
        theirs.send(b"x")
    elif state == "half closed":
        theirs.shutdown(socket.SHUT_WR)
    elif state == "closed":
        theirs.close()
    elif state == "full":
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        with pytest.raises(BlockingIOError):
            ours.sendall(bytes(1_000_000))
    ready = []

    for selector in (selectors.EpollSelector(), LoopSelector()):
        selector.register(ours, wanted, "ours")
        ready.append(seen(selector))

    assert ready[0] == ready[1]


@pytest.mark.parametrize("timeout", [-1.0, 0.0, 0.001])
def test_nothing_is_ready_and_nobody_waits_for_ever(pair: Pair, timeout: float) -> None:
    with LoopSelector() as selector:
        selector.register(pair[0], selectors.EVENT_READ)

        assert selector.select(timeout) == []


def test_a_timer_of_the_loop_runs_no_sooner_than_asked() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(0.0015)
        return loop.time() - began

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(wait()) >= 0.0014


def test_bytes_go_through_a_loop(pair: Pair) -> None:
    async def echo() -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(pair[0], b"hello")
        pair[1].setblocking(False)
        return await loop.sock_recv(pair[1], 10)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(echo()) == b"hello"
