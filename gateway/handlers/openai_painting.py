"""Chats with an Imagen behind gemini-balance's `{CREATE_IMAGE_MODEL}-chat`: the last message is painted.

Gemini's image models chat by themselves; Imagen has no such method, so its pictures are put into a reply.
"""

from collections.abc import Coroutine
from typing import Any

from gateway.handlers.openai_chat import chat_translation, plan_chat
from gateway.handlers.openai_images import paint
from gateway.handlers.planning import Asked, Planned, Whole, need_method, openai_request
from gateway.protocols.image_bodies import is_imagen
from gateway.protocols.image_requests import read_generation
from gateway.protocols.media import Media
from gateway.protocols.openai_request import ChatCall, translate_chat
from gateway.protocols.shapes import JsonObject
from gateway.relay.plan import JSON_TYPE, STREAM_TYPE


def plan_chat_or_painting(asked: Asked) -> Planned | Coroutine[Any, Any, Planned]:
    """The plan of a chat completion. Raises BadRequest."""
    painter = asked.services.chat_options.models.painter
    if not is_imagen(painter) or f"{painter}-chat".encode() not in asked.body:
        return plan_chat(asked)
    need_method(asked.head, "chat/completions", "POST")
    call = translate_chat(
        openai_request(asked),
        options=asked.services.chat_options,
        known=asked.services.model_list.names,
    )
    return _paint(asked, call) if call.paints else plan_chat(asked)


async def _paint(asked: Asked, call: ChatCall) -> Whole:
    """The answer to a chat, painted. Raises BadRequest and CallFailed."""
    parts = call.body["contents"][-1]["parts"]
    prompt = "\n".join(part["text"] for part in parts if part.get("text"))
    order = read_generation({"prompt": prompt, "n": call.count}, default_model=call.model)
    pictures, _ = await paint(asked, order)
    reply: JsonObject = {
        "candidates": [
            {
                "index": index,
                "content": {"role": "model", "parts": [await _part(asked, picture)]},
                "finishReason": "STOP",
            }
            for index, picture in enumerate(pictures)
        ]
    }
    translation = chat_translation(asked, call)
    if not call.stream:
        return Whole(translation.whole(reply), content_type=JSON_TYPE)
    return Whole(translation.event(reply) + translation.end(), content_type=STREAM_TYPE)


async def _part(asked: Asked, picture: Media) -> JsonObject:
    url = await asked.services.host(picture)
    if url is not None:
        return {"text": f"![image]({url})"}
    return {"inlineData": {"mimeType": picture.mime_type, "data": picture.data}}
