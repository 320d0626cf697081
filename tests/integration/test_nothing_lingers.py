"""What a call held is freed when it ends, bodies and all, and does not wait for Python's collector."""

import gc
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Set
from urllib.parse import urlsplit

import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import (
    GEMINI_BODY,
    MODEL,
    Answer,
    array,
    chat,
    eventually,
    native,
    sse,
)
from tests.integration.conftest import StartGateway
from tests.integration.running import TOKEN, WAIT_S, RunningGateway

OF_A_REQUEST = {"CallRoute", "Call", "LightReply"}
"""Tornado's own objects, which know each other, hold these a while longer."""
OF_A_CALL = {
    "Outlet",
    "Attempts",
    "Turn",
    "Attempt",
    "UpstreamRequest",
    "CurlTransfer",
    "RawWhole",
    "TranslatedWhole",
    "RawEvents",
    "RawArray",
    "TranslatedEvents",
    "WholeStage",
    "ChatTranslation",
}
CALLS: dict[str, Callable[[RunningGateway], Answer]] = {
    "native": native,
    "sse": sse,
    "array": array,
    "chat": chat,
    "chat-stream": lambda gateway: chat(gateway, stream=True),
}
ROUNDS = 3


@pytest.fixture
def before() -> Iterator[Counter[str]]:
    """What is there before, of other tests' making; from then on the collector does not run."""
    gc.collect()
    gc.disable()
    yield held(OF_A_CALL | OF_A_REQUEST)
    gc.enable()


def held(names: Set[str]) -> Counter[str]:
    return Counter(
        kind.__name__
        for kind in map(type, gc.get_objects())
        if kind.__name__ in names and kind.__module__.startswith("gateway.")
    )


def lingering(gateway: RunningGateway, before: Counter[str]) -> Counter[str]:
    """The objects of calls that have come, seen on the gateway's loop, between two of its turns."""
    assert gateway.services is not None
    front = gateway.services.boot.http_front
    names = OF_A_CALL if front == "tornado" else OF_A_CALL | OF_A_REQUEST
    return gateway.on_loop(lambda _: held(names)) - before


def assert_nothing_lingers(gateway: RunningGateway, before: Counter[str]) -> None:
    try:
        eventually(lambda: not lingering(gateway, before))
    except AssertionError:
        assert lingering(gateway, before) == {}


@pytest.mark.parametrize("name", CALLS)
def test_of_a_call_that_succeeds(
    gateway: RunningGateway, fake_upstream: FakeUpstream, before: Counter[str], name: str
) -> None:
    for _ in range(ROUNDS):
        assert CALLS[name](gateway).status == 200

    assert_nothing_lingers(gateway, before)


@pytest.mark.parametrize("name", CALLS)
def test_of_a_call_that_goes_to_another_key(
    gateway: RunningGateway, fake_upstream: FakeUpstream, before: Counter[str], name: str
) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)

    assert CALLS[name](gateway).attempts == 2

    assert_nothing_lingers(gateway, before)


@pytest.mark.parametrize("name", CALLS)
def test_of_a_call_that_fails(
    gateway: RunningGateway, fake_upstream: FakeUpstream, before: Counter[str], name: str
) -> None:
    fake_upstream.error(gemini_errors.invalid_argument("It is not understood."))

    assert CALLS[name](gateway).status == 400

    assert_nothing_lingers(gateway, before)


@pytest.mark.parametrize("name", ["sse", "array", "chat-stream"])
def test_of_a_stream_that_is_made_of_a_whole_answer(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, before: Counter[str], name: str
) -> None:
    gateway = start_gateway(FAKE_STREAM_ENABLED="true", STREAM_OPTIMIZER_ENABLED="true")

    assert CALLS[name](gateway).status == 200

    assert_nothing_lingers(gateway, before)


def test_of_a_call_whose_client_leaves(
    gateway: RunningGateway, fake_upstream: FakeUpstream, before: Counter[str]
) -> None:
    first = gemini_replies.response([{"text": "Once upon"}], finish=None)
    fake_upstream.stream([first, fake_upstream.gate()])
    address = urlsplit(gateway.url)
    head = f"host: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {len(GEMINI_BODY)}\r\n\r\n"
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"

    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode() + GEMINI_BODY)
        assert client.recv(100)
        assert lingering(gateway, before)["Attempts"] == 1

    assert_nothing_lingers(gateway, before)
