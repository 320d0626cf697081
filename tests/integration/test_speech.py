"""Speech through a whole gateway: raw sound as it comes, WAV, converted formats, and streams that break."""

import base64
import io
import wave
from typing import Any

import orjson
import pytest

from gateway.programs.ffmpeg import find_ffmpeg
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, record_of
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

MODEL = "gemini-2.5-flash-preview-tts"
PCM = bytes(range(256)) * 20
needs_ffmpeg = pytest.mark.skipif(find_ffmpeg() is None, reason="this machine has no ffmpeg")


def sound(pcm: bytes = PCM, *, rate: int = 24000, finish: str | None = "STOP") -> dict[str, Any]:
    inline = {"mimeType": f"audio/L16;codec=pcm;rate={rate}", "data": base64.b64encode(pcm).decode()}
    return gemini_replies.response([{"inlineData": inline}], finish=finish, model=MODEL)


def speak(gateway: RunningGateway, **fields: Any) -> Answer:
    body = {"model": "tts-1", "input": "Hello.", "voice": "alloy", **fields}
    return call(gateway, "/v1/audio/speech", orjson.dumps(body))


def without_ffmpeg(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gateway.services is not None
    monkeypatch.setattr(gateway.services.ffmpeg, "_path", None)


def test_wav_has_the_rate_the_model_told(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(sound(rate=16000))

    answer = speak(gateway, response_format="wav")

    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.body)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (16000, 1, 2)
        assert read.readframes(read.getnframes()) == PCM
    record = record_of(gateway, answer.request_id)
    assert (record.operation, record.model, record.total_tokens) == ("speech", MODEL, 13)


def test_raw_sound_is_passed_on_as_it_comes(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([sound(PCM[:100], finish=None), sound(PCM[100:])])

    answer = speak(gateway, response_format="pcm")

    assert answer.headers["content-type"] == "audio/pcm"
    assert answer.body == PCM
    assert fake_upstream.requests[0].verb == "streamGenerateContent"


def test_raw_sound_comes_in_events_too(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([sound(PCM[:100], finish=None), sound(PCM[100:])])

    answer = speak(gateway, response_format="pcm", stream_format="sse")

    assert answer.headers["content-type"] == "text/event-stream"
    events = [orjson.loads(event) for event in answer.events]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == PCM
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["total_tokens"] == 13


@needs_ffmpeg
@pytest.mark.parametrize(
    ("encoding", "media_type", "magic"),
    [
        ("mp3", "audio/mpeg", b"ID3"),
        ("opus", "audio/ogg", b"OggS"),
        ("aac", "audio/aac", b"\xff\xf1"),
        ("flac", "audio/flac", b"fLaC"),
    ],
)
def test_other_formats_are_made_by_ffmpeg(
    gateway: RunningGateway, fake_upstream: FakeUpstream, encoding: str, media_type: str, magic: bytes
) -> None:
    fake_upstream.reply(sound())

    answer = speak(gateway, response_format=encoding)
    events = speak(gateway, response_format=encoding, stream_format="sse").events

    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert answer.body.startswith(magic)
    assert base64.b64decode(orjson.loads(events[0])["audio"]).startswith(magic)


@needs_ffmpeg
def test_without_a_wish_it_is_mp3(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(sound())

    assert speak(gateway).headers["content-type"] == "audio/mpeg"


def test_without_ffmpeg_a_wish_is_refused_and_no_wish_is_wav(
    gateway: RunningGateway, fake_upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ffmpeg(gateway, monkeypatch)
    fake_upstream.reply(sound())

    refused = speak(gateway, response_format="mp3")
    usual = speak(gateway)

    assert (refused.status, refused.error["param"]) == (400, "response_format")
    assert "wav or pcm" in refused.error["message"]
    assert usual.headers["content-type"] == "audio/wav"
    assert len(fake_upstream.requests) == 1


def test_a_conversion_that_fails_is_the_gateways_fault(
    gateway: RunningGateway, fake_upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.services is not None
    monkeypatch.setattr(gateway.services.ffmpeg, "_path", "/bin/false")
    fake_upstream.reply(sound())

    answer = speak(gateway, response_format="mp3")

    assert (answer.status, answer.error["type"]) == (500, "server_error")


@pytest.mark.parametrize("form", ["pcm", "wav"])
def test_words_are_no_speech(gateway: RunningGateway, fake_upstream: FakeUpstream, form: str) -> None:
    fake_upstream.reply(gemini_replies.text("I only write."), verb="generateContent")
    fake_upstream.stream(gemini_replies.text_events("I only", " write."), verb="streamGenerateContent")

    answer = speak(gateway, response_format=form)

    assert answer.status == 502
    assert answer.headers["content-type"].startswith("application/json")
    assert len(fake_upstream.requests) == 2  # tried once again


@pytest.mark.parametrize("form", ["pcm", "wav"])
@pytest.mark.parametrize("blocked", [gemini_replies.blocked_prompt(), gemini_replies.safety()])
def test_what_was_blocked_is_the_requests_error(
    gateway: RunningGateway, fake_upstream: FakeUpstream, form: str, blocked: dict[str, Any]
) -> None:
    fake_upstream.reply(blocked, verb="generateContent")
    fake_upstream.stream([blocked], verb="streamGenerateContent")

    answer = speak(gateway, response_format=form)

    assert answer.status == 400
    assert "by Gemini" in answer.error["message"]
    assert len(fake_upstream.requests) == 1


def test_raw_sound_that_breaks_off_is_cut(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([sound(finish=None)], then="cut")

    answer = speak(gateway, response_format="pcm")

    assert answer.body == PCM
    assert not answer.complete


def test_events_that_break_off_say_so(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream([sound(finish=None)], then="cut")

    answer = speak(gateway, response_format="pcm", stream_format="sse")

    assert orjson.loads(answer.events[-1])["error"]["code"] == "stream_truncated"


def test_another_key_speaks_when_one_may_not(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_minute(), times=1)
    fake_upstream.stream([sound()])

    answer = speak(gateway, response_format="pcm")

    assert (answer.status, answer.attempts) == (200, 2)


def test_the_operators_voice_and_model_are_used(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(TTS_MODEL="gemini-9-tts", TTS_VOICE_NAME="Puck", TTS_SPEED="slow")
    fake_upstream.reply(sound())

    speak(gateway, response_format="wav", voice="nobody")

    (seen,) = fake_upstream.requests
    assert seen.model == "gemini-9-tts"
    config = seen.json["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert config == {"voiceName": "Puck"}
    assert seen.json["contents"][0]["parts"] == [{"text": "Say slowly: Hello."}]


def test_another_method_is_not_taken(gateway: RunningGateway) -> None:
    assert call(gateway, "/v1/audio/speech", None, method="GET").status == 405
