"""Gemini's model list → OpenAI's.

Pure; the list itself comes from the upstream. Called by the handlers of `/v1/models`.
"""

from gateway.protocols.shapes import JsonObject, OpenAIModel, OpenAIModelList

OWNER = "google"


def openai_model(model: JsonObject, *, created_s: int) -> OpenAIModel | None:
    """One model, or None when the entry has no name.

    created_s   Gemini tells no date; any constant Unix time, because clients insist on a number
    """
    name = model.get("name")
    if not isinstance(name, str) or not (bare := name.removeprefix("models/")):
        return None
    return {"id": bare, "object": "model", "created": created_s, "owned_by": OWNER}


def openai_models(reply: JsonObject, *, created_s: int) -> OpenAIModelList:
    """The whole list, in the upstream's order, each id once. `reply` is `{"models": [...]}`."""
    listed = reply.get("models")
    by_id: dict[str, OpenAIModel] = {}
    for entry in listed if isinstance(listed, list) else ():
        model = openai_model(entry, created_s=created_s) if isinstance(entry, dict) else None
        if model is not None:
            by_id.setdefault(model["id"], model)
    return {"object": "list", "data": list(by_id.values())}
