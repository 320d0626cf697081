"""The driver as fixtures: one on the test's loop, closed and checked for leftovers afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.curl_options import TransportOptions
from tests.upstream.certificates import Authority, make_authority


@pytest.fixture
def options() -> TransportOptions:
    """What `transport` is made with; limits are looked at often, so that tests are quick."""
    return TransportOptions(sweep_interval_s=0.02)


@pytest.fixture
async def transport(options: TransportOptions) -> AsyncIterator[CurlTransport]:
    transport = CurlTransport(asyncio.get_running_loop(), options)
    try:
        yield transport
    finally:
        await transport.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine's may decide a test."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
