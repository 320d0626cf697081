"""OpenAI's audio/transcriptions and audio/translations → a model that listens, and what it heard back.

Pure; called by handlers/openai_transcriptions. Times come from the model where a format needs them: they are
its estimate, and a format that is made of them is not given without.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from gateway.protocols.fields import (
    optional_bool,
    optional_list,
    optional_number,
    optional_str,
    unsupported,
    wrong_value,
)
from gateway.protocols.media import Media
from gateway.protocols.openai_names import model_or
from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import Usage, read_usage

SILENCE = "[silence]"
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
_TIMED = frozenset({"srt", "verbose_json", "vtt"})
_MOST_PROMPT_CHARS = 8000
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?```\s*", re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z -]{1,40}", re.ASCII)


class Task(enum.Enum):
    """What is asked for; the value is OpenAI's word for it."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


@dataclass(frozen=True, slots=True)
class TranscriptionCall:
    """A request to listen.

    wording   the instruction that goes with the sound
    """

    task: Task
    model: str
    sound: Media
    wording: str
    form: str
    language: str | None
    temperature: float | None
    stream: bool

    @property
    def is_timed(self) -> bool:
        return self.form in _TIMED


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of what was heard, in seconds from the beginning."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model heard; segments are empty where it told no times."""

    text: str
    language: str
    segments: Sequence[Segment]
    usage: Usage


def read_transcription(
    body: JsonObject, sound: Media, task: Task, *, default_model: str
) -> TranscriptionCall:
    """Read the fields of a form. Raises BadRequest. Source: OpenAI audio reference."""
    form = optional_str(body, "response_format") or "json"
    if form not in FORMATS:
        raise wrong_value("response_format", f"supported values are {', '.join(FORMATS)}.")
    if "word" in (optional_list(body, "timestamp_granularities") or ()):
        raise unsupported(
            "timestamp_granularities", "Gemini's models tell no times of single words; ask for 'segment'."
        )
    language = optional_str(body, "language")
    if language and not _LANGUAGE.fullmatch(language):
        raise wrong_value("language", "expected a language such as 'en'.")
    prompt = optional_str(body, "prompt") or ""
    temperature = optional_number(body, "temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise wrong_value("temperature", "expected a number from 0 to 2.")
    # OpenAI too ignores the wish where the form cannot be streamed.
    stream = (optional_bool(body, "stream") or False) and form not in _TIMED
    return TranscriptionCall(
        task=task,
        model=model_or(default_model, body),
        sound=sound,
        wording=_wording(task, language, prompt[:_MOST_PROMPT_CHARS], is_timed=form in _TIMED),
        form=form,
        language=language or None,
        temperature=temperature,
        stream=stream,
    )


def transcription_body(call: TranscriptionCall) -> bytes:
    """The GenerateContentRequest. Source: Gemini API, audio understanding guide."""
    sound = {"inlineData": {"mimeType": call.sound.mime_type, "data": call.sound.data}}
    config: JsonObject = {}
    if call.temperature is not None:
        config["temperature"] = call.temperature
    if call.is_timed:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": _TIMED_SCHEMA}
    body: JsonObject = {"contents": [{"role": "user", "parts": [sound, {"text": call.wording}]}]}
    if config:
        body["generationConfig"] = config
    return orjson.dumps(body)


def read_heard(call: TranscriptionCall, reply: JsonObject) -> Heard:
    """Read a reply. Never raises: where the model wrote no segments, all it wrote is the text."""
    text = text_of(reply).strip()
    usage = read_usage(reply.get("usageMetadata"))
    if call.is_timed and (timed := _read_timed(text)) is not None:
        language, segments = timed
        words = " ".join(segment.text for segment in segments).strip()
        return Heard(words, call.language or language, segments, usage)
    return Heard("" if text == SILENCE else text, call.language or "", (), usage)


def text_of(reply: JsonObject) -> str:
    """The words of a reply or event, thoughts left out."""
    candidates = reply.get("candidates")
    candidate = candidates[0] if isinstance(candidates, list) and candidates else None
    content = candidate.get("content") if isinstance(candidate, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return "".join(
        part["text"]
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict) and isinstance(part.get("text"), str) and part.get("thought") is not True
    )


def written(call: TranscriptionCall, heard: Heard) -> bytes | None:
    """The answer in the form asked for; None for subtitles without times."""
    if call.form == "json":
        return orjson.dumps({"text": heard.text, "usage": _usage(heard.usage)})
    if call.form == "text":
        return f"{heard.text}\n".encode()
    if call.form == "verbose_json":
        return orjson.dumps(_verbose(call, heard))
    if not heard.segments and heard.text:
        return None
    return (_srt(heard.segments) if call.form == "srt" else _vtt(heard.segments)).encode()


class TranscriptStream:
    """One attempt's stream on its way to OpenAI's transcript events."""

    __slots__ = ("_texts", "_usage")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._usage: object = None

    def whole(self, reply: JsonObject) -> bytes:
        return self.event(reply) + self.end()

    def event(self, reply: JsonObject) -> bytes:
        if reply.get("usageMetadata") is not None:
            self._usage = reply["usageMetadata"]
        text = text_of(reply)
        if not text or (text.strip() == SILENCE and not self._texts):
            return b""
        self._texts.append(text)
        return _framed({"type": "transcript.text.delta", "delta": text})

    def end(self) -> bytes:
        usage = _usage(read_usage(self._usage))
        return _framed({"type": "transcript.text.done", "text": "".join(self._texts), "usage": usage})


_TIMED_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "language": {"type": "string", "description": "The language spoken, in English, in lower case."},
        "segments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "start": {"type": "number", "description": "Seconds from the beginning."},
                    "end": {"type": "number", "description": "Seconds from the beginning."},
                    "text": {"type": "string"},
                },
                "required": ["start", "end", "text"],
            },
        },
    },
    "required": ["language", "segments"],
}


def _wording(task: Task, language: str | None, prompt: str, *, is_timed: bool) -> str:
    if task is Task.TRANSLATE:
        lines = ["Listen to the recording and translate everything that is said into English."]
    else:
        lines = [
            "Transcribe the recording: write down everything that is said, word for word, in its language."
        ]
    if is_timed:
        lines.append(
            "Divide it into segments of a sentence or two, each with the seconds of its start and end."
        )
    else:
        lines.append(f"Answer with that text alone; if nothing is said, answer with {SILENCE}.")
    if language:
        lines.append(f"The language spoken is: {language}.")
    if prompt:
        lines.append(f"For names, spelling and style, here is what came before or may occur: {prompt}")
    return "\n".join(lines)


def _read_timed(text: str) -> tuple[str, list[Segment]] | None:
    """Language and segments of a structured answer, None for anything else."""
    fenced = _FENCED.fullmatch(text)
    try:
        parsed = orjson.loads(fenced[1] if fenced else text)
    except orjson.JSONDecodeError:
        return None
    listed = parsed.get("segments") if isinstance(parsed, dict) else None
    if not isinstance(listed, list):
        return None
    segments: list[Segment] = []
    for item in listed:
        segment = _segment(item)
        if segment is None:
            return None
        segments.append(segment)
    language = parsed.get("language")
    return (language if isinstance(language, str) else ""), segments


def _segment(item: object) -> Segment | None:
    if not isinstance(item, dict):
        return None
    start_s, end_s, text = _seconds(item.get("start")), _seconds(item.get("end")), item.get("text")
    if not isinstance(text, str) or start_s is None or end_s is None:
        return None
    return Segment(start_s, max(start_s, end_s), text.strip())


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return float(value)


def _verbose(call: TranscriptionCall, heard: Heard) -> JsonObject:
    """OpenAI's verbose form, as far as the model tells: no probabilities are made up."""
    answer: JsonObject = {
        "task": call.task.value,
        "language": heard.language,
        "duration": heard.segments[-1].end_s if heard.segments else 0.0,
        "text": heard.text,
        "usage": _usage(heard.usage),
    }
    if heard.segments:
        answer["segments"] = [
            {"id": number, "start": segment.start_s, "end": segment.end_s, "text": segment.text}
            for number, segment in enumerate(heard.segments)
        ]
    return answer


def _srt(segments: Sequence[Segment]) -> str:
    blocks = [
        f"{number}\n{_clock(segment.start_s, ',')} --> {_clock(segment.end_s, ',')}\n{_line(segment.text)}\n"
        for number, segment in enumerate(segments, start=1)
    ]
    return "\n".join(blocks)


def _vtt(segments: Sequence[Segment]) -> str:
    blocks = [
        f"{_clock(segment.start_s, '.')} --> {_clock(segment.end_s, '.')}\n{_line(segment.text)}\n"
        for segment in segments
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(seconds: float, mark: str) -> str:
    millis = round(seconds * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"


def _line(text: str) -> str:
    """Subtitles end at an empty line, and an arrow would be another's times."""
    return re.sub(r"\s*\n\s*", "\n", text).replace("-->", "→")


def _usage(usage: Usage) -> JsonObject:
    prompt, output = usage.prompt + usage.tool_use, usage.completion + usage.thoughts
    return {
        "type": "tokens",
        "input_tokens": prompt,
        "output_tokens": output,
        "total_tokens": prompt + output,
        "input_token_details": {
            "audio_tokens": usage.prompt_audio,
            "text_tokens": max(0, prompt - usage.prompt_audio),
        },
    }


def _framed(event: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"
