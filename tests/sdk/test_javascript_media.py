"""Vectors, pictures, sound, files and batches by OpenAI's SDK for JavaScript, over the strict simulator."""

import pytest

from gateway.programs.ffmpeg import find_ffmpeg
from tests.integration.running import RunningGateway
from tests.sdk.flows import Flows, run_javascript


@pytest.fixture(scope="module")
def media(house: RunningGateway) -> Flows:
    return run_javascript("openai_media", house.url)


def test_vectors_come_packed_plain_and_short(media: Flows) -> None:
    vectors = media["vectors"]

    assert vectors["lengths"] == [3072, 256, 256]
    assert vectors["norm"] == pytest.approx(1, abs=1e-5)
    assert vectors["furthest"] < 1e-6
    assert vectors["usage"]["total_tokens"] > 0


def test_pictures_are_painted_and_changed(media: Flows) -> None:
    assert media["painted"] == {"pngs": [True, True], "url": "data:image/png;base64,"}
    assert media["edited"] == [True, True, True]
    assert "![image](data:image/png;base64," in media["paintedInChat"]


@pytest.mark.skipif(find_ffmpeg() is None, reason="this machine has no ffmpeg")
def test_speech_comes_in_every_format(media: Flows) -> None:
    assert {form: found["type"] for form, found in media["speech"].items()} == {
        "wav": "audio/wav",
        "pcm": "audio/pcm",
        "mp3": "audio/mpeg",
        "opus": "audio/ogg",
        "aac": "audio/aac",
        "flac": "audio/flac",
    }
    assert all(found["bytes"] > 500 for found in media["speech"].values())


def test_a_recording_is_written_down(media: Flows) -> None:
    assert "Transcribe the recording" in media["transcription"]["heard"]
    assert "Transcribe the recording" in media["transcription"]["text"]


def test_the_old_completions_answer_and_stream(media: Flows) -> None:
    completion = media["completion"]

    assert completion["object"] == "text_completion"
    assert completion["streamed"] == completion["text"] != ""


def test_a_file_is_uploaded_used_listed_and_deleted(media: Flows) -> None:
    file = media["file"]

    assert all("What is in this file?" in answer for answer in file["answers"])
    assert (file["name"], file["bytes"]) == ("notes.txt", 5)
    assert file["isListed"]
    assert file["deleted"]
    assert file["afterwards"]["name"] == "NotFoundError"


def test_a_batch_goes_from_its_lines_to_its_results(media: Flows) -> None:
    batch = media["batch"]

    assert (batch["begun"], batch["status"]) == ("validating", "completed")
    assert batch["counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert batch["isListed"]
    assert [custom_id for custom_id, _ in batch["answers"]] == ["one", "two"]
    assert all(custom_id in text for custom_id, text in batch["answers"])


@pytest.mark.parametrize(
    ("case", "kind", "status", "words"),
    [
        ("tokenIds", "BadRequestError", 400, "token ids"),
        ("moderation", "NotFoundError", 404, "Gemini has no method"),
        ("voice", "BadRequestError", 400, "response_format"),
    ],
)
def test_what_gemini_cannot_do_is_told(media: Flows, case: str, kind: str, status: int, words: str) -> None:
    error = media["errors"][case]

    assert (error["name"], error["status"]) == (kind, status)
    assert words in error["message"]
