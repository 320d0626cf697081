"""The inner epoll: resting sockets, closed ones, and numbers that belong to somebody else by now."""

import socket
from collections.abc import Iterator

import pytest

from gateway.upstream.readiness import READ, WRITE, Readiness


@pytest.fixture
def readiness() -> Iterator[Readiness]:
    readiness = Readiness()
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
    readiness.want(ours.fileno(), READ)
    assert readiness.ready() == []
    readiness.want(ours.fileno(), READ | WRITE)
    assert readiness.ready() == [(ours.fileno(), WRITE)]
    theirs.send(b"x")
    assert readiness.ready() == [(ours.fileno(), READ | WRITE)]


def test_a_resting_socket_that_becomes_ready_is_taken_out_and_may_come_back(
    readiness: Readiness, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    readiness.want(ours.fileno(), READ)
    readiness.rest(ours.fileno())
    theirs.send(b"x")
    assert readiness.ready() == []
    assert len(readiness) == 0
    readiness.want(ours.fileno(), READ)
    assert readiness.ready() == [(ours.fileno(), READ)]


def test_a_closed_socket_is_gone_and_its_number_can_be_wanted_again(readiness: Readiness) -> None:
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    readiness.want(number, READ)
    theirs.send(b"x")
    ours.close()
    theirs.close()
    assert readiness.ready() == []
    again, other = socket.socketpair()
    with again, other:
        assert number in (again.fileno(), other.fileno())
        readiness.want(number, WRITE)
        assert readiness.ready() == [(number, WRITE)]


def test_a_number_in_anothers_hands_is_neither_watched_nor_disturbed(readiness: Readiness) -> None:
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    readiness.want(number, READ)
    readiness.rest(number)
    ours.close()
    theirs.close()
    client, other = socket.socketpair()
    with client, other:
        client.send(b"x")
        other.send(b"x")
        assert readiness.ready() == []
        readiness.rest(number)
        readiness.forget(number)
        readiness.forget(number)
        assert readiness.ready() == []


def test_ready_sockets_are_reported_beside_resting_ones(readiness: Readiness) -> None:
    first, second = socket.socketpair()
    with first, second:
        readiness.want(first.fileno(), WRITE)
        readiness.want(second.fileno(), WRITE)
        readiness.rest(first.fileno())
        assert readiness.ready() == [(second.fileno(), WRITE)]
        assert len(readiness) == 1
