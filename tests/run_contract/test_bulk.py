"""Gigabytes go through in little memory: uploads and downloads, however slow the other side is."""

import hashlib
import threading
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.bulk import PIECE, BulkUpstream
from tests.integration.forms import BOUNDARY, form
from tests.run_contract.child import Child

TOKEN, KEY = "sk-token-of-alice", "key-number-one-of-any-shape"
PIECES = 256
"""MiB that go each way."""
MOST_GROWTH_BYTES = 32 * 1024 * 1024
START = {
    "x-goog-api-key": TOKEN,
    "x-goog-upload-protocol": "resumable",
    "x-goog-upload-command": "start",
    "x-goog-upload-header-content-length": str(PIECES * len(PIECE)),
}


@pytest.mark.parametrize("front", ["llhttp", "tornado"])
def test_files_of_any_size_take_little_memory(tmp_path: Path, front: str) -> None:
    with BulkUpstream(download_pieces=PIECES) as upstream:
        settings = {
            "BASE_URL": upstream.url,
            "API_KEYS": KEY,
            "ALLOWED_TOKENS": TOKEN,
            "HTTP_FRONT": front,
            "MAX_BODY_MB": "1",
        }
        with Child(tmp_path, settings=settings) as gateway:
            gateway.get("/health")
            before = gateway.peak_memory_bytes()
            upstream.go.clear()
            threading.Timer(1.0, upstream.go.set).start()  # the client is far ahead by then, if it may be

            sent = upload(gateway)
            upstream.go.clear()
            threading.Timer(1.0, upstream.go.set).start()
            sent_as_form = upload_form(gateway)
            received = download(gateway)

            grown = gateway.peak_memory_bytes() - before
            gateway.stop()

    expected = hashlib.sha256(PIECE * PIECES).hexdigest()
    assert upstream.digests == [expected, expected]
    assert (sent, sent_as_form, received) == (200, 200, expected)
    assert grown < MOST_GROWTH_BYTES


def upload(gateway: Child) -> int:
    """Send PIECES MiB as one piece of a resumable upload; gives the status."""
    connection = gateway.connect()
    connection.request("POST", "/upload/v1beta/files", b"{}", START)
    begun = connection.getresponse()
    begun.read()
    address = urlsplit(begun.headers["x-goog-upload-url"])
    connection.request(
        "POST",
        f"{address.path}?{address.query}",
        (PIECE for _ in range(PIECES)),
        {
            "x-goog-upload-command": "upload, finalize",
            "x-goog-upload-offset": "0",
            "content-length": str(PIECES * len(PIECE)),
        },
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def upload_form(gateway: Child) -> int:
    """Send PIECES MiB as an OpenAI client does, in a form; gives the status."""
    head = form(("purpose", "user_data"), ("file", ("a.mp4", b"", "video/mp4")), end="").removesuffix(b"\r\n")
    end = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = gateway.connect()
    connection.request(
        "POST",
        "/v1/files",
        chain((head,), (PIECE for _ in range(PIECES)), (end,)),
        {
            "authorization": f"Bearer {TOKEN}",
            "content-type": f"multipart/form-data; boundary={BOUNDARY}",
            "content-length": str(len(head) + PIECES * len(PIECE) + len(end)),
        },
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def download(gateway: Child) -> str:
    """Fetch PIECES MiB, first too slowly; gives their digest."""
    connection = gateway.connect()
    connection.request("GET", "/v1beta/files/x:download?alt=media", headers={"x-goog-api-key": TOKEN})
    response = connection.getresponse()
    digest = hashlib.sha256()
    threading.Event().wait(1.0)  # the upstream is far ahead by then, if it may be
    while piece := response.read(len(PIECE)):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()
