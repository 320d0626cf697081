"""A graceful stop: answers finish within the bound, longer ones are cut honestly, records are kept."""

import http.client
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.store.config import DatabaseConfig
from gateway.store.records import CallRecord
from gateway.store.store import Store
from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    BEARER,
    GEMINI_BODY,
    MODEL,
    chat,
    chat_body,
    native,
    read_answer,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import WAIT_S, RunningGateway

FIRST = gemini_replies.response([{"text": "Once upon"}], finish=None)
STREAMS = {
    "sse": (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", GEMINI_BODY),
    "chat": ("/v1/chat/completions", chat_body(stream=True)),
}


def begin(gateway: RunningGateway, name: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """A stream whose head has come."""
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=WAIT_S)
    path, body = STREAMS[name]
    connection.request("POST", path, body, {**BEARER, "x-request-id": "still-running"})
    return connection, connection.getresponse()


def kept_records(data_dir: Path) -> list[CallRecord]:
    """The rows as another process would find them."""
    store = Store.open(DatabaseConfig("sqlite", path=data_dir / "default_db"))
    try:
        return [stored.call for stored in store.read_sync(lambda: store.calls.latest(100))]
    finally:
        store.close()


def refuses_connections(gateway: RunningGateway) -> bool:
    address = urlsplit(gateway.url)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            socket.create_connection((address.hostname, address.port), 1).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it waited to be accepted when the listening socket closed
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_ends_in_time_ends_whole(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, tmp_path: Path, name: str
) -> None:
    gateway = start_gateway(SHUTDOWN_TIMEOUT_SECONDS="10")
    gate = fake_upstream.gate()
    fake_upstream.stream([FIRST, gate, gemini_replies.text(" a time")])
    connection, response = begin(gateway, name)
    gate.wait_reached()

    gateway.begin_stop()
    assert refuses_connections(gateway)
    gate.release()
    answer = read_answer(response)
    began_at = time.monotonic()
    gateway.stop()
    connection.close()

    assert answer.complete
    assert b" a time" in answer.body
    assert time.monotonic() - began_at < 3  # nothing is waited for any longer
    assert [(record.outcome, record.status) for record in kept_records(tmp_path)] == [("success", 200)]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_lasts_longer_is_cut_so_that_it_shows(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, tmp_path: Path, name: str
) -> None:
    gateway = start_gateway(SHUTDOWN_TIMEOUT_SECONDS="0.3")
    fake_upstream.stream([FIRST], then="hang")
    connection, response = begin(gateway, name)

    gateway.begin_stop()
    answer = read_answer(response)
    gateway.stop()
    connection.close()

    assert b"Once upon" in answer.body
    assert not answer.complete
    assert b"[DONE]" not in answer.body
    (record,) = kept_records(tmp_path)
    assert record.request_id == "still-running"
    assert record.outcome == "client_closed"
    assert record.response_bytes > 0


def test_every_record_is_written_before_the_end(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gateway = start_gateway()
    monkeypatch.setattr("gateway.store.writer.FLUSH_EVERY_S", 60.0)

    ids = {(native if number % 2 else chat)(gateway).request_id for number in range(50)}
    gateway.stop()

    assert {record.request_id for record in kept_records(tmp_path)} == ids


def test_a_gateway_at_rest_stops_at_once(gateway: RunningGateway) -> None:
    with socket.create_connection((urlsplit(gateway.url).hostname, urlsplit(gateway.url).port)):
        native(gateway)
        began_at = time.monotonic()
        gateway.stop()

    assert time.monotonic() - began_at < 1.5
