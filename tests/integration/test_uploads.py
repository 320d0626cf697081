"""Files come in by Google's upload protocol: past no key, by any process, at the pace of the slower side."""

import base64
import contextlib
import hashlib
import http.client
import random
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from gateway.store import writer
from tests.integration.calling import MODEL, Answer, call, connected, eventually, read_answer, record_of
from tests.integration.running import RunningGateway
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

ALICE, BOB, ADMIN = "sk-alice-0001", "sk-bob-0002", "sk-test-admin"
PATHS = [
    "/upload/v1beta/files",
    "/gemini/upload/v1beta/files",
    "/gemini/v1beta/upload/v1beta/files",
    "/upload/v1/files",
    "//upload//v1beta//files/",
]
METADATA = b'{"file": {"display_name": "a", "mime_type": "text/plain", "size_bytes": "9"}}'
SETTINGS = {"API_KEYS": ",".join(KEYS), "ALLOWED_TOKENS": f"{ALICE},{BOB}", "MAX_BODY_MB": "5"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[SimulatedUpstream]:
    with SimulatedUpstream(small_world()) as running:
        yield running


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: SimulatedUpstream
) -> Iterator[RunningGateway]:
    settings = {**SETTINGS, "HTTP_FRONT": str(request.param), "MAX_UPLOAD_MB": "40"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.005)
        with RunningGateway(tmp_path_factory.mktemp("uploads"), upstream.url, settings) as running:
            yield running


def start(
    gateway: RunningGateway,
    path: str = PATHS[0],
    *,
    size: int = 9,
    token: str = ALICE,
    more: Mapping[str, str] | None = None,
) -> Answer:
    headers = {
        "x-goog-api-key": token,
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": str(size),
        "x-goog-upload-header-content-type": "text/plain",
        **(more or {}),
    }
    return call(gateway, path, METADATA, headers=headers)


def send(
    gateway: RunningGateway,
    begun: Answer,
    piece: bytes,
    *,
    offset: int = 0,
    command: str = "upload, finalize",
) -> Answer:
    """Send a piece as Google's Python SDK does: to the address as it was told, without a key."""
    parts = urlsplit(begun.headers["x-goog-upload-url"])
    headers = {"x-goog-upload-command": command, "x-goog-upload-offset": str(offset)}
    with connected(gateway) as connection:
        connection.request("POST", f"{parts.path}?{parts.query}", piece, headers)
        return read_answer(connection.getresponse())


@contextlib.contextmanager
def busy_database(data_dir: Path) -> Iterator[None]:
    """Another process writes for a while: the gateway's own changes wait."""
    place = data_dir / "default_db"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def upload(gateway: RunningGateway, content: bytes, *, token: str = ALICE) -> dict[str, str]:
    answer = send(gateway, start(gateway, size=len(content), token=token), content)
    assert answer.status == 200
    file: dict[str, str] = answer.json["file"]
    return file


def digest_of(content: bytes) -> str:
    """Write a digest as Google does: the hexadecimal one, and that in base64."""
    return base64.b64encode(hashlib.sha256(content).hexdigest().encode()).decode()


def get(gateway: RunningGateway, name: str, *, token: str = ALICE, method: str = "GET") -> Answer:
    return call(gateway, f"/v1beta/{name}", None, method=method, headers={"x-goog-api-key": token})


@pytest.mark.parametrize("path", PATHS)
def test_an_upload_goes_on_at_our_address_without_a_key(gateway: RunningGateway, path: str) -> None:
    begun = start(gateway, path)
    address = urlsplit(begun.headers["x-goog-upload-url"])
    sent = send(gateway, begun, b"some text")

    assert (begun.status, begun.body) == (200, b"")
    assert begun.headers["x-goog-upload-status"] == "active"
    assert begun.headers["x-goog-upload-chunk-granularity"] == "262144"
    assert begun.headers["x-goog-upload-control-url"] == begun.headers["x-goog-upload-url"]
    assert f"{address.scheme}://{address.netloc}" == gateway.url
    assert address.path == path
    assert len(parse_qs(address.query)["upload_id"][0]) >= 48
    assert sent.headers["x-goog-upload-status"] == "final"
    file = sent.json["file"]
    assert (file["sizeBytes"], file["mimeType"]) == ("9", "text/plain")
    assert file["sha256Hash"] == digest_of(b"some text")
    assert file["uri"].startswith("https://generativelanguage.googleapis.com/v1beta/files/")
    assert "x-goog-upload-status" in sent.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("more", "origin"),
    [
        ({"x-forwarded-proto": "https", "x-forwarded-host": "ai.example.com"}, "https://ai.example.com"),
        ({"x-forwarded-proto": "https", "host": "ai.example.com:8443"}, "https://ai.example.com:8443"),
        ({"x-forwarded-proto": "https,http", "x-forwarded-host": "a.example, b"}, "https://a.example"),
        ({"host": "[::1]:8000"}, "http://[::1]:8000"),
        ({"host": "h", "x-forwarded-prefix": "/gemini-proxy/"}, "http://h/gemini-proxy"),
        ({"host": "h", "x-forwarded-prefix": "//evil.example/"}, "http://h"),
        ({"x-forwarded-proto": "javascript", "host": "h"}, "http://h"),
    ],
)
def test_behind_a_proxy_the_address_is_the_proxy_s(
    gateway: RunningGateway, more: Mapping[str, str], origin: str
) -> None:
    begun = start(gateway, more=more)

    assert begun.headers["x-goog-upload-url"].startswith(f"{origin}/upload/v1beta/files?upload_id=")


def test_a_host_that_is_none_is_refused(gateway: RunningGateway) -> None:
    answer = start(gateway, more={"x-forwarded-host": "a b/evil"})

    assert (answer.status, answer.error["status"]) == (400, "INVALID_ARGUMENT")


def test_pieces_go_on_where_they_stand_and_can_be_asked_about(gateway: RunningGateway) -> None:
    begun = start(gateway)

    first = send(gateway, begun, b"some ", command="upload")
    asked = send(gateway, begun, b"", command="query")
    wrong = send(gateway, begun, b"text", offset=3)
    last = send(gateway, begun, b"text", offset=5)
    again = send(gateway, begun, b"", command="query")

    assert first.headers["x-goog-upload-status"] == "active"
    assert asked.headers["x-goog-upload-size-received"] == "5"
    assert wrong.status == 400
    assert last.json["file"]["sha256Hash"] == digest_of(b"some text")
    assert again.headers["x-goog-upload-status"] == "final"


def test_an_upload_can_be_cancelled(gateway: RunningGateway) -> None:
    begun = start(gateway)

    cancelled = send(gateway, begun, b"", command="cancel")

    assert cancelled.headers["x-goog-upload-status"] == "cancelled"
    assert send(gateway, begun, b"", command="query").status in (400, 404)  # of Google, or already ours


def test_an_unknown_upload_is_over(gateway: RunningGateway) -> None:
    answer = call(gateway, "/upload/v1beta/files?upload_id=guessed", b"x" * 100, headers={})

    assert (answer.status, answer.error["status"]) == (404, "NOT_FOUND")
    assert answer.headers["x-goog-upload-status"] == "final"


def test_beginning_an_upload_takes_a_token(gateway: RunningGateway) -> None:
    answer = start(gateway, token="sk-wrong")

    assert answer.status == 401
    assert "x-goog-upload-url" not in answer.headers


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_bytes_beyond_max_body_mb_arrive_whole(gateway: RunningGateway, framing: str) -> None:
    content = random.Random(7).randbytes(20_000_000)
    begun = start(gateway, size=len(content))
    parts = urlsplit(begun.headers["x-goog-upload-url"])
    headers = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}

    with connected(gateway) as connection:
        body = (
            content
            if framing == "length"
            else (content[n : n + 100_000] for n in range(0, len(content), 100_000))
        )
        connection.request(
            "POST", f"{parts.path}?{parts.query}", body, headers, encode_chunked=framing == "chunked"
        )
        answer = read_answer(connection.getresponse())

    assert answer.json["file"]["sha256Hash"] == digest_of(content)
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.outcome) == ("files", "success")


@pytest.mark.parametrize("way", ["announced", "sent", "reached"])
def test_a_file_beyond_max_upload_mb_is_refused(gateway: RunningGateway, way: str) -> None:
    begun = start(gateway, size=41_000_000_000 if way == "announced" else 9)
    if way == "sent":
        begun_head = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
        parts = urlsplit(begun.headers["x-goog-upload-url"])
        with connected(gateway) as connection:
            connection.putrequest("POST", f"{parts.path}?{parts.query}")
            for name, value in {**begun_head, "content-length": "43000000000"}.items():
                connection.putheader(name, value)
            connection.endheaders()
            begun = read_answer(connection.getresponse())
    elif way == "reached":
        begun = send(gateway, begun, b"x", offset=42_000_000_000)

    assert begun.status == 413
    assert begun.error["message"]


@pytest.mark.parametrize("size", [1_000, 6_000_000])
def test_an_upload_of_one_piece_brings_its_metadata_along(gateway: RunningGateway, size: int) -> None:
    content = random.Random(size).randbytes(size)
    body = (
        b'--b\r\nContent-Type: application/json\r\n\r\n{"file": {"displayName": "one"}}\r\n'
        b"--b\r\nContent-Type: image/png\r\n\r\n" + content + b"\r\n--b--\r\n"
    )
    headers = {
        "x-goog-api-key": ALICE,
        "x-goog-upload-protocol": "multipart",
        "content-type": "multipart/related; boundary=b",
    }

    answer = call(gateway, PATHS[0], body, headers=headers)

    file = answer.json["file"]
    assert file["sha256Hash"] == digest_of(content)
    assert (file["displayName"], file["mimeType"]) == ("one", "image/png")
    assert [get(gateway, file["name"]).status for _ in range(4)] == [200] * 4


def test_a_large_upload_of_one_piece_takes_a_token(gateway: RunningGateway) -> None:
    headers = {"x-goog-upload-protocol": "raw", "content-type": "image/png"}

    with contextlib.suppress(ConnectionError):  # Tornado resets such a connection
        assert call(gateway, PATHS[0], b"x" * 6_000_000, headers=headers).status == 401


# What becomes of the file.


def test_a_file_is_found_used_and_deleted_with_its_key(gateway: RunningGateway) -> None:
    files = [upload(gateway, f"text {number}".encode()) for number in range(4)]

    for file in files:
        body = {
            "contents": [
                {"parts": [{"fileData": {"fileUri": file["uri"], "mimeType": "text/plain"}}, {"text": "hi"}]}
            ]
        }
        used = call(
            gateway,
            f"/v1beta/models/{MODEL}:generateContent",
            orjson.dumps(body),
            headers={"x-goog-api-key": ALICE},
        )
        assert used.status == 200
        assert get(gateway, file["name"]).json == file
        assert get(gateway, file["name"], method="DELETE").json == {}
        assert get(gateway, file["name"]).status == 403


def test_files_are_the_token_s_own(gateway: RunningGateway) -> None:
    file = upload(gateway, b"alice's")

    for method in ("GET", "DELETE"):
        answer = get(gateway, file["name"], token=BOB, method=method)
        assert (answer.status, answer.error["status"]) == (403, "PERMISSION_DENIED")
        assert answer.error["message"].startswith("You do not have permission to access the File")
    body = orjson.dumps({"contents": [{"parts": [{"fileData": {"fileUri": file["uri"]}}, {"text": "hi"}]}]})
    path = f"/v1beta/models/{MODEL}:generateContent"
    assert call(gateway, path, body, headers={"x-goog-api-key": BOB}).status == 403
    assert get(gateway, file["name"], token=ADMIN).status == 200
    listed = get(gateway, "files?pageSize=100", token=BOB).json
    assert file["name"] not in [entry["name"] for entry in listed["files"]]
    eventually(lambda: file in get(gateway, "files?pageSize=100").json["files"])


def test_a_store_takes_files_where_it_lives(gateway: RunningGateway) -> None:
    headers = {"x-goog-api-key": ALICE, "content-type": "application/json"}
    stores = [
        call(gateway, "/v1beta/fileSearchStores", b"{}", headers=headers).json["name"] for _ in range(3)
    ]

    for store in stores:
        begun = start(gateway, f"/upload/v1beta/{store}:uploadToFileSearchStore")
        sent = send(gateway, begun, b"some text")

        assert sent.json["response"]["parent"] == store
        assert get(gateway, sent.json["name"]).json["done"]
        assert get(gateway, store).status == 200
    assert start(gateway, f"/upload/v1beta/{stores[0]}:uploadToFileSearchStore", token=BOB).status == 404


def test_another_process_takes_the_next_piece(tmp_path: Path, upstream: SimulatedUpstream) -> None:
    with (
        RunningGateway(tmp_path, upstream.url, SETTINGS) as first,
        RunningGateway(tmp_path, upstream.url, SETTINGS) as second,
    ):
        begun = start(first)
        send(first, begun, b"some ", command="upload")
        last = send(second, begun, b"text", offset=5)
        found = [get(running, last.json["file"]["name"]).status for running in (first, second) for _ in "ab"]

    assert last.json["file"]["sha256Hash"] == digest_of(b"some text")
    assert found == [200] * 4


def test_the_file_is_known_to_all_processes_before_the_client_knows_of_it(
    tmp_path: Path, upstream: SimulatedUpstream
) -> None:
    """Though the database has no time for it: nobody can ask for a file whose key is not known there yet."""
    with (
        RunningGateway(tmp_path, upstream.url, SETTINGS) as first,
        RunningGateway(tmp_path, upstream.url, SETTINGS) as second,
        ThreadPoolExecutor() as threads,
    ):
        begun = start(first)
        with busy_database(tmp_path):
            sending = threads.submit(send, first, begun, b"some text")
            with pytest.raises(TimeoutError):
                sending.result(0.5)
        sent = sending.result(5)
        found = get(second, sent.json["file"]["name"])

    assert (sent.status, found.status) == (200, 200)


def test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind(gateway: RunningGateway) -> None:
    begun = start(gateway, size=20_000_000)
    parts = urlsplit(begun.headers["x-goog-upload-url"])
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc)
    connection.putrequest("POST", f"{parts.path}?{parts.query}")
    connection.putheader("x-goog-upload-command", "upload")
    connection.putheader("x-goog-upload-offset", "0")
    connection.putheader("content-length", "20000000")
    connection.endheaders()
    connection.send(b"x" * 100_000)
    eventually(lambda: gateway.on_loop(lambda services: services.engine.transport.running) > 0)  # type: ignore[attr-defined]

    connection.close()

    eventually(lambda: gateway.on_loop(lambda services: services.engine.transport.running) == 0)  # type: ignore[attr-defined]
    assert send(gateway, begun, b"", command="query").headers["x-goog-upload-status"] == "active"
