"""OpenAI's client with files and batches: they are Gemini's, and look like OpenAI's."""

import io
from collections.abc import Sequence
from typing import Any, Literal

import openai
import orjson
import pytest
from google import genai

from tests.sdk.clients import MODEL, NO_MODEL

TEXT = b"What is a gateway?"
PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"


def line(custom_id: str, text: str = "Hi there", *, model: str = MODEL, **more: Any) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return orjson.dumps({"custom_id": custom_id, "method": "POST", "url": PATH, "body": body}) + b"\n"


def upload(
    client: openai.OpenAI, content: bytes = TEXT, *, name: str = "notes.txt", purpose: Any = "user_data"
) -> Any:
    return client.files.create(file=(name, io.BytesIO(content)), purpose=purpose)


def ask_about(client: openai.OpenAI, *ids: str) -> str:
    content: list[Any] = [{"type": "file", "file": {"file_id": each}} for each in ids]
    content.append({"type": "text", "text": "Summarize this."})
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    return answer.choices[0].message.content or ""


def make_batch(client: openai.OpenAI, lines: Sequence[bytes], **more: Any) -> Any:
    file = upload(client, b"".join(lines), name="batch.jsonl", purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=PATH, completion_window="24h", **more)


def lines_of(client: openai.OpenAI, file_id: str) -> list[Any]:
    return [orjson.loads(each) for each in client.files.content(file_id).content.splitlines()]


def test_a_file_is_uploaded_shown_used_and_deleted(openai_sdk: openai.OpenAI) -> None:
    file = upload(openai_sdk)
    found = openai_sdk.files.retrieve(file.id)
    answers = [ask_about(openai_sdk, file.id) for _ in range(4)]
    deleted = openai_sdk.files.delete(file.id)

    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.purpose, file.status) == (
        "notes.txt",
        len(TEXT),
        "user_data",
        "processed",
    )
    assert file.expires_at is not None
    assert file.expires_at > file.created_at
    assert found == file
    assert all("Summarize this." in answer for answer in answers)
    assert (deleted.id, deleted.deleted) == (file.id, True)
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        openai_sdk.files.retrieve(file.id)


def test_many_files_are_listed_by_pages(openai_sdk: openai.OpenAI) -> None:
    made = [upload(openai_sdk, purpose="vision").id for _ in range(5)]

    listed = [file.id for file in openai_sdk.files.list(limit=2, purpose="vision")]
    oldest = [file.id for file in openai_sdk.files.list(limit=2, purpose="vision", order="asc")]

    assert [each for each in oldest if each in made] == made
    assert oldest == listed[::-1]
    assert made[0] not in {file.id for file in openai_sdk.files.list(purpose="assistants")}


def test_a_file_that_came_in_by_google_s_dialect_is_seen_too(
    openai_sdk: openai.OpenAI, google_sdk: genai.Client
) -> None:
    theirs = google_sdk.files.upload(
        file=io.BytesIO(TEXT), config={"mime_type": "text/plain", "display_name": "theirs"}
    )
    file_id = f"file-{(theirs.name or '').removeprefix('files/')}"

    assert openai_sdk.files.retrieve(file_id).filename == "theirs"
    assert file_id in {file.id for file in openai_sdk.files.list()}
    assert "Summarize this." in ask_about(openai_sdk, file_id)


def test_uploaded_bytes_cannot_be_had_back_and_it_says_why(openai_sdk: openai.OpenAI) -> None:
    file = upload(openai_sdk)

    with pytest.raises(openai.BadRequestError, match="Google gives back only files that it has made itself"):
        openai_sdk.files.content(file.id)


def test_files_of_two_projects_cannot_be_used_together(openai_sdk: openai.OpenAI) -> None:
    files = [upload(openai_sdk).id for _ in range(4)]

    with pytest.raises(openai.BadRequestError, match="two different Google projects"):
        ask_about(openai_sdk, *files)


@pytest.mark.parametrize("file_id", ["file-nowhere", "file-a/b", "nonsense"])
def test_an_unknown_file_is_not_found(openai_sdk: openai.OpenAI, file_id: str) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_sdk.files.retrieve(file_id)
    with pytest.raises(openai.BadRequestError, match="there is no such file"):
        ask_about(openai_sdk, file_id)


def test_a_batch_from_its_lines_to_its_results(openai_sdk: openai.OpenAI) -> None:
    lines = [line("one"), line("two", "And you?", temperature=0.5), line("bad", n=3)]
    batch = make_batch(openai_sdk, lines, metadata={"title": "nightly"})
    done = openai_sdk.batches.retrieve(batch.id)
    answers = lines_of(openai_sdk, done.output_file_id or "")
    errors = lines_of(openai_sdk, done.error_file_id or "")

    assert batch.id.startswith("batch_")
    assert (batch.status, batch.endpoint, batch.metadata) == ("validating", PATH, {"title": "nightly"})
    assert (done.status, done.model) == ("completed", MODEL)
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.failed) == (3, 1)
    assert [each["custom_id"] for each in answers] == ["one", "two"]
    assert answers[0]["response"]["status_code"] == 200
    assert "Hi there" in answers[0]["response"]["body"]["choices"][0]["message"]["content"]
    assert answers[0]["response"]["body"]["usage"]["total_tokens"] > 0
    assert [each["custom_id"] for each in errors] == ["bad"]
    assert errors[0]["response"]["status_code"] == 400
    assert errors[0]["response"]["body"]["error"]["type"] == "invalid_request_error"
    output = openai_sdk.files.retrieve(done.output_file_id or "")
    assert (output.purpose, output.filename) == ("batch_output", f"{batch.id}_output.jsonl")


def test_batches_are_listed_by_pages(openai_sdk: openai.OpenAI) -> None:
    made = [make_batch(openai_sdk, [line("one")]).id for _ in range(3)]

    listed = [batch.id for batch in openai_sdk.batches.list(limit=2)]

    assert listed[:3] == made[::-1]


def test_a_batch_is_cancelled(openai_sdk: openai.OpenAI) -> None:
    batch = make_batch(openai_sdk, [line("one")])

    assert openai_sdk.batches.cancel(batch.id).status == "cancelled"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([line("one"), b"not json\n"], "Line 2 of the batch file: it is not valid JSON"),
        ([line("one"), line("one")], "Line 2 .*stands twice"),
        ([line("one"), line("two", model="gemini-3.8-flash")], "Line 2 .*a batch asks one model"),
        ([line("one", n="many")], "Line 1 .*'n'"),
        ([line("one", messages=None)], "Line 1 .*messages"),
        ([line("one").replace(b"chat/completions", b"embeddings")], "the url must be /v1/chat/completions"),
        ([line("one", tools=[{"type": "custom", "custom": {"name": "run"}}])], "In a batch, tools must"),
        ([b"\n\n"], "holds no requests"),
    ],
)
def test_a_bad_batch_file_is_refused_at_its_line(
    openai_sdk: openai.OpenAI, lines: Sequence[bytes], why: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=why):
        upload(openai_sdk, b"".join(lines), name="batch.jsonl", purpose="batch")


def test_a_batch_of_nothing_or_of_something_else_is_refused(openai_sdk: openai.OpenAI) -> None:
    notes = upload(openai_sdk)

    with pytest.raises(openai.BadRequestError, match="not uploaded with the purpose batch"):
        openai_sdk.batches.create(input_file_id=notes.id, endpoint=PATH, completion_window="24h")
    with pytest.raises(openai.BadRequestError, match="the endpoint must be"):
        openai_sdk.batches.create(input_file_id=notes.id, endpoint="/v1/embeddings", completion_window="24h")
    with pytest.raises(openai.NotFoundError, match="No such File"):
        openai_sdk.batches.create(input_file_id="file-no", endpoint=PATH, completion_window="24h")
    with pytest.raises(openai.NotFoundError, match="No batch found"):
        openai_sdk.batches.retrieve("batch_no")


def test_a_batch_for_nobody_is_google_s_error(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        make_batch(openai_sdk, [line("one", model=NO_MODEL)])


def test_a_wrong_purpose_is_refused(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="purpose"):
        upload(openai_sdk, purpose="nonsense")
    with pytest.raises(openai.BadRequestError, match="empty"):
        upload(openai_sdk, b"")


def test_a_cache_is_used_by_its_own_key(openai_sdk: openai.OpenAI, google_sdk: genai.Client) -> None:
    cache = google_sdk.caches.create(model=MODEL, config={"contents": ["A long text."], "ttl": "300s"})
    answers = [
        openai_sdk.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hi there"}],
            extra_body={"google": {"cached_content": cache.name}},
        )
        for _ in range(4)
    ]

    assert all("Hi there" in (answer.choices[0].message.content or "") for answer in answers)
