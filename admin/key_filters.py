"""The address of a list of keys, read and written: which keys, in which order, which page. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args
from urllib.parse import urlencode

from gateway.control.key_list import PAGE_SIZES
from gateway.control.key_views import KeyChoice, KeyFilter
from gateway.store.key_query import KeySort

USUAL_SIZE = 50
_MOST_CHARS = 500
_MOST_DIGITS = 9
NAMES = (*(each.name for each in fields(KeyFilter)), "page", "size")
"""What stands in an address."""
_TEXTS = ("text", "provider", "reason", "failed", "tag", "project", "model")


@dataclass(frozen=True, slots=True)
class KeyAddress:
    """What an address asks for; `size` is the keys of a page."""

    filter: KeyFilter = field(default_factory=KeyFilter)
    page: int = 1
    size: int = USUAL_SIZE

    @property
    def query(self) -> str:
        """The query that asks for the same; what is as usual is left out."""
        usual = KeyFilter()
        asked: dict[str, Any] = {
            each.name: getattr(self.filter, each.name)
            for each in fields(KeyFilter)
            if getattr(self.filter, each.name) != getattr(usual, each.name)
        }
        if "descending" in asked:
            asked["descending"] = 1
        if self.page > 1:
            asked["page"] = self.page
        if self.size != USUAL_SIZE:
            asked["size"] = self.size
        return urlencode(asked)

    def link(self, path: str = "/keys", **changes: Any) -> str:
        """The address with changes of filter, `page` or `size`; another filter begins at its first page."""
        page = changes.pop("page", self.page if not changes else 1)
        size = changes.pop("size", self.size)
        query = KeyAddress(replace(self.filter, **changes), page, size).query
        return f"{path}?{query}" if query else path

    def sorted_by(self, sort: KeySort) -> str:
        """The address in another order: names from A, numbers from the highest; once more turns it round."""
        is_same = self.filter.sort == sort
        return self.link(sort=sort, descending=not self.filter.descending if is_same else sort != "alias")

    @property
    def is_narrowed(self) -> bool:
        """Whether not every key is asked for."""
        return replace(self.filter, sort="added", descending=False) != KeyFilter()


def read_key_address(asked: Mapping[str, str]) -> KeyAddress:
    """An address from a query; what makes no sense is as usual."""
    texts = {name: asked.get(name, "")[:_MOST_CHARS].strip() for name in _TEXTS}
    state, sort = asked.get("state", ""), asked.get("sort", "")
    size = _whole(asked.get("size", ""), USUAL_SIZE)
    return KeyAddress(
        KeyFilter(
            **texts,
            state=next((each for each in get_args(KeyChoice) if each == state), ""),
            sort=next((each for each in get_args(KeySort) if each == sort), "added"),
            descending=asked.get("descending", "") == "1",
        ),
        page=max(_whole(asked.get("page", ""), 1), 1),
        size=size if size in PAGE_SIZES else USUAL_SIZE,
    )


def _whole(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else usual
