"""Stop signals: no new calls, running streams may finish, records are written, the exit code is 0."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean

TOKEN = "sk-123456"
EVENTS = gemini_replies.text_events("One, ", "two, ", "three.")


@pytest.fixture(params=["llhttp", "tornado"])
def settings(request: pytest.FixtureRequest, fake_upstream: FakeUpstream) -> dict[str, str]:
    return {
        "HTTP_FRONT": str(request.param),
        "API_KEYS": "a-key-of-any-shape",
        "AUTH_TOKEN": TOKEN,
        "BASE_URL": fake_upstream.url,
    }


def stored_calls(folder: Path) -> list[tuple[str, int]]:
    """Give outcome and status of every recorded call."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "default_db")) as database:
        return list(database.execute("SELECT outcome, status FROM request ORDER BY id"))


@contextlib.contextmanager
def running_stream(gateway: Child) -> Iterator[HTTPResponse]:
    """Start a stream and read its first content."""
    connection, response = gateway.stream(token=TOKEN)
    try:
        read_until(response, b"One, ")
        yield response
    finally:
        connection.close()


def read_until(response: HTTPResponse, words: bytes) -> bytes:
    seen = b""
    while words not in seen:
        piece = response.read1()
        assert piece, f"the stream ended before {words!r}: {seen!r}"
        seen += piece
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_stops_at_once(
    settings: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with Child(tmp_path, settings=settings) as gateway:
        idle = gateway.connect()
        idle.connect()  # an idle client does not hold it up
        began_s = time.monotonic()
        assert gateway.stop(number) == 0
        idle.close()

    assert time.monotonic() - began_s < 3
    assert gateway.event("stopped") is not None
    assert_clean(gateway.output, TOKEN)


def test_a_running_stream_finishes_and_is_recorded(
    settings: dict[str, str], tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([EVENTS[0], gate, *EVENTS[1:]], times=1)

    with Child(tmp_path, settings=settings) as gateway, running_stream(gateway) as response:
        assert gateway.generate(token=TOKEN).status == 200
        gateway.send(signal.SIGTERM)
        gateway.wait_event("stopping")
        wait_until_refused(gateway)
        gate.release()
        rest = response.read()
        code = gateway.exit_code()

    assert code == 0
    assert b"three." in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    assert stored_calls(tmp_path) == [("success", 200), ("success", 200)]
    assert_clean(gateway.output, TOKEN)


def test_a_stream_that_does_not_end_is_cut_at_the_bound(
    settings: dict[str, str], tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream(EVENTS[:1], then="hang")
    settings["SHUTDOWN_TIMEOUT_SECONDS"] = "0.5"

    with Child(tmp_path, settings=settings) as gateway, running_stream(gateway) as response:
        began_s = time.monotonic()
        code = gateway.stop()
        took_s = time.monotonic() - began_s
        with contextlib.suppress(HTTPException, ConnectionError):
            assert b"[DONE]" not in response.read()

    assert code == 0
    assert 0.4 < took_s < 5
    stopped = gateway.event("stopped")
    assert stopped is not None
    assert stopped["connections_cut"] == 1
    assert len(stored_calls(tmp_path)) == 1, "the call that was cut is recorded too"
    assert_clean(gateway.output, TOKEN)


def test_a_second_signal_ends_the_wait(
    settings: dict[str, str], tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream(EVENTS[:1], then="hang", times=1)
    settings["SHUTDOWN_TIMEOUT_SECONDS"] = "600"

    with Child(tmp_path, settings=settings) as gateway, running_stream(gateway):
        assert gateway.generate(token=TOKEN).status == 200
        gateway.send(signal.SIGTERM)
        gateway.wait_event("stopping")
        code = gateway.stop()

    assert code == 0
    assert sorted(stored_calls(tmp_path))[-1] == ("success", 200)
    assert_clean(gateway.output, TOKEN)


def test_what_was_learned_survives_a_kill(
    settings: dict[str, str], tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    with Child(tmp_path, settings=settings) as gateway:
        assert gateway.generate(token=TOKEN).status == 200
        assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL

    bare = {name: settings[name] for name in ("HTTP_FRONT",)}
    with Child(tmp_path, settings=bare) as gateway:
        assert gateway.generate(token=TOKEN).status == 200
        assert gateway.get("/health").json["keys"]["active"] == 1

    assert [seen.key for seen in fake_upstream.requests] == ["a-key-of-any-shape"] * 2


def wait_until_refused(gateway: Child) -> None:
    """Try until a new connection is not taken any more; those in the kernel's queue still look taken."""
    give_up_s = time.monotonic() + 10
    while time.monotonic() < give_up_s:
        connection: HTTPConnection = gateway.connect()
        try:
            connection.connect()
        except (ConnectionRefusedError, ConnectionResetError):
            return
        finally:
            connection.close()
    raise AssertionError("a stopping gateway still takes new connections")
