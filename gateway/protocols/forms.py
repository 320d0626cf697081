"""The fields of a form as the JSON body would have them: OpenAI's SDKs write both for one request.

Pure; called by handlers/forms.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.protocols.shapes import JsonObject

_WHOLE = frozenset({"n", "output_compression", "partial_images"})
_NUMBERS = frozenset({"temperature"})
_SWITCHES: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


def typed_fields(texts: Mapping[str, Sequence[str]]) -> JsonObject:
    """Give `n` as a number, `stream` as a switch, `include[]` as a list.

    texts   every value of every field, as written; what is no number stays text, for the reader to refuse
    """
    fields: JsonObject = {}
    for name, values in texts.items():
        if name.endswith("[]"):
            fields[name.removesuffix("[]")] = list(values)
        else:
            fields[name] = _typed(name, values[-1])
    return fields


def _typed(name: str, text: str) -> Any:
    try:
        if name in _WHOLE:
            return int(text)
        if name in _NUMBERS:
            return float(text)
    except ValueError:
        return text
    return _SWITCHES.get(text.lower(), text) if name == "stream" else text
