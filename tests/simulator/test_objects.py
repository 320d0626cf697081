"""What lives in a project of the simulated Gemini: made, used, listed and removed by its own key only."""

from typing import Any

import orjson
import pytest

from gateway.simulator.world import Project, SimulatedKey, world_of
from tests.simulator.asking import KEY, Asker, text_of, user

OTHER = "AQ.demo-test-2-not-a-real-key"
MODEL = "gemini-3.5-flash"
START = (
    ("host", "127.0.0.1:9"),
    ("x-goog-upload-protocol", "resumable"),
    ("x-goog-upload-command", "start"),
    ("x-goog-upload-header-content-type", "text/plain"),
)


@pytest.fixture
def asker() -> Asker:
    return Asker(world_of([SimulatedKey(KEY, Project("1")), SimulatedKey(OTHER, Project("2"))]))


def begin(asker: Asker) -> str:
    """Open an upload session and give its path."""
    answer = asker.send("/upload/v1beta/files", {"file": {"display_name": "notes"}}, headers=START)
    headers = dict(answer.headers)
    assert headers["X-Goog-Upload-Status"] == "active"
    return headers["X-Goog-Upload-URL"].removeprefix("http://127.0.0.1:9")


def put(asker: Asker, path: str, command: str, offset: int, content: bytes) -> Any:
    headers = (("x-goog-upload-command", command), ("x-goog-upload-offset", str(offset)))
    return asker.send(path, content, key=None, headers=headers)


def upload(asker: Asker, content: bytes = b"hello") -> dict[str, Any]:
    file: dict[str, Any] = orjson.loads(put(asker, begin(asker), "upload, finalize", 0, content).pieces[0])[
        "file"
    ]
    return file


def test_a_file_arrives_in_pieces_without_a_key(asker: Asker) -> None:
    path = begin(asker)

    assert dict(put(asker, path, "upload", 0, b"hel").headers)["X-Goog-Upload-Status"] == "active"
    assert dict(put(asker, path, "query", 0, b"").headers)["X-Goog-Upload-Size-Received"] == "3"
    assert put(asker, path, "upload", 0, b"again").status == 400
    last = put(asker, path, "upload, finalize", 3, b"lo")

    file = orjson.loads(last.pieces[0])["file"]
    assert dict(last.headers)["X-Goog-Upload-Status"] == "final"
    assert (file["displayName"], file["mimeType"], file["sizeBytes"]) == ("notes", "text/plain", "5")
    assert dict(put(asker, path, "query", 0, b"").headers)["X-Goog-Upload-Status"] == "final"
    assert put(asker, path, "upload, finalize", 5, b"").status == 400


def test_a_file_arrives_in_one_multipart_body(asker: Asker) -> None:
    body = (
        b'--b\r\nContent-Type: application/json\r\n\r\n{"file":{"displayName":"d"}}\r\n'
        b"--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n--b--\r\n"
    )
    headers = (("x-goog-upload-protocol", "multipart"), ("content-type", "multipart/related; boundary=b"))

    status, made = asker.ask("/upload/v1beta/files", body, headers=headers)

    assert status == 200
    assert (made["file"]["mimeType"], made["file"]["sizeBytes"]) == ("image/png", "6")


def test_a_file_is_used_by_the_key_of_its_project_only(asker: Asker) -> None:
    file = upload(asker)
    prompt = {"contents": [{"parts": [{"fileData": {"file_uri": file["uri"]}}, {"text": "What is in it?"}]}]}

    assert "What is in it?" in text_of(asker.generate(prompt))
    assert asker.generate(prompt, key=OTHER).startswith("403 You do not have permission to access the File")
    assert asker.ask(f"/v1beta/{file['name']}", key=OTHER)[0] == 403
    assert asker.ask("/v1beta/files")[1]["files"] == [file]
    assert asker.ask("/v1beta/files", key=OTHER)[1] == {}
    assert asker.ask(f"/v1beta/{file['name']}:download?alt=media")[0] == 400


def test_a_removed_file_is_gone(asker: Asker) -> None:
    file = upload(asker)

    assert asker.ask(f"/v1beta/{file['name']}", method="DELETE") == (200, {})
    assert asker.ask(f"/v1beta/{file['name']}")[0] == 403


def test_a_cache_serves_its_own_model_and_project(asker: Asker) -> None:
    made = asker.ask(
        "/v1beta/cachedContents", {"model": f"models/{MODEL}", "contents": [user("long")], "ttl": "60s"}
    )[1]
    prompt = {"contents": [user("hi")], "cachedContent": made["name"]}
    later = asker.ask(f"/v1beta/{made['name']}?updateMask=ttl", {"ttl": "7200s"}, method="PATCH")[1]

    assert made["usageMetadata"]["totalTokenCount"] > 0
    assert later["expireTime"] > made["expireTime"]
    assert "candidates" in asker.generate(prompt)
    assert asker.generate(prompt, key=OTHER).startswith("403 CachedContent not found")
    assert asker.generate(prompt, model="gemini-3.8-flash").startswith("400 Model used by")
    assert asker.generate({**prompt, "tools": [{"googleSearch": {}}]}).startswith("400 CachedContent can not")


def test_a_batch_is_done_when_it_is_looked_at(asker: Asker) -> None:
    requests = [{"request": {"contents": [user("one")]}, "metadata": {"key": "1"}}, {"request": {}}]
    made = asker.ask(
        f"/v1beta/models/{MODEL}:batchGenerateContent",
        {"batch": {"display_name": "b", "input_config": {"requests": {"requests": requests}}}},
    )[1]
    done = asker.ask(f"/v1beta/{made['name']}")[1]

    assert made["metadata"]["displayName"] == "b"
    first, second = done["response"]["inlinedResponses"]["inlinedResponses"]
    assert done["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"
    assert first["metadata"] == {"key": "1"}
    assert "one" in text_of(first["response"])
    assert second["error"]["code"] == 400
    assert [each["name"] for each in asker.ask("/v1beta/batches")[1]["operations"]] == [made["name"]]
    assert asker.ask(f"/v1beta/{made['name']}", key=OTHER)[0] == 404


def test_a_batch_of_a_file_answers_with_a_file(asker: Asker) -> None:
    line = orjson.dumps({"key": "a", "request": {"contents": [user("one")]}}) + b"\n"
    file = upload(asker, line)
    made = asker.ask(
        f"/v1beta/models/{MODEL}:batchGenerateContent", {"batch": {"inputConfig": {"fileName": file["name"]}}}
    )[1]
    output = asker.ask(f"/v1beta/{made['name']}")[1]["response"]["responsesFile"]

    answer = asker.send(f"/download/v1beta/{output}:download?alt=media")
    assert orjson.loads(answer.pieces[0])["key"] == "a"


def test_a_batch_is_cancelled(asker: Asker) -> None:
    requests = {"requests": [{"request": {"contents": [user("one")]}}]}
    batch = {"batch": {"inputConfig": {"requests": requests}}}
    name = asker.ask(f"/v1beta/models/{MODEL}:batchGenerateContent", batch)[1]["name"]

    assert asker.ask(f"/v1beta/{name}:cancel", {}) == (200, {})
    assert asker.ask(f"/v1beta/{name}")[1]["metadata"]["state"] == "BATCH_STATE_CANCELLED"


def test_a_document_goes_into_its_store(asker: Asker) -> None:
    store = asker.ask("/v1beta/fileSearchStores", {"displayName": "s"})[1]["name"]
    answer = asker.send(f"/upload/v1beta/{store}:uploadToFileSearchStore", {}, headers=START)
    path = dict(answer.headers)["X-Goog-Upload-URL"].removeprefix("http://127.0.0.1:9")
    operation = orjson.loads(put(asker, path, "upload, finalize", 0, b"hello").pieces[0])

    assert operation["response"]["parent"] == store
    assert asker.ask(f"/v1beta/{operation['name']}")[1]["done"]
    listed = asker.ask(f"/v1beta/{store}/documents")[1]["documents"]
    assert [each["name"] for each in listed] == [operation["response"]["documentName"]]
    assert asker.ask(f"/v1beta/{store}/documents", key=OTHER)[0] == 404


def test_a_file_is_imported_into_a_store_of_its_project(asker: Asker) -> None:
    file = upload(asker)
    store = asker.ask("/v1beta/fileSearchStores", {})[1]["name"]

    operation = asker.ask(f"/v1beta/{store}:importFile", {"fileName": file["name"]})[1]

    assert asker.ask(f"/v1beta/{operation['response']['documentName']}")[1]["sizeBytes"] == "5"
    assert asker.ask(f"/v1beta/{store}:importFile", {"fileName": file["name"]}, key=OTHER)[0] == 404


def test_a_video_is_begun_looked_at_and_fetched(asker: Asker) -> None:
    wish = {"instances": [{"prompt": "a gateway"}]}
    begun = asker.ask("/v1beta/models/veo-3.1-generate-preview:predictLongRunning", wish)[1]
    done = asker.ask(f"/v1beta/{begun['name']}")[1]
    uri = done["response"]["generateVideoResponse"]["generatedSamples"][0]["video"]["uri"]
    path = uri.removeprefix("https://generativelanguage.googleapis.com")

    assert "done" not in begun
    assert b"a gateway" in asker.send(path).pieces[0]
    assert asker.ask(f"/v1beta/{begun['name']}", key=OTHER)[0] == 404
    assert asker.send(path, key=OTHER).status == 403


def test_vertex_is_asked_behind_a_publisher(asker: Asker) -> None:
    status, reply = asker.ask(
        f"/v1beta1/publishers/google/models/{MODEL}:generateContent", {"contents": [user("Hi there")]}
    )

    assert status == 200
    assert "Hi there" in text_of(reply)


def test_an_interaction_goes_on_in_its_project_only(asker: Asker) -> None:
    made = asker.ask("/v1beta/interactions", {"model": MODEL, "input": "hi"})[1]
    next_one = {
        "model": MODEL,
        "input": [{"type": "text", "text": "more"}],
        "previous_interaction_id": made["id"],
    }

    assert "hi" in made["steps"][0]["content"][0]["text"]
    assert made["usage"]["total_tokens"] > 0
    assert asker.ask("/v1beta/interactions", next_one)[0] == 200
    status, refused = asker.ask("/v1beta/interactions", next_one, key=OTHER)
    assert (status, refused["error"]["code"]) == (404, "not_found")
    assert asker.ask("/v1beta/interactions", {"model": MODEL})[1]["error"]["code"] == "invalid_request"
    assert asker.ask("/v1beta/interactions", {"modell": MODEL})[1]["error"]["code"] == "parameter_unknown"
    assert asker.ask(f"/v1beta/interactions/{made['id']}")[1] == made
    assert asker.ask(f"/v1beta/interactions/{made['id']}/cancel", {})[1]["status"] == "cancelled"


def test_an_interaction_streams_named_events(asker: Asker) -> None:
    answer = asker.send("/v1beta/interactions", {"model": MODEL, "input": "hi", "stream": True})
    names = [piece.split(b"\n")[0] for piece in answer.pieces]

    assert names[0] == b"event: interaction.created"
    assert names[-2:] == [b"event: interaction.completed", b"event: done"]
    assert b"".join(answer.pieces).count(b"event: step.delta") > 1


def test_a_token_for_live_sessions_is_made(asker: Asker) -> None:
    assert asker.ask("/v1alpha/auth_tokens", {"uses": 1})[1]["name"].startswith("auth_tokens/")
