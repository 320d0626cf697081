"""The simulated models that paint and speak: true pictures and sound, and the refusals of the real ones."""

import base64
import struct
from typing import Any

import pytest

from gateway.simulator.field_names import RefusedError
from gateway.simulator.media import picture_chunks, predict, speech_chunks
from gateway.simulator.world import Output, SimulatedModel

PAINTER = SimulatedModel("painter", "Painter", 3.1, output=Output.PICTURES)
OLD_PAINTER = SimulatedModel("old-painter", "Old painter", 2.5, output=Output.PICTURES)


def pixels(chunks: list[tuple[dict[str, Any], ...]]) -> tuple[int, int]:
    data = base64.b64decode(chunks[-1][0]["inlineData"]["data"])
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_picture_has_the_ratio_asked_for() -> None:
    assert pixels(picture_chunks({"imageConfig": {"aspectRatio": "16:9"}}, "x", PAINTER)) == (
        96,
        54,
    )
    assert pixels(picture_chunks({}, "x", PAINTER)) == (96, 96)


@pytest.mark.parametrize(
    ("config", "model"),
    [
        ({"responseModalities": ["TEXT"]}, PAINTER),
        ({"imageConfig": {"aspectRatio": "2:1"}}, PAINTER),
        ({"imageConfig": {"aspectRatio": "8:1"}}, OLD_PAINTER),
        ({"imageConfig": {"imageSize": "2K"}}, OLD_PAINTER),
        ({"imageConfig": {"imageSize": "3K"}}, PAINTER),
        ({"imageConfig": {"colour": "red"}}, PAINTER),
    ],
)
def test_wishes_a_painter_does_not_know_are_refused(config: dict[str, Any], model: SimulatedModel) -> None:
    with pytest.raises(RefusedError):
        picture_chunks(config, "x", model)


def test_a_painter_that_refuses_uses_words() -> None:
    ((part,),) = picture_chunks({}, "Please refuse", PAINTER)

    assert part["text"]


def test_speech_is_raw_sound_whose_length_follows_the_text() -> None:
    config = {"responseModalities": ["AUDIO"], "speechConfig": {}}
    short, long = (speech_chunks(config, "x" * length, "") for length in (10, 100))

    (part,) = short[0]
    assert part["inlineData"]["mimeType"] == "audio/L16;codec=pcm;rate=24000"
    assert len(base64.b64decode(part["inlineData"]["data"])) == 2 * 10 * 240
    assert len(long) == 2


@pytest.mark.parametrize(
    ("config", "system"),
    [
        ({}, ""),
        ({"responseModalities": ["TEXT", "AUDIO"]}, ""),
        ({"responseModalities": ["AUDIO"]}, "Be nice."),
        (
            {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "alloy"}}},
            },
            "",
        ),
    ],
)
def test_a_voice_is_refused_what_it_cannot_do(config: dict[str, Any], system: str) -> None:
    with pytest.raises(RefusedError):
        speech_chunks(config, "hello", system)


def test_imagen_paints_several_at_once() -> None:
    answer = predict({"instances": [{"prompt": "x"}], "parameters": {"sampleCount": 3, "aspectRatio": "3:4"}})

    assert len({each["bytesBase64Encoded"] for each in answer["predictions"]}) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": [{}]},
        {"instances": [{"prompt": "x"}], "parameters": {"sampleCount": 5}},
        {"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": "2:1"}},
        {"instances": [{"prompt": "x"}], "parameters": {"n": 1}},
    ],
)
def test_imagen_refuses_what_it_cannot_paint(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        predict(body)


def test_imagen_says_what_it_filtered() -> None:
    assert "raiFilteredReason" in predict({"instances": [{"prompt": "refuse"}]})["predictions"][0]
