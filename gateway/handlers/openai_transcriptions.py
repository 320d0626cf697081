"""`audio/transcriptions` and `audio/translations`: a recording in a form, heard by a model that listens."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.handlers.forms import Form, read_form
from gateway.handlers.planning import Asked, Planned, Whole, model_plan, need_method
from gateway.protocols.error_bodies import Problem
from gateway.protocols.failure_kinds import FailureKind
from gateway.protocols.fields import missing, wrong_value
from gateway.protocols.media import Media
from gateway.protocols.transcriptions import (
    Task,
    TranscriptionCall,
    TranscriptStream,
    read_heard,
    read_transcription,
    transcription_body,
    written,
)
from gateway.relay.inner import CallFailed
from gateway.relay.plan import JSON_TYPE, Plan

_UNTIMED = Problem(
    502, "The model told no times, which subtitles are made of; ask for json or text.", FailureKind.MALFORMED
)
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "json": JSON_TYPE,
        "verbose_json": JSON_TYPE,
        "text": "text/plain; charset=utf-8",
        "srt": "text/plain; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
    }
)


async def plan_transcriptions(asked: Asked) -> Planned:
    """What was said, in its language. Raises BadRequest and CallFailed."""
    return await _listen(asked, Task.TRANSCRIBE)


async def plan_translations(asked: Asked) -> Planned:
    """What was said, in English. Raises BadRequest and CallFailed."""
    return await _listen(asked, Task.TRANSLATE)


async def _listen(asked: Asked, task: Task) -> Planned:
    need_method(asked.head, asked.route.resource, "POST")
    form = read_form(asked)
    default_model = asked.services.live.current.transcription_model
    call = read_transcription(form.fields, _recording(form), task, default_model=default_model)
    asked.refuse_hidden(call.model)
    if call.stream:
        return _plan(call)
    answer = written(call, read_heard(call, await asked.reply(_plan(call))))
    if answer is None:
        raise CallFailed(_UNTIMED)
    return Whole(answer, content_type=_TYPES[call.form])


def _recording(form: Form) -> Media:
    files = form.files.get("file", ())
    if not files:
        raise missing("file")
    recording = files[0].media("file")
    if not recording.mime_type.startswith(("audio/", "video/")):
        raise wrong_value("file", f"the file is no recording but {recording.mime_type}.")
    return recording


def _plan(call: TranscriptionCall) -> Plan:
    verb = "streamGenerateContent" if call.stream else "generateContent"
    plan = model_plan("transcription", call.model, verb, transcription_body(call))
    return replace(plan, translation=TranscriptStream if call.stream else None)
