"""`audio/speech`: raw sound as it comes, WAV, or what ffmpeg makes of it."""

import functools
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from gateway.handlers.conversions import converted_sound
from gateway.handlers.planning import Asked, Whole, model_plan, need_method, openai_request
from gateway.protocols.error_bodies import Problem, openai_error_event
from gateway.protocols.failure_kinds import FailureKind
from gateway.protocols.fields import unsupported
from gateway.protocols.media import wav_file
from gateway.protocols.speech import (
    MEDIA_TYPES,
    UNCONVERTED,
    SpeechCall,
    SpeechDefaults,
    SpeechStream,
    read_sound,
    read_speech,
    read_speech_signs,
    sound_events,
    speech_body,
)
from gateway.relay.inner import CallFailed
from gateway.relay.plan import STREAM_TYPE, Plan

_SILENT = Problem(502, "Google answered without any sound.", FailureKind.EMPTY)


def plan_speech(asked: Asked) -> Plan | Coroutine[Any, Any, Whole]:
    """The plan of a text to be spoken. Raises BadRequest.

    Raw sound is passed on as it comes; everything else needs to be whole first.
    """
    need_method(asked.head, "audio/speech", "POST")
    settings = asked.services.live.current
    defaults = SpeechDefaults(settings.tts_model, settings.tts_voice_name, settings.tts_speed)
    call = read_speech(openai_request(asked), defaults)
    asked.refuse_hidden(call.model)
    can_convert = asked.services.ffmpeg.available
    # OpenAI's usual format, where it can be made: what is sent instead says what it is.
    encoding = call.encoding or ("mp3" if can_convert else "wav")
    if encoding not in UNCONVERTED and not can_convert:
        raise unsupported(
            "response_format",
            f"This gateway has no ffmpeg to make {encoding}; ask for {' or '.join(UNCONVERTED)}.",
        )
    return _plan(call, streamed=True) if encoding == "pcm" else _speak(asked, call, encoding)


async def _speak(asked: Asked, call: SpeechCall, encoding: str) -> Whole:
    reply = await asked.reply(_plan(call, streamed=False))
    sound = read_sound(reply)
    if sound is None:
        raise CallFailed(_SILENT)
    if encoding == "wav":
        made = wav_file(sound.pcm, sound.rate_hz)
    else:
        made = await converted_sound(asked.services.ffmpeg, sound, encoding)
    if call.events:
        return Whole(sound_events(made, reply.get("usageMetadata")), content_type=STREAM_TYPE)
    return Whole(made, content_type=MEDIA_TYPES[encoding])


def _plan(call: SpeechCall, *, streamed: bool) -> Plan:
    verb = "streamGenerateContent" if streamed else "generateContent"
    return replace(
        model_plan("speech", call.model, verb, speech_body(call)),
        error_tail=openai_error_event if call.events else _no_words,
        translation=functools.partial(SpeechStream, events=call.events) if streamed else None,
        reads=read_speech_signs,
        media_type="" if call.events else MEDIA_TYPES["pcm"],
    )


def _no_words(_: Problem) -> bytes:
    """Raw sound has no place for words: that it broke off is told by cutting the connection."""
    return b""
