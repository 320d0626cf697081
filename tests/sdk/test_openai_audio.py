"""Speech and transcriptions as OpenAI's SDK asks for them, over the strict simulator."""

import io
import wave

import openai
import pytest

from gateway.programs.ffmpeg import find_ffmpeg
from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL, NO_MODEL, async_openai_client

SPEAKER = "gemini-2.5-flash-preview-tts"


@pytest.mark.parametrize("model", [SPEAKER, "tts-1", "gpt-4o-mini-tts"])
@pytest.mark.parametrize("voice", ["alloy", "Kore"])
def test_a_text_is_spoken(openai_sdk: openai.OpenAI, model: str, voice: str) -> None:
    spoken = openai_sdk.audio.speech.create(
        model=model,
        voice=voice,
        input="Hello there.",
        response_format="wav",
        instructions="Cheerfully.",
        speed=1.2,
    )

    with wave.open(io.BytesIO(spoken.content)) as read:
        assert read.getframerate() == 24000
        assert read.getnframes() > 1000


@pytest.mark.skipif(find_ffmpeg() is None, reason="this machine has no ffmpeg")
def test_the_usual_format_is_mp3(openai_sdk: openai.OpenAI) -> None:
    spoken = openai_sdk.audio.speech.create(model="tts-1", voice="nova", input="Hello there.")

    assert spoken.content.startswith(b"ID3")
    assert spoken.response.headers["content-type"] == "audio/mpeg"


async def test_raw_sound_streams_and_events_do(house: RunningGateway) -> None:
    text = "A longer text, so that it comes in several pieces. " * 5
    async with async_openai_client(house) as client:
        async with client.audio.speech.with_streaming_response.create(
            model=SPEAKER, voice="Puck", input=text, response_format="pcm"
        ) as streamed:
            raw = b"".join([piece async for piece in streamed.iter_bytes()])
        events = await client.audio.speech.create(
            model=SPEAKER, voice="Puck", input=text, response_format="pcm", stream_format="sse"
        )

    assert len(raw) == 2 * 240 * len(text)
    assert events.text.count('"speech.audio.delta"') > 2
    assert events.text.count('"speech.audio.done"') == 1


def test_what_cannot_be_spoken_is_an_error(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        openai_sdk.audio.speech.create(model=NO_MODEL, voice="alloy", input="x", response_format="wav")
    with pytest.raises(openai.BadRequestError, match=r"0\.25 to 4"):
        openai_sdk.audio.speech.create(model=SPEAKER, voice="alloy", input="x", speed=9)


def recording(openai_sdk: openai.OpenAI) -> tuple[str, bytes]:
    spoken = openai_sdk.audio.speech.create(
        model=SPEAKER, voice="Kore", input="Hello.", response_format="wav"
    )
    return "hello.wav", spoken.content


@pytest.mark.parametrize("model", [MODEL, "whisper-1", "gpt-4o-transcribe"])
def test_a_recording_is_written_down(openai_sdk: openai.OpenAI, model: str) -> None:
    heard = openai_sdk.audio.transcriptions.create(
        model=model, file=recording(openai_sdk), language="en", prompt="Names"
    )

    assert heard.text
    assert heard.usage


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's word on its own method
def test_every_form_of_a_transcript(openai_sdk: openai.OpenAI) -> None:
    file = recording(openai_sdk)
    create = openai_sdk.audio.transcriptions.create

    verbose = create(model="whisper-1", file=file, response_format="verbose_json")
    text = create(model="whisper-1", file=file, response_format="text")
    srt = create(model="whisper-1", file=file, response_format="srt")
    vtt = create(model="whisper-1", file=file, response_format="vtt")
    english = openai_sdk.audio.translations.create(model="whisper-1", file=file)

    assert verbose.segments
    assert verbose.segments[0].text
    assert verbose.language
    assert text.endswith("\n")
    assert " --> " in srt
    assert vtt.startswith("WEBVTT")
    assert english.text


def test_a_transcript_streams(openai_sdk: openai.OpenAI) -> None:
    stream = openai_sdk.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=recording(openai_sdk), stream=True
    )
    events = list(stream)

    assert {event.type for event in events[:-1]} == {"transcript.text.delta"}
    last = events[-1]
    assert last.type == "transcript.text.done"
    assert last.text == "".join(event.delta for event in events if event.type == "transcript.text.delta")


def test_a_picture_is_no_recording(openai_sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no recording") as caught:
        openai_sdk.audio.transcriptions.create(model="whisper-1", file=("a.png", b"\x89PNG\r\n\x1a\n"))

    assert caught.value.param == "file"
