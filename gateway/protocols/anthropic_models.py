"""Models as clients of Anthropic's API know them: its names served by Gemini's, and its form of the list.

Pure. Called by handlers/anthropic.
"""

from collections.abc import Mapping, Sequence

from gateway.errors import BadRequest
from gateway.protocols.models import MOST_A_PAGE, bare_name
from gateway.protocols.shapes import JsonObject

CREATED_AT = "2023-11-14T22:13:20Z"
"""Gemini tells no dates of models, and clients insist on one: the constant of `models.CREATED_S`."""
_USUAL_A_PAGE = 20
_OWN = "claude"
_LONG_CONTEXT = "[1m]"


def served_model(name: str, serving: Mapping[str, str]) -> str:
    """The model that serves a name: the name itself, unless it is one of Anthropic's. Raises BadRequest.

    name      as the client wrote it; Claude Code's `[1m]` behind it says nothing here
    serving   part of a name → model; the longest part that fits counts
    """
    asked = name.removesuffix(_LONG_CONTEXT)
    if _OWN not in asked:
        return asked
    fitting = [part for part in serving if part in asked]
    if not fitting:
        raise BadRequest(
            f"No model serves {name[:128]!r} here: let the client ask for one of Gemini's, or the operator "
            "name one in CLAUDE_MODELS.",
            status=404,
            param="model",
            code="model_not_found",
        )
    return serving[max(fitting, key=len)]


def anthropic_model(model: JsonObject) -> JsonObject:
    """An entry of Gemini's list in Anthropic's shape."""
    name, shown = bare_name(model), model.get("displayName")
    title = shown if isinstance(shown, str) and shown else name
    return {"type": "model", "id": name, "display_name": title, "created_at": CREATED_AT}


def anthropic_page(models: Sequence[JsonObject], *, limit: int, after: str, before: str) -> JsonObject:
    """One page of the list in Anthropic's shape.

    limit           how many at most, 0 for Anthropic's own 20
    after, before   the id next to which the page begins or ends, "" for none; an unknown one is none
    """
    size = min(limit or _USUAL_A_PAGE, MOST_A_PAGE)
    names = [bare_name(model) for model in models]
    if after not in names and before in names:
        end = names.index(before)
        start = max(0, end - size)
        has_more = start > 0
    else:
        start = names.index(after) + 1 if after in names else 0
        end = min(len(names), start + size)
        has_more = end < len(names)
    page = [anthropic_model(model) for model in models[start:end]]
    return {
        "data": page,
        "has_more": has_more,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
