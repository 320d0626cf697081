"""Answers of any kind on their way: as they came, with what belongs to them and nothing of the upstream."""

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pool.lease import Lease
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failures import FailureKind
from gateway.relay.passing import HOLD_BYTES, told_of_error
from gateway.relay.plan import Framing, Passage
from gateway.upstream.response import RawResponseHead
from tests.relay.clients import JSON, plan, serve

ANY = plan(Framing.ANY, generates=False)
BYTES = (b"Content-Type: video/mp4", b"Content-Length: 10")
FILE = orjson.dumps({"file": {"name": "files/abc"}})


class Seeing:
    """A witness that writes down what it is shown."""

    def __init__(self, lease: Lease) -> None:
        self.key_id = lease.key_id
        self.seen = b""
        self.events: list[dict[str, Any]] = []
        self.ended = False
        self.usage: dict[str, Any] | None = {"totalTokenCount": 5}

    def data(self, chunk: bytes) -> None:
        self.seen += chunk

    def event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def end(self) -> None:
        self.ended = True


def seeing() -> tuple[list[Seeing], Passage]:
    made: list[Seeing] = []

    def witness(lease: Lease) -> Seeing:
        made.append(Seeing(lease))
        return made[-1]

    return made, Passage(witness=witness)


@given(cuts=st.lists(st.integers(0, 30), max_size=6))
def test_json_is_held_until_it_is_whole(cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(FILE)) for cut in cuts), len(FILE)]
    served = serve(ANY)

    served.feed(*(FILE[a:b] for a, b in itertools.pairwise(edges)))

    assert served.client.writes == []
    assert served.delivery.end() is None
    assert (served.client.body, served.client.length, served.client.status) == (FILE, len(FILE), 200)


def test_bytes_go_on_at_once_with_their_type_and_length() -> None:
    served = serve(ANY, headers=BYTES)

    served.feed(b"12345")
    assert served.client.writes == [b"12345"]
    served.feed(b"67890")
    assert served.delivery.end() is None

    assert served.client.length == 10
    assert dict(served.client.headers)["content-type"] == "video/mp4"


def test_long_json_is_passed_on_as_it_comes() -> None:
    served = serve(ANY)

    served.feed(b"{" + b" " * HOLD_BYTES)
    assert served.outlet.committed
    served.feed(b"}")

    assert served.delivery.end() is None
    assert served.client.body.strip().endswith(b"}")


@pytest.mark.parametrize("came", [b"<html></html>", b'{"files":[', b"}"])
def test_what_should_be_json_and_is_not_whole_may_be_tried_again(came: bytes) -> None:
    served = serve(ANY)

    served.feed(came)
    failure = served.delivery.end()

    assert failure is not None
    assert failure.kind is FailureKind.MALFORMED
    assert served.client.status == 0


@pytest.mark.parametrize("status", [200, 201, 204, 206])
def test_an_answer_without_a_body_keeps_its_status(status: int) -> None:
    served = serve(ANY, status=status, headers=())

    assert served.delivery.end() is None

    assert (served.client.status, served.client.body) == (status, b"")
    assert "content-type" not in dict(served.client.headers)


def test_a_head_tells_the_length_of_what_is_not_sent() -> None:
    served = serve(plan(Framing.ANY, generates=False, method="HEAD"), headers=BYTES)

    assert served.delivery.end() is None

    assert (served.client.length, served.client.body) == (10, b"")


def test_headers_about_the_answer_are_kept_and_the_upstream_s_own_are_not() -> None:
    lines = (
        JSON,
        b"Content-Disposition: attachment; filename=a.bin",
        b"Content-Range: bytes 0-9/100",
        b"X-Goog-Upload-Status: active",
        b"X-Goog-Upload-Chunk-Granularity: 262144",
        b"Set-Cookie: NID=1",
        b"Server: scaffolding on HTTPServer2",
        b"Alt-Svc: h3",
        b"Connection: keep-alive",
    )
    served = serve(ANY, headers=lines)

    served.feed(b"{}")
    served.delivery.end()

    assert {name.lower() for name, _ in served.client.headers} == {
        "x-gateway-attempts",
        "content-type",
        "content-disposition",
        "content-range",
        "x-goog-upload-status",
        "x-goog-upload-chunk-granularity",
    }


def test_a_file_that_breaks_off_is_cut() -> None:
    served = serve(ANY, headers=BYTES)
    served.feed(b"123")

    served.delivery.break_off(Problem(502, "It broke.", "network"))

    assert served.client.aborted
    assert not served.client.finished


def test_the_witness_sees_the_whole_answer_and_tells_what_it_used() -> None:
    made, passage = seeing()
    served = serve(plan(Framing.ANY, generates=False, passage=passage))

    served.feed(FILE[:5], FILE[5:])
    served.delivery.end()

    (witness,) = made
    assert (witness.key_id, witness.seen, witness.ended) == (7, FILE, True)
    assert served.delivery.signs.usage == {"totalTokenCount": 5}


def test_the_witness_of_a_broken_answer_hears_of_no_end() -> None:
    made, passage = seeing()
    served = serve(plan(Framing.ANY, generates=False, passage=passage))

    served.feed(FILE[:5])
    served.delivery.end()

    assert not made[0].ended


class Shouting:
    """Rewrites to capitals, each piece when the next has come; a question mark cannot be read."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        if b"?" in chunk:
            raise ValueError("there is a question")
        said, self._held = self._held, chunk.upper()
        return said

    def end(self) -> bytes:
        return self._held + b"!"


REWRITTEN = plan(
    Framing.ANY, generates=False, passage=Passage(rewriting=Shouting), media_type="application/jsonl"
)


def test_bytes_may_be_rewritten_on_their_way() -> None:
    served = serve(REWRITTEN, headers=(*BYTES, b"ETag: x", b"Content-Disposition: attachment"))

    served.feed(b"one ")
    assert served.client.writes == []
    served.feed(b"two")
    assert served.client.writes == [b"ONE "]
    assert served.delivery.end() is None

    headers = {name.lower(): value for name, value in served.client.headers}
    assert (served.client.body, served.client.length) == (b"ONE TWO!", None)
    assert headers["content-type"] == "application/jsonl"
    assert "content-disposition" in headers
    assert "etag" not in headers


def test_a_short_answer_that_is_rewritten_has_its_new_length() -> None:
    served = serve(REWRITTEN)  # what says it is JSON is rewritten too

    served.feed(b"one")
    assert served.delivery.end() is None

    assert (served.client.body, served.client.length) == (b"ONE!", 4)


def test_what_cannot_be_rewritten_is_malformed() -> None:
    served = serve(REWRITTEN, headers=BYTES)

    served.feed(b"why?")

    assert served.delivery.failure is not None
    assert served.delivery.failure.kind is FailureKind.MALFORMED
    assert served.delivery.end() == served.delivery.failure
    assert served.client.status == 0


def test_an_upload_s_error_says_whether_the_upload_is_over() -> None:
    head = RawResponseHead(400, [b"X-Goog-Upload-Status: final", b"Server: x"])

    assert told_of_error(head) == [("X-Goog-Upload-Status", "final")]
    assert told_of_error(None) == []
