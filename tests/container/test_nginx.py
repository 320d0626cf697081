"""Debian's nginx with the configurations of deploy/nginx, before a gateway: streams, uploads, who asks."""

import http.client
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest

from tests.container.running import free_port
from tests.fakes.gemini_replies import text, text_events
from tests.fakes.upstream import FakeUpstream
from tests.house.source import ROOT
from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

SITES = ROOT / "deploy" / "nginx"
MODEL = "gemini-3.5-flash"
UPLOAD_SIZE = 3 * 1024 * 1024
_MAIN = """
{user}
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served: nginx's port, the gateway behind it, and what that sees of the upstream."""

    port: int
    gateway: RunningGateway
    upstream: FakeUpstream


def _nginx() -> str:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("nginx is not installed: scripts/need-host-tools")
    return program


@contextmanager
def _serving(name: str, folder: Path, gateway_port: int, *, gives_up_after: str = "330s") -> Iterator[int]:
    """nginx with one of the sites; only addresses, ports and its patience are changed. Gives its port."""
    port = free_port()
    site = (SITES / name).read_text(encoding="utf-8").replace("    listen [::]:80;\n", "")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    for address in ("http://127.0.0.1:8000", "http://gateway:8000"):
        site = site.replace(address, f"http://127.0.0.1:{gateway_port}")
    (folder / "site.conf").write_text(site)
    passing = (SITES / "gateway-proxy.conf").read_text(encoding="utf-8")
    (folder / "gateway-proxy.conf").write_text(
        passing.replace("proxy_read_timeout 330s", f"proxy_read_timeout {gives_up_after}")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    command = [_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr, tested.stderr
    subprocess.run(command, check=True, capture_output=True)  # listens when it returns
    try:
        yield port
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, capture_output=True)


@pytest.fixture(params=["gateway.conf", "replicas.conf"])
def site(request: pytest.FixtureRequest, tmp_path: Path, fake_upstream: FakeUpstream) -> Iterator[Site]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    with (
        RunningGateway(tmp_path, fake_upstream.url, {}) as gateway,
        _serving(str(request.param), folder, int(gateway.url.rpartition(":")[2])) as port,
    ):
        yield Site(port, gateway, fake_upstream)


@contextmanager
def _connected(site: Site) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=15)
    try:
        yield connection
    finally:
        connection.close()


def _ask_for_a_stream(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", orjson.dumps(body), headers)
    return connection.getresponse()


def test_a_stream_passes_event_by_event(site: Site) -> None:
    gate = site.upstream.gate()
    first, second = text_events("first", "second")
    site.upstream.stream([first, gate, second])
    with _connected(site) as connection:
        answer = _ask_for_a_stream(connection)
        seen = b""
        while b"first" not in seen:
            piece = answer.read1(65536)
            assert piece
            seen += piece
        gate.wait_reached()
        assert b"second" not in seen  # the upstream has not said it yet, and the client has read the first
        gate.release()
        rest = answer.read()

    assert b"second" in rest
    assert rest.endswith(b"data: [DONE]\n\n")
    assert answer.getheader("x-accel-buffering") is None  # nginx keeps that to itself


def test_a_client_that_leaves_ends_the_call(site: Site) -> None:
    gate = site.upstream.gate()
    first, second = text_events("first", "second")
    site.upstream.stream([first, gate, second])
    with _connected(site) as connection:
        answer = _ask_for_a_stream(connection)
        assert answer.read1(65536)
        gate.wait_reached()
        (seen,) = site.upstream.requests
        answer.close()

    assert site.upstream.connection_closed_after(seen)


def test_the_gateways_own_limit_answers_a_body_that_is_too_large(site: Site) -> None:
    with _connected(site) as connection:
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Authorization", f"Bearer {TOKEN}")
        connection.putheader("Content-Length", str(200 * 1024 * 1024))
        connection.endheaders()
        answer = connection.getresponse()

        assert answer.status == 413
        assert b"request_too_large" in answer.read()


def test_signs_of_life_keep_a_proxy_from_giving_up(tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    """A proxy of two seconds in the place of one of sixty; the answer takes longer than that."""
    settings = {"FAKE_STREAM_ENABLED": "true", "FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS": "0.2"}
    folder = tmp_path / "nginx"
    folder.mkdir()
    gate = fake_upstream.gate()
    fake_upstream.reply(text("late"), gate=gate)
    with (
        RunningGateway(tmp_path, fake_upstream.url, settings) as gateway,
        _serving("gateway.conf", folder, int(gateway.url.rpartition(":")[2]), gives_up_after="2s") as port,
        _connected(Site(port, gateway, fake_upstream)) as connection,
    ):
        answer = _ask_for_a_stream(connection)
        beats = b""
        began_s = time.monotonic()
        while time.monotonic() - began_s < 2.5:
            beats += answer.read1(65536)
        gate.release()
        rest = answer.read()

    assert b"late" not in beats
    assert b"late" in rest


@pytest.mark.parametrize("name", ["gateway.conf", "replicas.conf"])
def test_an_upload_passes_and_its_address_is_the_proxys(name: str, tmp_path: Path) -> None:
    settings = {"API_KEYS": ",".join(KEYS), "MAX_UPLOAD_MB": "40"}
    folder = tmp_path / "nginx"
    folder.mkdir()
    with (
        SimulatedUpstream(small_world()) as upstream,
        RunningGateway(tmp_path, upstream.url, settings) as gateway,
        _serving(name, folder, int(gateway.url.rpartition(":")[2])) as port,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        start = {
            "x-goog-api-key": TOKEN,
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(UPLOAD_SIZE),
            "x-goog-upload-header-content-type": "text/plain",
        }
        connection.request("POST", "/upload/v1beta/files", b"{}", start)
        begun = connection.getresponse()
        begun.read()
        address = begun.getheader("x-goog-upload-url") or ""
        assert address.startswith(f"http://127.0.0.1:{port}/upload/v1beta/files?upload_id=")
        data = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
        connection.request("POST", address.removeprefix(f"http://127.0.0.1:{port}"), b"x" * UPLOAD_SIZE, data)
        ended = connection.getresponse()
        told = orjson.loads(ended.read())
        connection.close()

    assert ended.status == 200
    assert told["file"]["sizeBytes"] == str(UPLOAD_SIZE)


@pytest.mark.parametrize(
    ("name", "client", "scheme"),
    [("gateway.conf", "127.0.0.1", "http"), ("replicas.conf", "203.0.113.9", "https")],
)
def test_who_asks_is_told_and_not_made_up(name: str, client: str, scheme: str, tmp_path: Path) -> None:
    """A site that people reach themselves believes nobody; the one in Compose its own network."""
    with _telling_headers() as told, _serving(name, tmp_path, told.port) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        claims = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "198.51.100.1", "X-Forwarded-Proto": "https"}
        connection.request("GET", "/v1/models", headers={**claims, "Host": "ai.example.org:8443"})
        connection.getresponse().read()
        connection.close()

    assert told.headers["x-real-ip"] == client
    assert told.headers["x-forwarded-for"] == client
    assert told.headers["x-forwarded-proto"] == scheme
    assert told.headers["host"] == told.headers["x-forwarded-host"] == "ai.example.org:8443"


@dataclass(slots=True)
class _Told:
    port: int
    headers: dict[str, str]


@contextmanager
def _telling_headers() -> Iterator[_Told]:
    """A server in the gateway's place that keeps the headers it was sent."""
    told = _Told(0, {})

    class Keeping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
