"""Google's own fields in an OpenAI body: `google`, at the top or under `extra_body`, as clients write both.

Source: Gemini API, OpenAI compatibility page (extra_body). Called by openai_request.
"""

from gateway.protocols.fields import as_object, as_str, optional_list, optional_object
from gateway.protocols.shapes import GenerateContentRequest, GenerationConfig, JsonObject

_WITHIN = "google."
PLACES = frozenset({"google", "extra_body"})
"""Where a body may have them."""


def read_extension(body: JsonObject) -> JsonObject:
    """The members of both places, those at the top first. Raises BadRequest."""
    if body.keys().isdisjoint(PLACES):
        return {}
    extra_body = optional_object(body, "extra_body") or {}
    nested = optional_object(extra_body, "google", within="extra_body.") or {}
    return {**nested, **(optional_object(body, "google") or {})}


def thinking_of(google: JsonObject) -> JsonObject | None:
    """The client's own thinking_config. Raises BadRequest."""
    return optional_object(google, _spelled(google, "thinking_config", "thinkingConfig"), within=_WITHIN)


def add_to_config(config: GenerationConfig, google: JsonObject) -> None:
    """Take over what stands in generationConfig; Gemini reads either spelling inside. Raises BadRequest."""
    image = optional_object(google, _spelled(google, "image_config", "imageConfig"), within=_WITHIN)
    if image:
        config["imageConfig"] = image
    name = _spelled(google, "response_modalities", "responseModalities")
    if modalities := optional_list(google, name, within=_WITHIN):
        config["responseModalities"] = [
            as_str(item, f"{_WITHIN}{name}[{position}]").upper() for position, item in enumerate(modalities)
        ]


def add_to_request(request: GenerateContentRequest, google: JsonObject) -> None:
    """Take over what stands at the top of a request. Raises BadRequest."""
    name = _spelled(google, "cached_content", "cachedContent")
    if google.get(name) is not None:
        request["cachedContent"] = as_str(google[name], _WITHIN + name)
    name = _spelled(google, "safety_settings", "safetySettings")
    settings = optional_list(google, name, within=_WITHIN)
    if settings is not None:
        request["safetySettings"] = [
            as_object(setting, f"{_WITHIN}{name}[{position}]") for position, setting in enumerate(settings)
        ]


def _spelled(google: JsonObject, snake: str, camel: str) -> str:
    return camel if google.get(snake) is None and camel in google else snake
