"""How a call is addressed: base URLs as people write them, versions, and headers of the operator's."""

import pytest

from gateway.upstream.curl import CurlTransport
from gateway.upstream.providers import read_provider
from gateway.upstream.transport import UpstreamRequest
from tests.upstream.calls import call
from tests.upstream.peers import Peer

_MODEL = "models/gemini-3.5-flash:generateContent"


@pytest.mark.parametrize(
    ("base_url", "client_version", "url"),
    [
        ("https://g.example/v1beta", "", "https://g.example/v1beta/"),
        ("https://g.example/v1beta/", "v1beta", "https://g.example/v1beta/"),
        ("https://g.example/v1beta//", "v1beta", "https://g.example/v1beta/"),
        ("https://g.example/v1beta", "v1", "https://g.example/v1beta/"),
        ("https://g.example/v1beta", "v1alpha", "https://g.example/v1alpha/"),
        ("https://g.example/v1", "v1beta", "https://g.example/v1beta/"),
        ("https://g.example/prefix/v1beta", "v1beta", "https://g.example/prefix/v1beta/"),
        ("https://g.example", "", "https://g.example/"),
        ("https://g.example/prefix/", "", "https://g.example/prefix/"),
        ("http://127.0.0.1:9000/v1beta", "", "http://127.0.0.1:9000/v1beta/"),
        ("http://[::1]:9000/v1beta", "", "http://[::1]:9000/v1beta/"),
        ("https://g.example/v1beta?key=secret#part", "", "https://g.example/v1beta/"),
    ],
)
def test_the_address_of_a_call(base_url: str, client_version: str, url: str) -> None:
    assert read_provider(base_url).url(_MODEL, client_version=client_version) == url + _MODEL


@pytest.mark.parametrize("base_url", ["https://g.example/v1beta/v1beta", "https://g.example/v1/v1beta/"])
def test_a_doubled_version_in_the_base_counts_once(base_url: str) -> None:
    assert read_provider(base_url).url("models") == "https://g.example/v1beta/models"


@pytest.mark.parametrize("client_version", ["", "v1", "v1beta"])
def test_a_base_without_a_version_gets_none(client_version: str) -> None:
    url = read_provider("https://g.example").url("models", client_version=client_version)
    assert url == "https://g.example/models"


def test_the_query_follows() -> None:
    url = read_provider("https://g.example/v1beta").url("models", query="alt=sse&pageSize=5")
    assert url == "https://g.example/v1beta/models?alt=sse&pageSize=5"


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("models/a b:countTokens", "models/a%20b:countTokens"),
        ("models/a?key=x#y", "models/a%3Fkey=x%23y"),
        ("models/模型", "models/%E6%A8%A1%E5%9E%8B"),
        ("models/a\r\nX-Evil: 1", "models/a%0D%0AX-Evil:%201"),
        ("models/100%", "models/100%25"),
    ],
)
def test_what_a_path_cannot_hold_is_encoded(resource: str, path: str) -> None:
    assert read_provider("https://g.example/v1beta").url(resource) == f"https://g.example/v1beta/{path}"


def test_the_key_is_in_its_header_only() -> None:
    provider = read_provider("https://g.example/v1beta")
    assert provider.call_headers("AIza-key", [("content-type", "application/json")]) == (
        ("x-goog-api-key", "AIza-key"),
        ("content-type", "application/json"),
    )
    assert "AIza-key" not in provider.url(_MODEL)


@pytest.mark.parametrize(
    "name", ["x-goog-api-key", "X-Goog-Api-Key", " X-GOOG-API-KEY ", "Authorization", "Host", "Connection"]
)
def test_a_custom_header_cannot_stand_in_for_the_key_or_break_the_framing(name: str) -> None:
    provider = read_provider("https://g.example/v1beta", [(name, "evil"), ("X-Mine", "1")])
    assert provider.call_headers("AIza-key") == (("x-goog-api-key", "AIza-key"), ("X-Mine", "1"))


def test_a_custom_header_replaces_the_calls_own() -> None:
    provider = read_provider("https://g.example/v1beta", [("X-Goog-Api-Client", "mine/1")])
    headers = provider.call_headers("k", [("x-goog-api-client", "theirs/1"), ("content-type", "a/b")])
    assert headers == (("x-goog-api-key", "k"), ("content-type", "a/b"), ("X-Goog-Api-Client", "mine/1"))


async def test_every_header_of_a_provider_can_be_sent(transport: CurlTransport) -> None:
    custom = [("Connection", "close"), ("Content-Length", "5"), ("TE", "trailers"), ("X-Mine", "1")]
    async with Peer() as peer:
        provider = read_provider(peer.url, custom)
        request = UpstreamRequest("POST", provider.url(_MODEL), provider.call_headers("k"), b"{}")
        await call(transport, request)
        assert peer.requests[0].header("Content-Length") == "2"
        assert peer.requests[0].header("X-Mine") == "1"
