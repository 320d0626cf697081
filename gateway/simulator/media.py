"""Pictures and sound of the simulated models, and what Google refuses about the wishes for them.

Pure and deterministic: a picture's colours and a voice's pitch come from what was asked.
Source: Gemini API, image generation and speech generation guides.
"""

import base64
import math
import struct
import zlib
from typing import Any

from gateway.simulator import field_names
from gateway.simulator.field_names import known_fields, list_of, refuse, refuse_value
from gateway.simulator.phrases import pick
from gateway.simulator.world import SimulatedModel

Part = dict[str, Any]

RATE_HZ = 24_000
VOICES = frozenset(
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba "
    "Despina Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird "
    "Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat".split()
)
_RATIOS = frozenset("1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9".split())
_LONG_RATIOS = frozenset("1:4 4:1 1:8 8:1".split())
_SIZES = frozenset(("512", "1K", "2K", "4K"))
_IMAGEN_RATIOS = frozenset("1:1 3:4 4:3 9:16 16:9".split())
_EDGE_PIXELS = 96
_REFUSES = "refuse"
_SPOKEN_CHUNK_CHARS = 60
_MODALITIES = "The requested combination of response modalities ({asked}) is not supported by the model. "


def picture_chunks(config: dict[str, Any], question: str, model: SimulatedModel) -> list[tuple[Part, ...]]:
    """Paint what is asked; a prompt that says "refuse" gets words instead."""
    asked = _modalities(config)
    if asked and "IMAGE" not in asked:
        refuse(_MODALITIES.format(asked=", ".join(asked)))
    image = known_fields(config.get("imageConfig") or {}, field_names.IMAGE_CONFIG, "image_config")
    ratio = image.get("aspectRatio") or "1:1"
    if ratio not in _RATIOS and not (model.generation >= 3.1 and ratio in _LONG_RATIOS):
        refuse(f"* GenerateContentRequest.generation_config.image_config.aspect_ratio: {ratio} is not valid.")
    if "imageSize" in image and (model.generation < 3 or image["imageSize"] not in _SIZES):
        refuse("* GenerateContentRequest.generation_config.image_config.image_size: is not supported.")
    if _REFUSES in question.lower():
        return [({"text": "I will not paint that, although I am only simulated."},)]
    picture = {"inlineData": {"mimeType": "image/png", "data": png_base64(question, ratio)}}
    return [({"text": "Here is your picture."},), (picture,)]


def speech_chunks(config: dict[str, Any], question: str, system: str) -> list[tuple[Part, ...]]:
    """Speak what is asked: a tone for each character."""
    if system:
        refuse("Developer instruction is not enabled for this model")
    if _modalities(config) != ["AUDIO"]:
        refuse(_MODALITIES.format(asked=", ".join(_modalities(config)) or "TEXT"))
    voice = _voice(config.get("speechConfig") or {})
    mime_type = f"audio/L16;codec=pcm;rate={RATE_HZ}"
    pieces = [
        question[start : start + _SPOKEN_CHUNK_CHARS]
        for start in range(0, len(question), _SPOKEN_CHUNK_CHARS)
    ]
    return [
        ({"inlineData": {"mimeType": mime_type, "data": base64.b64encode(_tone(piece, voice)).decode()}},)
        for piece in pieces
    ]


def predict(body: object) -> dict[str, Any]:
    """Answer a PredictRequest as Imagen does."""
    fields = known_fields(body, field_names.PREDICT)
    instances = list_of(fields.get("instances"), "instances")
    prompt = instances[0].get("prompt") if instances and isinstance(instances[0], dict) else None
    if not isinstance(prompt, str) or not prompt:
        refuse("* PredictRequest.instances: prompt is not specified\n")
    parameters = known_fields(fields.get("parameters") or {}, field_names.PREDICT_PARAMETERS, "parameters")
    count = parameters.get("sampleCount", 4)
    if not isinstance(count, int) or not 1 <= count <= 4:
        refuse("sampleCount must be between 1 and 4.")
    ratio = parameters.get("aspectRatio", "1:1")
    if ratio not in _IMAGEN_RATIOS:
        refuse(f"{ratio} is not a valid aspect ratio.")
    if _REFUSES in prompt.lower():
        return {"predictions": [{"raiFilteredReason": "Your prompt was filtered by a simulated policy."}]}
    return {
        "predictions": [
            {"mimeType": "image/png", "bytesBase64Encoded": png_base64(f"{prompt}\n{number}", ratio)}
            for number in range(count)
        ]
    }


def png_base64(question: str, ratio: str) -> str:
    """A small PNG of stripes."""
    across, _, down = ratio.partition(":")
    scale = _EDGE_PIXELS / max(int(across), int(down))
    width, height = max(1, round(int(across) * scale)), max(1, round(int(down) * scale))
    colours = [pick(0, question, number).to_bytes(8, "big")[:3] for number in range(4)]
    rows = b"".join(b"\0" + colours[row * 4 // height] * width for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")


def _modalities(config: dict[str, Any]) -> list[str]:
    listed = list_of(config.get("responseModalities"), "generation_config.response_modalities")
    return [str(item).upper() for item in listed]


def _voice(speech: object) -> str:
    fields = known_fields(speech, field_names.SPEECH_CONFIG, "generation_config.speech_config")
    if "multiSpeakerVoiceConfig" in fields:
        return "Kore"
    voice = known_fields(fields.get("voiceConfig") or {}, field_names.VOICE_CONFIG, "voice_config")
    chosen = known_fields(
        voice.get("prebuiltVoiceConfig") or {}, field_names.PREBUILT_VOICE_CONFIG, "prebuilt_voice_config"
    )
    name = str(chosen.get("voiceName") or "Kore")
    if name.capitalize() not in VOICES:
        refuse_value(name, "generation_config.speech_config.voice_config", "VoiceName")
    return name


def _tone(text: str, voice: str) -> bytes:
    hertz = 200 + pick(0, voice) % 400
    count = len(text) * RATE_HZ // 100
    samples = (round(8000 * math.sin(math.tau * hertz * at / RATE_HZ)) for at in range(count))
    return struct.pack(f"<{count}h", *samples)
