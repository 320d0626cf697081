"""A listener when the process has no room for one connection more. That it forgets none: test_drain.py."""

import asyncio
import errno
import socket

import pytest

from gateway.serving import listener as module
from gateway.serving.listener import Listener
from tests.serving.fronts import until


class NoRoom(socket.socket):
    """Accepts nothing the first `times` times."""

    times = 1
    asked = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.asked <= self.times:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")
        transport.close()


@pytest.fixture
def full() -> NoRoom:
    listening = NoRoom()
    listening.bind(("127.0.0.1", 0))
    return listening


async def test_a_connection_that_found_no_room_is_accepted_later(
    full: NoRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.05)
    listener = Listener(full, Greeter)
    listener.start()
    reader, writer = await asyncio.open_connection(*full.getsockname())

    assert await asyncio.wait_for(reader.read(), 5) == b"hello"
    assert full.asked >= 2
    assert "Too many open files" in caplog.text

    writer.close()
    await writer.wait_closed()
    await listener.close()


async def test_it_does_not_ask_again_and_again_and_stops_while_it_waits(full: NoRoom) -> None:
    full.times = 1_000_000
    listener = Listener(full, Greeter)
    listener.start()
    with socket.create_connection(full.getsockname()):
        await until(lambda: full.asked > 0)
        await asyncio.sleep(0.05)
        assert full.asked == 1

        await listener.close()
        asked = full.asked
        await asyncio.sleep(0.05)

    assert full.asked == asked
    assert full.fileno() == -1
