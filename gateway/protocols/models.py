"""Gemini's model list: its pages as one, and in OpenAI's shape.

Pure; the list itself comes from the upstream (control/model_list.py). Called there and by the handlers of the
model lists.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from gateway.protocols.fields import wrong_value
from gateway.protocols.model_suffixes import ModelChoices, twins
from gateway.protocols.shapes import JsonObject, OpenAIModel, OpenAIModelList

OWNER = "google"
CREATED_S = 1_700_000_000
"""Gemini tells no dates of models, and clients insist on a number: one constant for all."""
MOST_A_PAGE = 1000


def read_models(pages: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """The entries of all pages that have a name, each name once, in order."""
    by_name: dict[str, JsonObject] = {}
    for page in pages:
        listed = page.get("models")
        for entry in listed if isinstance(listed, list) else ():
            name = entry.get("name") if isinstance(entry, dict) else None
            if isinstance(name, str) and name.removeprefix("models/"):
                by_name.setdefault(name, entry)
    return tuple(by_name.values())


def next_page_token(page: JsonObject) -> str:
    """What asks for the page after this one, fit for a query; "" when there is none."""
    token = page.get("nextPageToken")
    return quote(token, safe="") if isinstance(token, str) else ""


def bare_name(model: JsonObject) -> str:
    """An entry's name as requests give it: `gemini-x`."""
    name: str = model["name"]
    return name.removeprefix("models/")


def shown_models(models: Iterable[JsonObject], choices: ModelChoices) -> list[JsonObject]:
    """The entries a client is shown: without the hidden ones, each followed by its suffixed twins."""
    listed = list(models)
    real = {bare_name(model) for model in listed}
    shown: list[JsonObject] = []
    for model in listed:
        bare = bare_name(model)
        if bare in choices.filtered:
            continue
        shown.append(model)
        for twin in twins(bare, choices):
            if twin not in real and twin not in choices.filtered:
                title = f"{model.get('displayName', bare)} ({twin.removeprefix(bare + '-')})"
                shown.append({**model, "name": f"models/{twin}", "displayName": title})
    return shown


def find_model(models: Iterable[JsonObject], bare: str) -> JsonObject | None:
    return next((model for model in models if bare_name(model) == bare), None)


def generating_models(models: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """Those that answer prompts."""
    return tuple(model for model in models if "generateContent" in _methods(model))


def publisher_models(catalogue: JsonObject) -> tuple[JsonObject, ...]:
    """The entries of Vertex's catalogue as Gemini lists models; of them it tells no more than the name."""
    listed = catalogue.get("publisherModels")
    names = [
        str(entry.get("name", "")).rpartition("/")[2]
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, dict)
    ]
    return tuple(
        {"name": f"models/{name}", "supportedGenerationMethods": ["generateContent", "countTokens"]}
        for name in dict.fromkeys(names)
        if name.startswith("gemini-")
    )


def gemini_page(models: Sequence[JsonObject], *, page_size: str, page_token: str) -> JsonObject:
    """One page in Gemini's shape. Raises BadRequest.

    page_size    as the client wrote it; "" for as much as a page may hold
    page_token   "" or one this function gave
    """
    size = _number(page_size, "pageSize") or MOST_A_PAGE
    start = _number(page_token, "pageToken")
    end = start + min(size, MOST_A_PAGE)
    page: JsonObject = {"models": list(models[start:end])}
    if end < len(models):
        page["nextPageToken"] = str(end)
    return page


def openai_model(model: JsonObject) -> OpenAIModel:
    return {"id": bare_name(model), "object": "model", "created": CREATED_S, "owned_by": OWNER}


def openai_models(models: Iterable[JsonObject]) -> OpenAIModelList:
    return {"object": "list", "data": [openai_model(model) for model in models]}


def _methods(model: JsonObject) -> Sequence[str]:
    methods = model.get("supportedGenerationMethods")
    return methods if isinstance(methods, list) else ()


def _number(text: str, param: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise wrong_value(param, "it is not a number this gateway gave or understands.")
    return int(text)
