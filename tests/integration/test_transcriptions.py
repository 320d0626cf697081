"""Recordings through a whole gateway: forms of every kind, subtitles only where the model told times."""

import base64

import orjson
import pytest

from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, record_of
from tests.integration.conftest import StartGateway
from tests.integration.forms import File, form, send_form
from tests.integration.running import RunningGateway

MODEL = "gemini-3.5-flash"
MP3 = b"ID3" + bytes(50)
TIMED = orjson.dumps({"language": "english", "segments": [{"start": 0, "end": 1.5, "text": "Hello."}]})


def listen(
    gateway: RunningGateway, *fields: tuple[str, str], file: File = ("a.mp3", MP3, "audio/mpeg"), to: str = ""
) -> Answer:
    path = to or "/v1/audio/transcriptions"
    return send_form(gateway, path, form(*fields, ("file", file)))


def test_a_recording_goes_to_the_default_model(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.text("Hello there."))

    answer = listen(gateway, ("model", "whisper-1"), ("temperature", "0.2"))

    assert answer.json["text"] == "Hello there."
    (seen,) = fake_upstream.requests
    assert seen.model == MODEL
    assert seen.json["generationConfig"] == {"temperature": 0.2}
    inline = seen.json["contents"][0]["parts"][0]["inlineData"]
    assert inline == {"mimeType": "audio/mpeg", "data": base64.b64encode(MP3).decode()}
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.model, record.total_tokens) == ("transcription", MODEL, 13)


@pytest.mark.parametrize(
    ("response_format", "media_type", "body"),
    [
        ("text", "text/plain; charset=utf-8", b"Hello.\n"),
        ("srt", "text/plain; charset=utf-8", b"1\n00:00:00,000 --> 00:00:01,500\nHello.\n"),
        ("vtt", "text/vtt; charset=utf-8", b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n"),
    ],
)
def test_every_form_has_its_type(
    gateway: RunningGateway, fake_upstream: FakeUpstream, response_format: str, media_type: str, body: bytes
) -> None:
    fake_upstream.reply(gemini_replies.text("Hello." if response_format == "text" else TIMED.decode()))

    answer = listen(gateway, ("response_format", response_format))

    assert (answer.headers["content-type"], answer.body) == (media_type, body)


def test_subtitles_without_times_are_not_made_up(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.text("Hello."))

    answer = listen(gateway, ("response_format", "srt"))

    assert answer.status == 502
    assert "told no times" in answer.error["message"]


def test_translations_are_asked_for_in_english(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.text("Hello."))

    answer = listen(gateway, ("model", MODEL), to="/v1/audio/translations")

    assert answer.json["text"] == "Hello."
    assert "into English" in fake_upstream.requests[0].json["contents"][0]["parts"][1]["text"]


@pytest.mark.parametrize(
    ("file", "sent"),
    [
        (("a", b"RIFF1234WAVEfmt ", "application/octet-stream"), "audio/wav"),
        (("a.wav", b"whatever", "audio/x-wav"), "audio/wav"),
        (("a.m4a", b"\0\0\0 ftypM4A \0\0\0\0", ""), "audio/m4a"),
        (("a.webm", b"whatever", "audio/webm;codecs=opus"), "audio/webm"),
        (("a.mp4", b"\0\0\0 ftypisom\0\0\0\0", "video/mp4"), "video/mp4"),
    ],
)
def test_the_type_is_told_by_the_client_or_by_the_bytes(
    gateway: RunningGateway, fake_upstream: FakeUpstream, file: File, sent: str
) -> None:
    assert listen(gateway, file=file).status == 200

    part = fake_upstream.requests[0].json["contents"][0]["parts"][0]
    assert part["inlineData"]["mimeType"] == sent


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("a.png", b"\x89PNG\r\n\x1a\n", "image/png"), "no recording"),
        (("a.mp3", b"", "audio/mpeg"), "empty"),
        (("a", b"hello, who is this", "application/octet-stream"), "cannot be told"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(
    gateway: RunningGateway, fake_upstream: FakeUpstream, file: File, words: str
) -> None:
    answer = listen(gateway, file=file)

    assert (answer.status, answer.error["param"]) == (400, "file")
    assert words in answer.error["message"]
    assert fake_upstream.requests == []


def test_without_a_file_there_is_nothing_to_hear(gateway: RunningGateway) -> None:
    answers = [
        send_form(gateway, "/v1/audio/transcriptions", form(("model", MODEL))),
        call(gateway, "/v1/audio/transcriptions", orjson.dumps({"model": MODEL})),
    ]

    assert [(answer.status, answer.error["param"]) for answer in answers] == [(400, "file")] * 2


def test_a_transcript_is_streamed(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)
    fake_upstream.stream(gemini_replies.text_events("Hello", " there."))

    answer = listen(gateway, ("stream", "true"))

    events = [orjson.loads(event) for event in answer.events]
    assert [event.get("delta") for event in events] == ["Hello", " there.", None]
    assert events[-1]["text"] == "Hello there."
    assert answer.attempts == 2


def test_the_operators_model_listens(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(TRANSCRIPTION_MODEL="gemini-9-ears")

    listen(gateway, ("model", "gpt-4o-transcribe"))

    assert fake_upstream.requests[0].model == "gemini-9-ears"
