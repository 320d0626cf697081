"""The simulator on a real socket: framing, pacing, both official habits of a client, and its command."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from google import genai
from google.genai import types

from gateway.simulator.server import SimulatorServer, run_simulator
from gateway.simulator.world import demo_world
from tests.fakes.clock import FakeClock
from tests.simulator.asking import KEY, plain_world, user

STREAM = "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse"
GENERATE = "/v1beta/models/gemini-3.5-flash:generateContent"
BODY = orjson.dumps({"contents": [user("Hello")]})


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    async with await run_simulator(plain_world(), clock=FakeClock()) as running:
        yield running


def request(target: str = GENERATE, body: bytes = BODY, more: str = "") -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: {KEY}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def exchange(server: SimulatorServer, sent: bytes) -> bytes:
    """Send, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    received = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return received


async def test_pipelined_requests_are_answered_in_order(server: SimulatorServer) -> None:
    sent = (
        request(STREAM)
        + request()
        + request("/v1beta/models/none:generateContent", more="Connection: close\r\n")
    )
    received = await exchange(server, sent)
    first, second, third = received.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 OK")
    assert b"Transfer-Encoding: chunked" in first
    assert first.endswith(b"\r\n0\r\n\r\n")
    assert second.startswith(b"200 OK")
    assert b"Content-Length: " in second
    assert third.startswith(b"404 Not Found")


async def test_bytes_that_are_not_http_are_refused(server: SimulatorServer) -> None:
    assert (await exchange(server, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_events_are_paced_one_by_one() -> None:
    world = replace(plain_world(), chunk_delay_s=0.01, first_byte_delay_s=0.01)
    async with await run_simulator(world) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(STREAM))
        await reader.readuntil(b"\r\n\r\n")
        first = await reader.readuntil(b"\r\n\r\n\r\n")
        assert b'"finishReason"' not in first
        assert not reader._buffer  # type: ignore[attr-defined]  # the second event is not there yet
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()
        await writer.wait_closed()


async def test_closing_cuts_the_streams_that_run() -> None:
    world = replace(plain_world(), chunk_delay_s=60.0)
    server = await run_simulator(world)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request(STREAM))
    await reader.readuntil(b"\r\n\r\n")
    await server.close()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


def google_client(server: SimulatorServer, key: str = KEY) -> genai.Client:
    return genai.Client(
        api_key=key, http_options=types.HttpOptions(base_url=server.url.removesuffix("/v1beta"))
    )


async def test_the_official_client_talks_streams_and_uses_tools(server: SimulatorServer) -> None:
    def talk() -> None:
        with google_client(server) as client:
            answer = client.models.generate_content(model="gemini-3.5-flash", contents="Hello")
            assert answer.text
            stream = client.models.generate_content_stream(model="gemini-3.8-flash", contents="Hello")
            assert "".join(chunk.text or "" for chunk in stream)
            assert next(iter(client.models.list())).name == "models/gemini-3.8-flash"
            assert client.models.count_tokens(model="gemini-3.5-flash", contents="Hello").total_tokens
            embedded = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
            assert embedded.embeddings is not None
            assert len(embedded.embeddings) == 2

            def get_weather(city: str) -> dict[str, Any]:
                """Tell the weather of a city."""
                return {"weather": f"rain in {city}"}

            config = types.GenerateContentConfig(tools=[get_weather])
            used = client.models.generate_content(
                model="gemini-3.5-flash", contents="What is the weather in Paris?", config=config
            )
            assert "rain in Paris" in (used.text or "")

    await asyncio.to_thread(talk)


async def test_the_official_client_sees_the_true_error(server: SimulatorServer) -> None:
    def talk() -> None:
        with google_client(server, "AQ.nobody") as client, pytest.raises(genai.errors.ClientError) as raised:
            client.models.generate_content(model="gemini-3.5-flash", contents="Hello")
        assert raised.value.code == 400
        assert "API key not valid" in str(raised.value)

    await asyncio.to_thread(talk)


async def test_the_command_serves_the_demo_and_says_where() -> None:
    command = [sys.executable, "-m", "gateway.simulator", "--port", "0", "--no-delays"]
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert running.stdout is not None
        address = (await running.stdout.readline()).decode().strip()
        keys = (await running.stdout.readline()).decode().strip()
        port = int(address.removeprefix("BASE_URL=http://127.0.0.1:").removesuffix("/v1beta"))
        assert keys == "API_KEYS=" + ",".join(demo_world().secrets)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1beta/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.close()
        await writer.wait_closed()
    finally:
        running.kill()
        await running.wait()


async def test_a_port_in_use_is_said_in_words(server: SimulatorServer) -> None:
    command = [sys.executable, "-m", "gateway.simulator", "--port", str(server.port)]
    running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await running.communicate()
    assert running.returncode == 1
    assert b"cannot listen on 127.0.0.1:%d" % server.port in said
