"""Google's SDK with what lives at Google: files, caches, batches, stores, operations, interactions."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from google import genai
from google.genai import errors, types

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, google_client

VIDEO_MODEL = "veo-3.1-generate-preview"
BASES = ["", "/", "/gemini", "/gemini/v1beta", "/gemini/v1beta/", "/v1beta"]


def document(text: bytes = b"What is a gateway?") -> io.BytesIO:
    return io.BytesIO(text)


def upload(client: genai.Client, text: bytes = b"What is a gateway?", **config: Any) -> types.File:
    return client.files.upload(
        file=document(text), config=types.UploadFileConfig(mime_type="text/plain", **config)
    )


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("api_version", [None, "v1beta"])
def test_files_at_every_base_address(house: RunningGateway, base: str, api_version: str | None) -> None:
    with google_client(house, base, api_version=api_version) as client:
        file = upload(client, display_name="notes")
        found = client.files.get(name=file.name or "")
        answer = client.models.generate_content(model=MODEL, contents=[file, "Summarize this."])
        listed = [each.name for each in client.files.list()]
        client.files.delete(name=file.name or "")
        with pytest.raises(errors.ClientError) as gone:
            client.files.get(name=file.name or "")

    assert (found.display_name, found.size_bytes, found.state) == ("notes", 18, types.FileState.ACTIVE)
    assert "Summarize this." in (answer.text or "")
    assert file.name in listed
    assert gone.value.code == 403


def test_a_file_of_several_pieces_from_the_disk(google_sdk: genai.Client, tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(range(256)) * 80_000)  # 20 MB: three of the SDK's pieces

    file = google_sdk.files.upload(file=path, config=types.UploadFileConfig(mime_type="video/mp4"))

    assert file.size_bytes == 20_480_000
    assert google_sdk.files.get(name=file.name or "").sha256_hash == file.sha256_hash


def test_a_base_address_given_for_one_call_is_taken_too(house: RunningGateway) -> None:
    options = types.HttpOptions(base_url=f"{house.url}/gemini")
    with google_client(house, "/gemini") as client:
        file = upload(client, http_options=options)

    assert file.name


def test_many_files_are_listed_by_pages(google_sdk: genai.Client) -> None:
    made = {upload(google_sdk, f"file {number}".encode()).name for number in range(5)}

    listed = [file.name for file in google_sdk.files.list(config={"page_size": 2})]

    assert made <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_cache_is_made_used_changed_listed_and_deleted(google_sdk: genai.Client) -> None:
    cache = google_sdk.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(contents=["A long text."], display_name="mine", ttl="300s"),
    )
    name = cache.name or ""
    answers = [
        google_sdk.models.generate_content(
            model=MODEL, contents="Hi", config=types.GenerateContentConfig(cached_content=name)
        )
        for _ in range(4)
    ]
    changed = google_sdk.caches.update(name=name, config=types.UpdateCachedContentConfig(ttl="600s"))
    listed = [each.name for each in google_sdk.caches.list()]
    google_sdk.caches.delete(name=name)

    assert all(answer.text for answer in answers)
    assert (changed.name, changed.display_name) == (name, "mine")
    assert name in listed
    with pytest.raises(errors.ClientError) as gone:
        google_sdk.caches.get(name=name)
    assert (gone.value.code, gone.value.status) == (403, "PERMISSION_DENIED")


def test_a_batch_of_requests(google_sdk: genai.Client) -> None:
    asked = types.InlinedRequest(contents=[types.Content(role="user", parts=[types.Part(text="Hi there")])])
    job = google_sdk.batches.create(model=MODEL, src=[asked, asked])
    done = google_sdk.batches.get(name=job.name or "")
    listed = [each.name for each in google_sdk.batches.list()]

    assert done.state is types.JobState.JOB_STATE_SUCCEEDED
    assert done.dest
    assert len(done.dest.inlined_responses or []) == 2
    assert job.name in listed
    google_sdk.batches.cancel(name=job.name or "")
    google_sdk.batches.delete(name=job.name or "")


def test_a_batch_from_a_file_to_a_file(google_sdk: genai.Client) -> None:
    line = b'{"key": "k-1", "request": {"contents": [{"parts": [{"text": "Hi there"}]}]}}\n'
    file = google_sdk.files.upload(
        file=document(line * 3), config=types.UploadFileConfig(mime_type="application/jsonl")
    )
    job = google_sdk.batches.create(model=MODEL, src=file.name or "")
    done = google_sdk.batches.get(name=job.name or "")
    assert done.dest
    results = google_sdk.files.download(file=done.dest.file_name or "")

    assert results.count(b'"key":"k-1"') == 3
    assert b"Hi there" in results


def test_a_store_takes_files_and_answers(google_sdk: genai.Client) -> None:
    store = google_sdk.file_search_stores.create(config={"display_name": "mine"})
    name = store.name or ""
    operation = google_sdk.file_search_stores.upload_to_file_search_store(
        file_search_store_name=name,
        file=document(),
        config=types.UploadToFileSearchStoreConfig(mime_type="text/plain"),
    )
    imported = [_is_imported(google_sdk, name, upload(google_sdk).name or "") for _ in range(4)]
    done = google_sdk.operations.get(operation)
    documents = list(google_sdk.file_search_stores.documents.list(parent=name))
    stores = [each.name for each in google_sdk.file_search_stores.list()]

    assert done.done
    assert any(imported)  # the files of the store's own project
    assert len(documents) == 1 + imported.count(True)
    assert name in stores
    google_sdk.file_search_stores.delete(name=name)


def _is_imported(client: genai.Client, store: str, file: str) -> bool:
    try:
        client.file_search_stores.import_file(file_search_store_name=store, file_name=file)
    except errors.ClientError as error:
        if error.code == 400 and "two different Google projects" in (error.message or ""):
            return False
        raise
    return True


def test_a_video_is_waited_for_and_fetched(house: RunningGateway) -> None:
    """google-genai 3 refuses Veo for keys, older ones call it; the operation is the same."""
    with google_client(house) as client:
        started = client._api_client.request(
            "post", f"models/{VIDEO_MODEL}:predictLongRunning", {"instances": [{"prompt": "a gateway"}]}
        )
        operation = types.GenerateVideosOperation.model_validate(orjson.loads(started.body or ""))
        done = client.operations.get(operation)
        assert done.result
        video = (done.result.generated_videos or [])[0].video
        assert video is not None
        content = client.files.download(file=video)

    assert done.done
    assert b"a gateway" in content


@pytest.mark.filterwarnings("ignore::google.genai._common.ExperimentalWarning")
def test_ephemeral_tokens(house: RunningGateway) -> None:
    with google_client(house, "/gemini", api_version="v1alpha") as client:
        token = client.auth_tokens.create(config={"uses": 1})

    assert (token.name or "").startswith("auth_tokens/")


# Interactions.


def interact(client: genai.Client, text: str = "Hi there", **more: Any) -> Any:
    """An interaction, or its stream: the SDK's types tell no difference."""
    return client.interactions.create(**{"model": MODEL, "input": text, **more})


def test_an_interaction_and_the_next_one(google_sdk: genai.Client) -> None:
    first = interact(google_sdk)
    rounds = [interact(google_sdk, "And now?", previous_interaction_id=first.id) for _ in range(4)]
    found = google_sdk.interactions.get(id=first.id)
    google_sdk.interactions.delete(id=first.id)

    assert "Hi there" in str(first.steps)
    assert all("And now?" in str(each.steps) for each in rounds)
    assert found.id == first.id


def test_an_interaction_streams(google_sdk: genai.Client) -> None:
    events = list(interact(google_sdk, stream=True))
    kinds = [event.event_type for event in events]
    text = "".join(
        event.delta.text
        for event in events
        if event.event_type == "step.delta" and event.delta.type == "text"
    )

    assert kinds[0] == "interaction.created"
    assert kinds[-1] == "interaction.completed"
    assert "Hi there" in text
    assert google_sdk.interactions.get(id=events[0].interaction.id).status == "completed"


def test_an_interaction_with_nobody_is_its_own_error(google_sdk: genai.Client) -> None:
    with pytest.raises(Exception, match=NO_MODEL) as caught:
        interact(google_sdk, model=NO_MODEL)

    assert getattr(caught.value, "status_code", None) == 404


def test_an_interaction_with_a_wrong_token_is_its_own_error(house: RunningGateway) -> None:
    options = types.HttpOptions(base_url=f"{house.url}/gemini")
    with (
        genai.Client(api_key="sk-wrong", http_options=options) as client,
        pytest.raises(Exception, match="access token") as caught,
    ):
        interact(client)

    assert getattr(caught.value, "status_code", None) == 401


# The async client.


async def test_the_async_client_does_it_too(house: RunningGateway) -> None:
    async with google_client(house).aio as client:
        file = await client.files.upload(
            file=document(), config=types.UploadFileConfig(mime_type="text/plain")
        )
        answer = await client.models.generate_content(model=MODEL, contents=[file, "Summarize this."])
        listed = [each.name async for each in await client.files.list()]
        await client.files.delete(name=file.name or "")
        first: Any = await client.interactions.create(model=MODEL, input="Hi there")
        stream: Any = await client.interactions.create(model=MODEL, input="More", stream=True)
        kinds = [event.event_type async for event in stream]

    assert answer.text
    assert file.name in listed
    assert first.id
    assert kinds[-1] == "interaction.completed"


@pytest.fixture
def vertex_sdk(house: RunningGateway) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{house.url}/vertex-express")
    with genai.Client(vertexai=True, api_key="sk-test-token", http_options=options) as client:
        yield client


def test_vertex_express(vertex_sdk: genai.Client) -> None:
    answer = vertex_sdk.models.generate_content(model=MODEL, contents="Hi there")
    pieces = [
        chunk.text or ""
        for chunk in vertex_sdk.models.generate_content_stream(model=MODEL, contents="Hi there")
    ]

    assert "Hi there" in (answer.text or "")
    assert "".join(pieces) == answer.text
