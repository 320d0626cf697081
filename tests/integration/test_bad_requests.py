"""A client's own mistakes: a 4xx in its dialect, one line in the log, no traceback, and no key suffers."""

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    BEARER,
    assert_untouched,
    call,
    chat,
    chat_body,
    native,
)
from tests.integration.conftest import Lasting
from tests.integration.running import TOKEN, WAIT_S, RunningGateway

NO_JSON = [
    b"",
    b"{",
    b"not json",
    b'{"a":1}}',
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe{}",
    b'{"contents":"\\ud800"}',
    b"[" * 100_000,
    b'{"contents":NaN}',
]
WRONG_TYPES: list[dict[str, Any]] = [
    {"model": None},
    {"model": 5},
    {"model": ""},
    {"model": "a/../b"},
    {"model": "a b\n"},
    {"model": "x" * 5000},
    {"model": {"x": 1}},
    {"messages": None},
    {"messages": "hi"},
    {"messages": []},
    {"messages": {}},
    {"messages": [1]},
    {"messages": ["hi"]},
    {"messages": [{}]},
    {"messages": [{"role": 1, "content": "x"}]},
    {"messages": [{"role": "nobody", "content": "x"}]},
    {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user", "content": [5]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 7}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    {"messages": [{"role": "assistant", "tool_calls": 3}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]},
    {"messages": [{"role": "tool", "content": "x"}]},
    {"messages": [{"role": "tool", "tool_call_id": "never", "content": {"a": 1}}]},
    {"temperature": "hot"},
    {"temperature": {"a": 1}},
    {"max_tokens": "many"},
    {"max_tokens": -1},
    {"n": "two"},
    {"stop": {"a": 1}},
    {"stop": [1, 2]},
    {"stream": "yes"},
    {"stream_options": 5},
    {"tools": "f"},
    {"tools": [1]},
    {"tools": [{"type": "function"}]},
    {"tools": [{"type": "function", "function": {"name": 1}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
    {"tool_choice": 5},
    {"tool_choice": {"type": "function"}},
    {"response_format": "json"},
    {"response_format": {"type": "json_schema", "json_schema": 5}},
    {"reasoning_effort": 5},
    {"logit_bias": 5},
    {"seed": "x"},
    {"extra_body": 5},
    {"user": {"a": 1}},
    {"metadata": 5},
]


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    """The module's upstream, without the script of the test before."""
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting, fake_upstream: FakeUpstream) -> RunningGateway:
    return lasting.gateway


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def refusals(caplog: pytest.LogCaptureFixture) -> int:
    return sum("request_refused" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
def test_a_body_that_is_no_json_object(
    gateway: RunningGateway, fake_upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    answers = (
        native(gateway, body=body),
        native(gateway, "streamGenerateContent", body=body),
        native(gateway, "embedContent", body=body),
        call(gateway, "/v1/chat/completions", body),
    )

    assert [answer.status for answer in answers] == [400] * 4
    for answer in answers[:3]:
        assert answer.error["status"] == "INVALID_ARGUMENT"
    assert answers[3].error["type"] == "invalid_request_error"
    assert fake_upstream.requests == []
    assert refusals(caplog) == 4
    assert tracebacks(caplog) == []
    assert_untouched(gateway)


def test_wrong_types_are_the_clients_mistake_and_never_ours(
    gateway: RunningGateway, fake_upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    for fields in WRONG_TYPES:
        for stream in (False, True):
            given = {"stream": stream, **fields}
            answer = chat(gateway, **given)

            # What can be read in a kindly way may be; nothing may fail on our side.
            assert answer.status in (200, 400), (given, answer.body)
            if answer.status == 400:
                assert answer.error["type"] == "invalid_request_error"
                assert answer.error["message"]

    assert tracebacks(caplog) == []
    assert_untouched(gateway)


@pytest.mark.parametrize(
    "name", ["..", "a%2F..%2Fb", "a%00b", "a%20b", "%F0%9F%98%80", "x" * 300, "a%0d%0ab"]
)
def test_a_model_name_that_none_has(gateway: RunningGateway, fake_upstream: FakeUpstream, name: str) -> None:
    answer = native(gateway, model=name)

    assert answer.status in (400, 404)
    assert answer.error["status"] in ("INVALID_ARGUMENT", "NOT_FOUND")
    assert fake_upstream.requests == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_a_415(gateway: RunningGateway, encoding: str) -> None:
    answer = native(gateway, body=b"\x1f\x8b", headers={**BEARER, "content-encoding": encoding})

    assert answer.status == 415
    assert answer.error["message"]


HEADER_TRICKS = {
    "two lengths": b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "length and chunks": b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad length": b"content-length: -1\r\n\r\n",
    "bad chunk": b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "unknown coding": b"transfer-encoding: gzip\r\n\r\n",
    "nul in value": b"x-a: a\0b\r\ncontent-length: 0\r\n\r\n",
    "space before colon": b"x-a : b\r\ncontent-length: 0\r\n\r\n",
    "folded": b"x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n",
    "no colon": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("trick", HEADER_TRICKS)
@pytest.mark.parametrize("path", ["/v1beta/models/m:generateContent", "/v1/chat/completions"])
def test_header_tricks_are_refused_and_harm_nobody(
    gateway: RunningGateway,
    fake_upstream: FakeUpstream,
    caplog: pytest.LogCaptureFixture,
    lasting: Lasting,
    trick: str,
    path: str,
) -> None:
    address = urlsplit(gateway.url)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n".encode()

    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.sendall(head + HEADER_TRICKS[trick])
        client.shutdown(socket.SHUT_WR)
        seen = b""
        while piece := client.recv(65536):
            seen += piece

    if seen or lasting.front == "llhttp":  # Tornado's own server may hang up without a word
        status = int(seen.split(b" ", 2)[1])
        assert 400 <= status < 500 or status == 501
    assert fake_upstream.requests == []
    assert tracebacks(caplog) == []
    assert_untouched(gateway)
    assert native(gateway).status == 200


@pytest.mark.parametrize("method", ["BREW", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_a_method_nobody_knows_is_refused(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    address = urlsplit(gateway.url)
    for path in ("/v1/chat/completions", "/v1beta/models", "/health", "/nothing"):
        with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
            client.sendall(
                f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
                "connection: close\r\n\r\n".encode()
            )
            seen = b""
            while piece := client.recv(65536):
                seen += piece
        assert int(seen.split(b" ", 2)[1]) in (400, 404, 405, 501), (path, seen)
    assert tracebacks(caplog) == []


def test_a_stranger_is_refused_before_the_body_is_read(gateway: RunningGateway) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n")
        seen = client.recv(65536)

    assert seen.startswith(b"HTTP/1.1 401 ")
    assert call(gateway, "/v1/chat/completions", chat_body()).status == 200
