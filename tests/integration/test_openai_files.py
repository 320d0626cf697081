"""OpenAI's files on the wire: forms in any order and size, whose they are, and what goes wrong."""

import http.client
import random
from collections.abc import Iterator
from urllib.parse import urlsplit

import orjson
import pytest

from gateway.store import writer
from tests.integration.calling import MODEL, Answer, call, connected, eventually, read_answer, record_of
from tests.integration.forms import BOUNDARY, File, form
from tests.integration.running import RunningGateway
from tests.sdk.simulated import KEYS, SimulatedUpstream, small_world

ALICE, BOB, ADMIN = "sk-alice-0001", "sk-bob-0002", "sk-test-admin"
NOTES: File = ("notes.txt", b"What is a gateway?", "text/plain")
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(scope="module")
def upstream() -> Iterator[SimulatedUpstream]:
    with SimulatedUpstream(small_world()) as running:
        yield running


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: SimulatedUpstream
) -> Iterator[RunningGateway]:
    settings = {
        "API_KEYS": ",".join(KEYS),
        "ALLOWED_TOKENS": f"{ALICE},{BOB}",
        "MAX_BODY_MB": "1",
        "MAX_UPLOAD_MB": "30",
        "HTTP_FRONT": str(request.param),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "FLUSH_EVERY_S", 0.005)
        with RunningGateway(tmp_path_factory.mktemp("files"), upstream.url, settings) as running:
            yield running


def bearer(token: str = ALICE) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def upload(
    gateway: RunningGateway, *parts: tuple[str, str | File], token: str = ALICE, path: str = "/v1/files"
) -> Answer:
    body = form(*(parts or (("purpose", "user_data"), ("file", NOTES))))
    return call(gateway, path, body, headers={**bearer(token), "content-type": FORM_TYPE})


def get(gateway: RunningGateway, path: str, *, token: str = ALICE, method: str = "GET") -> Answer:
    return call(gateway, f"/v1/{path}", None, method=method, headers=bearer(token))


def ask_about(gateway: RunningGateway, file_id: str, *, token: str = ALICE) -> Answer:
    content = [{"type": "file", "file": {"file_id": file_id}}, {"type": "text", "text": "hi"}]
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    return call(gateway, "/v1/chat/completions", orjson.dumps(body), headers=bearer(token))


@pytest.mark.parametrize(
    "path", ["/v1/files", "/hf/v1/files", "/v1beta/openai/files", "/openai/v1/files", "//v1//files/"]
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_form_s_parts_may_come_in_any_order(gateway: RunningGateway, path: str, is_first: bool) -> None:
    parts: list[tuple[str, str | File]] = [("purpose", "user_data"), ("file", NOTES)]

    answer = upload(gateway, *(parts[::-1] if is_first else parts), path=path)

    assert answer.status == 200
    assert (answer.json["filename"], answer.json["bytes"]) == ("notes.txt", 18)
    record = record_of(gateway, answer.request_id)
    assert (record.dialect, record.operation, record.outcome) == ("openai", "files", "success")


def test_a_file_beyond_max_body_mb_arrives_whole(gateway: RunningGateway) -> None:
    content = random.Random(3).randbytes(20_000_000)

    made = upload(gateway, ("purpose", "user_data"), ("file", ("a.mp4", content, "video/mp4"))).json
    name = "files/" + made["id"].removeprefix("file-")
    found = call(gateway, f"/v1beta/{name}", None, method="GET", headers={"x-goog-api-key": ALICE}).json

    assert made["bytes"] == len(content)
    assert (found["sizeBytes"], found["mimeType"]) == (str(len(content)), "video/mp4")


def test_a_file_beyond_max_upload_mb_is_refused(gateway: RunningGateway) -> None:
    with connected(gateway) as connection:
        connection.putrequest("POST", "/v1/files")
        for name, value in {**bearer(), "content-type": FORM_TYPE, "content-length": "40000000"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = read_answer(connection.getresponse())

    assert answer.status == 413


def test_files_are_the_token_s_own(gateway: RunningGateway) -> None:
    file_id = upload(gateway).json["id"]

    for method in ("GET", "DELETE"):
        answer = get(gateway, f"files/{file_id}", token=BOB, method=method)
        assert (answer.status, answer.error["param"]) == (404, "id")
    assert ask_about(gateway, file_id, token=BOB).status == 400
    assert file_id not in [each["id"] for each in get(gateway, "files", token=BOB).json["data"]]
    assert ask_about(gateway, file_id).status == 200
    assert get(gateway, f"files/{file_id}", token=ADMIN).status == 200
    assert file_id in [each["id"] for each in get(gateway, "files", token=ADMIN).json["data"]]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_google_has_no_longer_is_not_found(gateway: RunningGateway, method: str) -> None:
    gateway.on_loop(lambda services: services.background.objects.remember("files/long-gone", 1))

    answer = get(gateway, "files/file-long-gone", token=ADMIN, method=method)

    assert answer.status == 404
    assert answer.error["message"] == "No such File object: file-long-gone"
    assert gateway.on_loop(lambda services: services.background.objects.known("files/long-gone")) is None


def test_batches_are_the_token_s_own(gateway: RunningGateway) -> None:
    line = {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]},
    }
    file: File = ("b.jsonl", orjson.dumps(line), "application/jsonl")
    file_id = upload(gateway, ("purpose", "batch"), ("file", file)).json["id"]
    wish = orjson.dumps({"input_file_id": file_id, "endpoint": "/v1/chat/completions"})

    assert call(gateway, "/v1/batches", wish, headers=bearer(BOB)).status == 404
    batch = call(gateway, "/v1/batches", wish, headers=bearer()).json
    done = get(gateway, f"batches/{batch['id']}").json

    assert get(gateway, f"batches/{batch['id']}", token=BOB).status == 404
    assert get(gateway, "batches", token=BOB).json["data"] == []
    assert get(gateway, f"files/{done['output_file_id']}/content", token=BOB).status == 404
    content = get(gateway, f"files/{done['output_file_id']}/content")
    assert (content.status, content.headers["content-type"]) == (200, "application/jsonl")
    assert content.json["custom_id"] == "1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"content-type": FORM_TYPE}, 401), ({**bearer(), "content-type": "text/plain"}, 400)],
)
def test_what_is_no_upload_is_refused(gateway: RunningGateway, headers: dict[str, str], status: int) -> None:
    answer = call(gateway, "/v1/files", form(("purpose", "user_data"), ("file", NOTES)), headers=headers)

    assert answer.status == status
    assert answer.error["message"]


def test_a_file_that_turns_out_bad_leaves_nothing_behind(gateway: RunningGateway) -> None:
    before = len(get(gateway, "files?limit=100").json["data"])

    answer = upload(gateway, ("file", NOTES), ("purpose", "batch"))

    assert (answer.status, answer.error["param"]) == (400, "file")
    assert len(get(gateway, "files?limit=100").json["data"]) == before
    eventually(lambda: gateway.on_loop(lambda services: services.engine.transport.running) == 0)  # type: ignore[attr-defined]


def test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind(gateway: RunningGateway) -> None:
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc)
    body = form(("purpose", "user_data"), ("file", ("a.mp4", b"x" * 100_000, "video/mp4")), end="")
    connection.putrequest("POST", "/v1/files")
    for name, value in {**bearer(), "content-type": FORM_TYPE, "content-length": "20000000"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    eventually(lambda: gateway.on_loop(lambda services: services.engine.transport.running) > 0)  # type: ignore[attr-defined]

    connection.close()

    eventually(lambda: gateway.on_loop(lambda services: services.engine.transport.running) == 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["files?limit=0", "files?limit=x", "files?after=file-no", "batches?limit=-1", "files/file-a/else"]
)
def test_bad_questions_are_told_so(gateway: RunningGateway, path: str) -> None:
    assert get(gateway, path).status in (400, 404)
