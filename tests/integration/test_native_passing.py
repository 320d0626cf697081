"""Everything native goes through: any path, method, body and answer, byte for byte, less the credentials."""

import hashlib
import random

import orjson
import pytest

from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, MODEL, call, chat_body, kinds_of, record_of
from tests.integration.conftest import Lasting
from tests.integration.running import KEYS, TOKEN, RunningGateway

GOOGLE = {"x-goog-api-key": TOKEN}
OPERATION = {"name": "batches/b-1", "metadata": {"state": "BATCH_STATE_PENDING"}}


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting, fake_upstream: FakeUpstream) -> RunningGateway:
    return lasting.gateway


# (method, path as the client writes it, what the upstream is asked)
PASSED = [
    ("POST", "/v1beta/cachedContents", "/v1beta/cachedContents"),
    ("PATCH", "/v1beta/cachedContents/c-1?updateMask=ttl", "/v1beta/cachedContents/c-1?updateMask=ttl"),
    ("DELETE", "/v1/cachedContents/c-1", "/v1beta/cachedContents/c-1"),
    ("GET", "/v1beta/cachedContents/c-1?key=" + TOKEN, "/v1beta/cachedContents/c-1"),
    ("POST", "/gemini/v1beta/models/M:batchGenerateContent", "/v1beta/models/M:batchGenerateContent"),
    ("POST", "/v1beta/models/M:asyncBatchEmbedContent", "/v1beta/models/M:asyncBatchEmbedContent"),
    ("POST", "/v1beta/models/M:predictLongRunning", "/v1beta/models/M:predictLongRunning"),
    ("POST", "/v1beta/models/M:predict", "/v1beta/models/M:predict"),
    ("POST", "/v1beta/models/models%2FM:unheardOf?x=%20y", "/v1beta/models/M:unheardOf?x=%20y"),
    ("GET", "/v1beta/models/M/operations/o-1", "/v1beta/models/M/operations/o-1"),
    ("GET", "/v1/operations/o-1", "/v1beta/operations/o-1"),
    ("POST", "/v1beta/batches/b-1:cancel", "/v1beta/batches/b-1:cancel"),
    ("POST", "/v1beta/tunedModels", "/v1beta/tunedModels"),
    ("POST", "/v1beta/tunedModels/t-1:transferOwnership", "/v1beta/tunedModels/t-1:transferOwnership"),
    ("POST", "/v1beta/tunedModels/t-1/permissions", "/v1beta/tunedModels/t-1/permissions"),
    ("POST", "/v1beta/corpora/c-1:query", "/v1beta/corpora/c-1:query"),
    ("POST", "/v1beta/fileSearchStores/s-1:importFile", "/v1beta/fileSearchStores/s-1:importFile"),
    ("GET", "/v1beta/fileSearchStores/s-1/documents", "/v1beta/fileSearchStores/s-1/documents"),
    ("POST", "/v1alpha/auth_tokens", "/v1alpha/auth_tokens"),
    ("GET", "/v1beta/interactions/i-1", "/v1beta/interactions/i-1"),
    ("POST", "/v1/interactions/i-1/cancel", "/v1beta/interactions/i-1/cancel"),
    ("POST", "/v1/webhooks/w-1:ping", "/v1beta/webhooks/w-1:ping"),
    ("PATCH", "/v1/triggers/t-1", "/v1beta/triggers/t-1"),
    ("GET", "/v1/voices", "/v1beta/voices"),
    ("PUT", "/v1beta/gizmos/%F0%9F%98%80/a%20b", "/v1beta/gizmos/%F0%9F%98%80/a%20b"),
    ("GET", "//gemini//v1beta//gizmos//g/", "/v1beta/gizmos/g"),
]


def written(path: str) -> str:
    return path.replace("/M", f"/{MODEL}").replace("FM", f"F{MODEL}")


@pytest.mark.parametrize(("method", "path", "asked"), PASSED, ids=[f"{m} {p}" for m, p, _ in PASSED])
def test_a_request_is_passed_on_and_so_is_its_answer(
    gateway: RunningGateway, fake_upstream: FakeUpstream, method: str, path: str, asked: str
) -> None:
    sent, came = b'{ "name" : "as it came" }', b'{ "done" : false }\n'
    fake_upstream.reply(came, headers={"Content-Type": "application/json; charset=UTF-8"})
    body = None if method in ("GET", "DELETE") else sent

    answer = call(gateway, written(path), body, method=method, headers=GOOGLE)

    (seen,) = fake_upstream.requests
    assert (seen.method, seen.path + (f"?{seen.query}" if seen.query else "")) == (method, written(asked))
    assert seen.body == (body or b"")
    assert seen.key in KEYS
    assert TOKEN not in str(seen.header_list)
    assert (answer.status, answer.body) == (200, came)
    assert answer.attempts == 1


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_is_not_served_of_the_anthropic_api_is_told_clearly(
    gateway: RunningGateway, method: str
) -> None:
    for path in ("/v1/messages/batches", "/v1/files", "/v1/batches"):
        body = b"{}" if method == "POST" else None
        answer = call(
            gateway, path, body, method=method, headers={**BEARER, "anthropic-version": "2026-10-21"}
        )

        assert answer.status == 404
        assert answer.json["type"] == "error"
        assert answer.json["error"]["type"] == "not_found_error"


def test_shared_paths_are_told_apart_by_what_only_one_side_sends(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply({"x": 1})

    native = call(gateway, "/v1/gizmos", None, method="GET", headers=GOOGLE)
    openai = call(gateway, "/v1/gizmos", None, method="GET")

    assert native.json == {"x": 1}
    assert openai.status == 404
    assert openai.error["type"] == "invalid_request_error"
    assert len(fake_upstream.requests) == 1


def test_openai_s_routes_stay_openai_s_whatever_the_credential(gateway: RunningGateway) -> None:
    answer = call(gateway, "/v1/chat/completions", chat_body(), headers=GOOGLE)

    assert answer.json["object"] == "chat.completion"


@pytest.mark.parametrize(
    "path", ["/v1beta/files/..%2f..%2fx", "/v1beta/%2e%2e/files", "/gemini/v1beta/a/../b"]
)
def test_a_path_that_climbs_never_leaves(
    gateway: RunningGateway, fake_upstream: FakeUpstream, path: str
) -> None:
    answer = call(gateway, path, None, method="GET", headers=GOOGLE)

    assert answer.status == 404
    assert answer.error["code"] in (404, "not_found", "unknown_url")
    assert fake_upstream.requests == []


def test_bytes_are_downloaded_with_their_type_length_and_name(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    content = random.Random(1).randbytes(3_000_000)
    headers = {"Content-Type": "video/mp4", "Content-Disposition": 'attachment; filename="v.mp4"'}
    fake_upstream.reply(content, headers=headers)

    answer = call(gateway, "/v1beta/files/x:download?alt=media", None, method="GET", headers=GOOGLE)

    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(content).digest()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-disposition"] == 'attachment; filename="v.mp4"'
    assert fake_upstream.requests[0].query == "alt=media"


def test_a_part_of_a_file_may_be_asked_for(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(
        b"234", status=206, headers={"Content-Type": "text/plain", "Content-Range": "bytes 2-4/9"}
    )

    answer = call(
        gateway,
        "/v1beta/files/x:download?alt=media",
        None,
        method="GET",
        headers={**GOOGLE, "range": "bytes=2-4"},
    )

    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"234", "bytes 2-4/9")
    assert fake_upstream.requests[0].headers["range"] == "bytes=2-4"


def test_a_download_that_breaks_is_cut(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 100\r\n\r\n"
    fake_upstream.raw(head + b"x" * 50)

    answer = call(gateway, "/v1beta/files/x:download?alt=media", None, method="GET", headers=GOOGLE)

    assert answer.status == 200
    assert not answer.complete


def test_an_empty_answer_stays_empty(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(b"", status=204)

    answer = call(gateway, "/v1beta/gizmos/g", None, method="DELETE", headers=GOOGLE)

    assert (answer.status, answer.body) == (204, b"")


def test_a_stream_of_an_unknown_method_is_passed_on_as_it_comes(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.stream([{"a": 1}, {"b": 2}], form="sse")

    answer = call(gateway, f"/v1beta/models/{MODEL}:streamSomething?alt=sse", headers=GOOGLE)

    assert answer.headers["content-type"] == "text/event-stream"
    assert [orjson.loads(event) for event in answer.events] == [{"a": 1}, {"b": 2}]


def test_errors_are_google_s_whatever_the_upstream_says(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(b"<html><title>Error 404 (Not Found)!!1</title></html>", status=404)

    answer = call(gateway, "/v1beta/gizmos/g", None, method="GET", headers=GOOGLE)

    assert answer.status == 404
    assert answer.error["status"] == "NOT_FOUND"
    assert answer.headers["content-type"].startswith("application/json")


def test_a_failing_key_is_replaced_here_too(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)
    fake_upstream.reply(OPERATION)

    answer = call(gateway, f"/v1beta/models/{MODEL}:batchGenerateContent", headers=GOOGLE)

    assert answer.json == OPERATION
    assert answer.attempts == 2


def test_a_quota_of_batches_is_not_the_model_s(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_day(), verb="batchGenerateContent")

    refused = call(gateway, f"/v1beta/models/{MODEL}:batchGenerateContent", headers=GOOGLE)
    served = call(gateway, f"/v1beta/models/{MODEL}:generateContent", headers=GOOGLE)

    assert refused.status == 429
    assert (served.status, served.attempts) == (200, 1)


def test_what_makes_a_thing_is_not_done_twice(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.truncate(OPERATION, times=1)

    answer = call(gateway, f"/v1beta/models/{MODEL}:asyncBatchEmbedContent", headers=GOOGLE)

    assert answer.status == 502
    assert len(fake_upstream.requests) == 1


def test_a_look_may_be_taken_twice(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.truncate({"name": "gizmos/g"}, times=1)
    fake_upstream.reply({"name": "gizmos/g"})

    answer = call(gateway, "/v1beta/gizmos/g", None, method="GET", headers=GOOGLE)

    assert answer.json == {"name": "gizmos/g"}
    assert answer.attempts == 2


def test_a_call_that_is_passed_on_is_recorded_under_a_known_name(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply({"x": 1})

    known = call(gateway, f"/v1beta/models/{MODEL}:predict", headers=GOOGLE)
    unknown = call(gateway, "/v1beta/gizmos-of-a-client/g", None, method="GET", headers=GOOGLE)

    first, second = record_of(gateway, known.request_id), record_of(gateway, unknown.request_id)
    assert (first.operation, first.model, first.dialect, kinds_of(first)) == (
        "predict",
        MODEL,
        "gemini",
        [None],
    )
    assert (second.operation, second.model) == ("other", "")
