"""Vectors, pictures, sound and old completions by OpenAI's SDK for JavaScript, over the strict simulator."""

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
