"""The inner epoll: resting sockets, closed ones, and numbers that belong to somebody else by now."""

import select
import socket
from collections.abc import Iterator

import pytest
from pycurl import POLL_IN, POLL_INOUT, POLL_NONE, POLL_OUT, POLL_REMOVE

from gateway.upstream.readiness import READ, WRITE, Readiness


@pytest.fixture(params=[False, True], ids=["untold", "told"])
def readiness(request: pytest.FixtureRequest) -> Iterator[Readiness]:
    readiness = Readiness(tells_of_new=request.param)
    yield readiness
    readiness.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_wanted_socket_is_reported_for_what_it_is_wanted(
    readiness: Readiness, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    readiness.wish(POLL_IN, ours.fileno())
    assert readiness.ready() == []
    readiness.wish(POLL_INOUT, ours.fileno())
    assert readiness.ready() == [(ours.fileno(), WRITE)]
    theirs.send(b"x")
    assert readiness.ready() == [(ours.fileno(), READ | WRITE)]


def test_a_resting_socket_that_becomes_ready_is_taken_out_and_may_come_back(
    readiness: Readiness, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    readiness.wish(POLL_IN, ours.fileno())
    readiness.wish(POLL_REMOVE, ours.fileno())
    theirs.send(b"x")
    assert readiness.ready() == []
    assert len(readiness) == 0
    readiness.wish(POLL_IN, ours.fileno())
    assert readiness.ready() == [(ours.fileno(), READ)]


def test_a_closed_socket_is_gone_and_its_number_can_be_wanted_again(readiness: Readiness) -> None:
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    readiness.wish(POLL_IN, number)
    theirs.send(b"x")
    ours.close()
    theirs.close()
    assert readiness.ready() == []
    again, other = socket.socketpair()
    with again, other:
        assert number in (again.fileno(), other.fileno())
        readiness.wish(POLL_OUT, number)
        assert readiness.ready() == [(number, WRITE)]


def rested_and_closed(readiness: Readiness) -> int:
    """The number of a socket that rested when it was closed."""
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    readiness.wish(POLL_IN, number)
    readiness.wish(POLL_REMOVE, number)
    ours.close()
    theirs.close()
    return number


def test_a_number_in_anothers_hands_is_neither_watched_nor_disturbed(readiness: Readiness) -> None:
    number = rested_and_closed(readiness)
    client, other = socket.socketpair()
    with client, other:
        client.send(b"x")
        other.send(b"x")
        assert readiness.ready() == []
        readiness.wish(POLL_REMOVE, number)
        readiness.wish(POLL_NONE, number)
        readiness.wish(POLL_NONE, number)
        assert readiness.ready() == []


def test_ready_sockets_are_reported_beside_resting_ones(readiness: Readiness) -> None:
    first, second = socket.socketpair()
    with first, second:
        readiness.wish(POLL_OUT, first.fileno())
        readiness.wish(POLL_OUT, second.fileno())
        readiness.wish(POLL_REMOVE, first.fileno())
        assert readiness.ready() == [(second.fileno(), WRITE)]
        assert len(readiness) == 1


def test_a_number_that_a_new_socket_has_is_registered_anew(readiness: Readiness) -> None:
    number = rested_and_closed(readiness)
    again, other = socket.socketpair()
    with again, other:
        assert number in (again.fileno(), other.fileno())
        again.send(b"x")
        other.send(b"x")
        readiness.opened(number)
        readiness.wish(POLL_IN, number)
        assert readiness.ready() == [(number, READ)]


class CountingEpoll:
    """An epoll that counts what is asked of it."""

    def __init__(self) -> None:
        self.asked = 0
        self.inner = select.epoll()

    def register(self, fd: int, mask: int) -> None:
        self.asked += 1
        self.inner.register(fd, mask)

    def modify(self, fd: int, mask: int) -> None:
        self.asked += 1
        self.inner.modify(fd, mask)

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        return self.inner.poll(timeout, most)

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize(("is_told", "asked"), [(True, 1), (False, 4)])
def test_a_kept_connection_costs_no_call_of_the_kernel_where_new_ones_are_told_of(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket], is_told: bool, asked: int
) -> None:
    epoll = CountingEpoll()
    monkeypatch.setattr("gateway.upstream.readiness.select.epoll", lambda: epoll)
    readiness = Readiness(tells_of_new=is_told)
    ours, theirs = pair
    for _ in range(4):
        readiness.wish(POLL_IN, ours.fileno())
        theirs.send(b"x")
        assert readiness.ready() == [(ours.fileno(), READ)]
        ours.recv(1)
        readiness.wish(POLL_REMOVE, ours.fileno())
        assert readiness.ready() == []
    assert epoll.asked == asked
    readiness.close()
