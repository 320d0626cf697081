"""OpenAI's audio/speech → a Gemini model that speaks, and the raw sound back.

Pure; what needs another program (mp3 and the like) is the handler's. Called by handlers/openai_speech.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import orjson

from gateway.protocols.failures import Failure, FailureKind
from gateway.protocols.fields import (
    as_str,
    optional_number,
    optional_str,
    wrong_type,
    wrong_value,
)
from gateway.protocols.finish_reasons import block_text, is_filtered, withheld_text
from gateway.protocols.media import Media, content_of, pcm_rate_hz
from gateway.protocols.openai_names import model_or
from gateway.protocols.reply_signs import ReplySigns, read_signs
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import read_usage

OPENAI_RATE_HZ = 24_000
"""What clients take OpenAI's pcm for."""

# Source: Gemini API, speech generation guide.
GEMINI_VOICES = frozenset(
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba "
    "Despina Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird "
    "Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat".split()
)
# OpenAI's voices and Gemini's nearest in pitch and temper; a choice of ours.
VOICES: Mapping[str, str] = MappingProxyType(
    {
        "alloy": "Kore",
        "ash": "Charon",
        "ballad": "Enceladus",
        "cedar": "Algieba",
        "coral": "Aoede",
        "echo": "Puck",
        "fable": "Fenrir",
        "marin": "Sulafat",
        "nova": "Leda",
        "onyx": "Orus",
        "sage": "Callirrhoe",
        "shimmer": "Zephyr",
        "verse": "Iapetus",
    }
)
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "mp3": "audio/mpeg",
        "opus": "audio/ogg",
        "aac": "audio/aac",
        "flac": "audio/flac",
        "wav": "audio/wav",
        "pcm": "audio/pcm",
    }
)
UNCONVERTED = ("wav", "pcm")
"""The formats that need no other program."""
_PACES = MappingProxyType({"slow": " slowly", "normal": "", "fast": " quickly"})


@dataclass(frozen=True, slots=True)
class SpeechDefaults:
    """The operator's choices. pace is slow, normal or fast."""

    model: str
    voice: str
    pace: str = "normal"


@dataclass(frozen=True, slots=True)
class SpeechCall:
    """A request to speak.

    prompt    the text, and how it is to be said
    voice     one of Gemini's
    encoding  one of MEDIA_TYPES, None where the client left it open
    events    the sound is wanted as server-sent events
    """

    model: str
    prompt: str
    voice: str
    encoding: str | None
    events: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """Raw sound: 16 bit, little-endian, one channel."""

    pcm: bytes
    rate_hz: int


def read_speech(body: JsonObject, defaults: SpeechDefaults) -> SpeechCall:
    """Read a parsed request. Raises BadRequest. Source: OpenAI speech reference."""
    text = as_str(body.get("input"), "input")
    if not text.strip():
        raise wrong_value("input", "the text is empty.")
    encoding = optional_str(body, "response_format")
    if encoding is not None and encoding not in MEDIA_TYPES:
        raise wrong_value("response_format", f"supported values are {', '.join(MEDIA_TYPES)}.")
    stream_format = optional_str(body, "stream_format") or "audio"
    if stream_format not in ("audio", "sse"):
        raise wrong_value("stream_format", "supported values are 'audio' and 'sse'.")
    return SpeechCall(
        model=model_or(defaults.model, body),
        prompt=_prompt(text, optional_str(body, "instructions"), _pace(body, defaults)),
        voice=_voice(body.get("voice"), defaults.voice),
        encoding=encoding,
        events=stream_format == "sse",
    )


def speech_body(call: SpeechCall) -> bytes:
    """The GenerateContentRequest. Source: Gemini API, speech generation guide."""
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": call.voice}}}
    config = {"responseModalities": ["AUDIO"], "speechConfig": voice}
    contents = [{"role": "user", "parts": [{"text": call.prompt}]}]
    return orjson.dumps({"contents": contents, "generationConfig": config})


def read_speech_signs(event: object) -> ReplySigns:
    """What a reply or event shows: words are no speech, and what was blocked is an error of the request."""
    signs = read_signs(event)
    if signs.error is not None:
        return signs
    has_sound = isinstance(event, dict) and any(True for _ in _sounds(event))
    words = None
    if isinstance(event, dict):
        words = block_text(event)
        if words is None and is_filtered(signs.finish_reason) and not has_sound:
            words = withheld_text(signs.finish_reason or "", None)
    error = None if words is None else Failure(FailureKind.CLIENT_ERROR, 400, message=words)
    return replace(signs, has_content=has_sound, error=error)


def read_sound(reply: JsonObject) -> Sound | None:
    """The sound of a whole reply, None when it has none."""
    pieces = list(_sounds(reply))
    if not pieces:
        return None
    return Sound(b"".join(map(content_of, pieces)), rate_of(pieces[0]))


def rate_of(piece: Media) -> int:
    return pcm_rate_hz(piece.mime_type) or OPENAI_RATE_HZ


class SpeechStream:
    """One attempt's stream on its way to a client that takes raw sound, as bytes or in events."""

    __slots__ = ("_events", "_usage")

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self._usage: object = None

    def whole(self, reply: JsonObject) -> bytes:
        return self.event(reply) + self.end()

    def event(self, reply: JsonObject) -> bytes:
        if reply.get("usageMetadata") is not None:
            self._usage = reply["usageMetadata"]
        pieces = list(_sounds(reply))
        if self._events:
            return b"".join(delta_event(piece.data) for piece in pieces)
        return b"".join(map(content_of, pieces))

    def end(self) -> bytes:
        return done_event(self._usage) if self._events else b""


def delta_event(data: str) -> bytes:
    """Sound in base64 as an event."""
    return b"data: " + orjson.dumps({"type": "speech.audio.delta", "audio": data}) + b"\n\n"


def done_event(usage_metadata: object) -> bytes:
    usage = read_usage(usage_metadata)
    output = usage.completion + usage.thoughts
    counted = {"input_tokens": usage.prompt, "output_tokens": output, "total_tokens": usage.prompt + output}
    return b"data: " + orjson.dumps({"type": "speech.audio.done", "usage": counted}) + b"\n\n"


def sound_events(sound: bytes, usage_metadata: object) -> bytes:
    """Converted sound, which came at once, as a stream of events."""
    return delta_event(base64.b64encode(sound).decode("ascii")) + done_event(usage_metadata)


def _sounds(reply: JsonObject) -> Iterator[Media]:
    candidates = reply.get("candidates")
    candidate = candidates[0] if isinstance(candidates, list) and candidates else None
    content = candidate.get("content") if isinstance(candidate, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else ():
        inline = part.get("inlineData") if isinstance(part, dict) else None
        if not isinstance(inline, dict):
            continue
        mime_type, data = inline.get("mimeType"), inline.get("data")
        if isinstance(mime_type, str) and mime_type.startswith("audio/") and isinstance(data, str) and data:
            yield Media(mime_type, data)


def _voice(asked: object, default: str) -> str:
    if isinstance(asked, dict):
        asked = asked.get("id")
    if asked is None:
        return default
    if not isinstance(asked, str):
        raise wrong_type("voice", "a string", asked)
    name = asked.strip().lower()
    known = VOICES.get(name, name.capitalize())
    return known if known in GEMINI_VOICES else default


def _pace(body: JsonObject, defaults: SpeechDefaults) -> str:
    """How fast, as an adverb: Gemini's voices take direction, not numbers."""
    speed = optional_number(body, "speed")
    if speed is None:
        return _PACES.get(defaults.pace, "")
    if not 0.25 <= speed <= 4:
        raise wrong_value("speed", "expected a number from 0.25 to 4.")
    if speed < 0.9:
        return " very slowly" if speed < 0.6 else " slowly"
    if speed <= 1.1:
        return ""
    return " quickly" if speed <= 1.5 else " very quickly"


def _prompt(text: str, instructions: str | None, pace: str) -> str:
    if instructions and instructions.strip():
        return f"{instructions.strip()}\n\nSay the following{pace}: {text}"
    return f"Say{pace}: {text}" if pace else text
