"""`images/generations`, `images/edits` and `images/variations`: pictures painted by several calls at once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.handlers.attachments import fetch_media
from gateway.handlers.conversions import converted_picture
from gateway.handlers.forms import Form, read_form
from gateway.handlers.planning import (
    Asked,
    Whole,
    model_plan,
    need_method,
    openai_request,
    painting_provider,
)
from gateway.protocols.fields import unsupported, wrong_value
from gateway.protocols.image_answers import (
    Painted,
    Shown,
    completed_event,
    data_url,
    image_list,
    no_picture,
    read_generated,
    read_predicted,
)
from gateway.protocols.image_bodies import PREDICTED_AT_ONCE, generation_body, is_imagen, prediction_body
from gateway.protocols.image_requests import (
    Given,
    ImageCall,
    picture_addresses,
    read_edit,
    read_generation,
    read_variation,
)
from gateway.protocols.media import Media
from gateway.protocols.remote_media import NO_ATTACHMENTS
from gateway.protocols.shapes import JsonObject
from gateway.relay.inner import CallFailed
from gateway.relay.plan import STREAM_TYPE, Plan

AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Painting:
    """One of the calls a request becomes, and how its reply is read."""

    plan: Plan
    read: Callable[[JsonObject], Painted]


async def plan_generations(asked: Asked) -> Whole:
    """New pictures. Raises BadRequest and CallFailed."""
    need_method(asked.head, "images/generations", "POST")
    default_model = asked.services.live.current.create_image_model
    return await _answer(asked, read_generation(openai_request(asked), default_model=default_model))


async def plan_edits(asked: Asked) -> Whole:
    """Changed pictures. Raises BadRequest and CallFailed."""
    return await _from_form(asked, "images/edits", read_edit)


async def plan_variations(asked: Asked) -> Whole:
    """Pictures like one. Raises BadRequest and CallFailed."""
    return await _from_form(asked, "images/variations", read_variation)


async def _from_form(asked: Asked, what: str, read: Callable[..., ImageCall]) -> Whole:
    need_method(asked.head, what, "POST")
    form = read_form(asked)
    default_model = asked.services.live.current.create_image_model
    call = read(form.fields, default_model=default_model, given=await _given(asked, form))
    return await _answer(asked, call)


async def paint(asked: Asked, call: ImageCall) -> tuple[list[Media], list[Painted]]:
    """The pictures of a request, and what each of its calls came to. Raises BadRequest and CallFailed.

    What some of several calls painted is given when the others failed: it has been paid for.
    """
    asked.refuse_hidden(call.model)
    failures: list[CallFailed] = []

    async def ask(painting: Painting) -> Painted | None:
        try:
            return painting.read(await asked.reply(painting.plan))
        except CallFailed as failed:
            failures.append(failed)
            return None

    replies = await asked.each(_paintings(asked, call), ask, at_once=AT_ONCE)
    painted = [reply for reply in replies if reply is not None]
    pictures = [picture for each in painted for picture in each.pictures][: call.count]
    if not pictures:
        raise failures[0] if failures else no_picture(painted)
    if call.encoding is not None:
        pictures = [
            await converted_picture(asked.services.ffmpeg, picture, call.encoding, call.compression)
            for picture in pictures
        ]
    return pictures, painted


async def _answer(asked: Asked, call: ImageCall) -> Whole:
    asked.refuse_hidden(call.model)
    if call.encoding not in (None, "png") and not asked.services.ffmpeg.available:
        raise unsupported(
            "output_format",
            "Pictures are given as the model makes them: this gateway has no ffmpeg to convert them.",
        )
    pictures, painted = await paint(asked, call)
    created_s = int(asked.services.engine.wall_s())
    if call.stream:
        events = [completed_event(call, picture, painted, created_s=created_s) for picture in pictures]
        return Whole(b"".join(events), content_type=STREAM_TYPE)
    shown = await asyncio.gather(*(_shown(asked, call, picture) for picture in pictures))
    return Whole(image_list(call, shown, painted, created_s=created_s))


async def _shown(asked: Asked, call: ImageCall, picture: Media) -> Shown:
    if call.form == "b64_json":
        return Shown(picture)
    url = await asked.services.host(picture)
    if url is None and call.form == "url":
        url = data_url(picture)
    return Shown(picture, url)


def _paintings(asked: Asked, call: ImageCall) -> Sequence[Painting]:
    if not is_imagen(call.model):
        plan = _plan(asked, call, "generateContent", generation_body(call))
        return [Painting(plan, read_generated)] * call.count
    if call.pictures:
        raise unsupported("model", f"{call.model} cannot change pictures; a Gemini image model can.")
    counts = [PREDICTED_AT_ONCE] * (call.count // PREDICTED_AT_ONCE)
    if rest := call.count % PREDICTED_AT_ONCE:
        counts.append(rest)
    return [
        Painting(_plan(asked, call, "predict", prediction_body(call, count)), read_predicted)
        for count in counts
    ]


def _plan(asked: Asked, call: ImageCall, verb: str, body: bytes) -> Plan:
    return replace(
        model_plan("images", call.model, verb, body),
        generates=verb == "generateContent",
        provider=painting_provider(asked),
    )


async def _given(asked: Asked, form: Form) -> Given:
    masks = _pictures(form, "mask")
    addresses = picture_addresses(form.fields)
    return Given(
        pictures=_pictures(form, "image"),
        mask=masks[0] if masks else None,
        attachments=await fetch_media(asked, addresses) if addresses else NO_ATTACHMENTS,
    )


def _pictures(form: Form, name: str) -> tuple[Media, ...]:
    pictures = tuple(upload.media(name) for upload in form.files.get(name, ()))
    for picture in pictures:
        if not picture.mime_type.startswith("image/"):
            raise wrong_value(name, f"the file is no picture but {picture.mime_type}.")
    return pictures
