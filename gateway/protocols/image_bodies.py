"""What goes upstream for pictures: generateContent for the image models, predict for the older Imagen.

Pure; called by handlers/openai_images.
"""

import math

import orjson

from gateway.protocols.image_requests import ImageCall
from gateway.protocols.media import Media
from gateway.protocols.model_names import model_traits
from gateway.protocols.shapes import JsonObject, Part

PREDICTED_AT_ONCE = 4
"""Imagen paints so many pictures in one call."""

# Source: Gemini API, image generation guide; the long ones since 3.1.
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_LONG_RATIOS = (*_RATIOS, "1:4", "4:1", "1:8", "8:1")
_IMAGEN_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
_MASKED = (
    "The last picture is a mask for the first one. Change the first picture only where the mask is "
    "transparent, and keep everything else exactly as it is."
)


def is_imagen(model: str) -> bool:
    """True for the models that are asked by predict."""
    return model.startswith("imagen")


def generation_body(call: ImageCall) -> bytes:
    """The GenerateContentRequest for one picture."""
    pictures = [*call.pictures, *([call.mask] if call.mask is not None else [])]
    parts: list[Part] = [_inline(picture) for picture in pictures]
    if call.mask is not None:
        parts.append({"text": _MASKED})
    parts.append({"text": call.prompt})
    config: JsonObject = {"responseModalities": ["TEXT", "IMAGE"]}
    if image_config := _image_config(call):
        config["imageConfig"] = image_config
    return orjson.dumps({"contents": [{"role": "user", "parts": parts}], "generationConfig": config})


def prediction_body(call: ImageCall, count: int) -> bytes:
    """The PredictRequest for some pictures. Source: Gemini API, Imagen guide."""
    parameters: JsonObject = {"sampleCount": count}
    if call.ratio is not None:
        parameters["aspectRatio"] = _nearest(call.ratio, _IMAGEN_RATIOS)
    if call.size is not None:
        parameters["sampleImageSize"] = "2K" if call.size == "4K" else call.size
    return orjson.dumps({"instances": [{"prompt": call.prompt}], "parameters": parameters})


def _image_config(call: ImageCall) -> JsonObject:
    traits = model_traits(call.model)
    config: JsonObject = {}
    if call.ratio is not None:
        is_newer = traits.version is None or traits.version >= (3, 1)
        config["aspectRatio"] = _nearest(call.ratio, _LONG_RATIOS if is_newer else _RATIOS)
    if call.size is not None and traits.third_or_later:
        config["imageSize"] = call.size
    return config


def _nearest(ratio: float, ratios: tuple[str, ...]) -> str:
    def distance(text: str) -> float:
        width, _, height = text.partition(":")
        return abs(math.log(ratio * int(height) / int(width)))

    return min(ratios, key=distance)


def _inline(picture: Media) -> Part:
    return {"inlineData": {"mimeType": picture.mime_type, "data": picture.data}}
