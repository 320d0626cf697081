"""The ids of a Response's items: each names the response it stands in, so that a reference finds its way.

An output item is `<prefix>_<id>_<n>`, an input item `<prefix>_<id>_i<n>`, in the response `resp_<id>`. Read
where items are made and where a client points at one (`item_reference`).
"""

import re
from collections.abc import Iterable
from types import MappingProxyType

from gateway.protocols.shapes import JsonObject

RESPONSE = "resp_"
"""What a response's id begins with."""
_PREFIXES = MappingProxyType(
    {
        "message": "msg",
        "reasoning": "rs",
        "function_call": "fc",
        "function_call_output": "fco",
        "custom_tool_call": "ctc",
        "custom_tool_call_output": "ctco",
        "web_search_call": "ws",
        "image_generation_call": "ig",
    }
)
_ITEM = re.compile(r"[a-z]{1,8}_([A-Za-z0-9._:-]{1,128})_i?[0-9]{1,6}", re.ASCII)


def output_item_id(prefix: str, response_id: str, n: int) -> str:
    """The id of a response's output item number n.

    prefix   of the item's kind: msg, rs, fc, ctc, ws, ig
    n        counted from 0
    """
    return f"{prefix}_{response_id.removeprefix(RESPONSE)}_{n}"


def input_item_id(prefix: str, response_id: str, n: int) -> str:
    """The id of a response's own input item number n, counted from 0; the prefix is msg, fc, fco, rs, …"""
    return f"{prefix}_{response_id.removeprefix(RESPONSE)}_i{n}"


def response_of_item(item_id: str) -> str | None:
    """The id of the response that an item stands in; None for an id that is not ours."""
    found = _ITEM.fullmatch(item_id)
    return None if found is None else RESPONSE + found[1]


def with_input_ids(items: Iterable[JsonObject], response_id: str) -> list[JsonObject]:
    """A response's own input items, each with an id: the client's, or one by its kind and place."""
    return [
        item
        if item.get("id")
        else {**item, "id": input_item_id(_PREFIXES.get(str(item.get("type")), "item"), response_id, n)}
        for n, item in enumerate(items)
    ]
