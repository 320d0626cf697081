"""Wishes of the API read into the control plane's values: every field checked, unknown ones refused."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_args

from admin.api.base import ApiError
from gateway.control.key_edits import KeyEdit, NewKeys
from gateway.control.key_tasks import Selection
from gateway.control.key_views import KeyChoice, KeyFilter
from gateway.control.results import FieldError
from gateway.control.token_desk import Limits, TokenEdit
from gateway.store.call_query import CallQuery
from gateway.store.key_query import KeySort

T = TypeVar("T")
_MOST_IDS = 100_000
_BIGGEST = 2**63 - 1


class Wish:
    """A JSON object, read field by field; `done` refuses what nobody asked about."""

    def __init__(self, given: Mapping[str, Any], inside: str = "") -> None:
        self._given = dict(given)
        self._inside = inside
        self._read: set[str] = set()
        self._errors: list[FieldError] = []

    def text(self, name: str, usual: str = "") -> str:
        found = self.maybe_text(name)
        return usual if found is None else found

    def maybe_text(self, name: str) -> str | None:
        found: str | None = self._field(name, lambda value: isinstance(value, str), "must be text")
        return found

    def switch(self, name: str, *, usual: bool) -> bool:
        found = self.maybe_switch(name)
        return usual if found is None else found

    def maybe_switch(self, name: str) -> bool | None:
        found: bool | None = self._field(name, lambda value: isinstance(value, bool), "must be true or false")
        return found

    def whole(self, name: str, usual: int) -> int:
        found = self.maybe_whole(name)
        return usual if found is None else found

    def maybe_whole(self, name: str) -> int | None:
        found: int | None = self._field(name, _is_whole, "must be a whole number")
        return found

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, None when it is not there."""
        found = self._field(name, _are_texts, "must be a list of texts")
        return None if found is None else tuple(found)

    def ids(self, name: str) -> tuple[int, ...] | None:
        """A list of ids, None when it is not there."""
        found = self._field(name, _are_ids, f"must be a list of at most {_MOST_IDS} ids")
        return None if found is None else tuple(found)

    def inner(self, name: str) -> "Wish | None":
        """An object within, None when it is not there."""
        found = self._field(name, lambda value: isinstance(value, dict), "must be an object")
        return None if found is None else Wish(found, f"{self._inside}{name}.")

    def done(self) -> None:
        """Raises ApiError for what was wrong or unknown."""
        unknown = [name for name in self._given if name not in self._read]
        errors = [
            *self._errors,
            *(FieldError(f"{self._inside}{name}", "There is no such field.") for name in unknown),
        ]
        if errors:
            message = " ".join(f"{each.field}: {each.message}" for each in errors)
            raise ApiError(422, message, errors)

    def _field(self, name: str, fits: Callable[[Any], bool], words: str) -> Any:
        """A field's value; None when it is null, missing or not of its kind."""
        self._read.add(name)
        value = self._given.get(name)
        if value is not None and not fits(value):
            self._errors.append(FieldError(f"{self._inside}{name}", words))
            return None
        return value


def new_keys(wish: Wish) -> tuple[str, NewKeys, bool]:
    """What to add, and whether it is only to be looked at: text, labels, dry_run."""
    text = wish.text("text")
    new = NewKeys(
        provider=wish.text("provider", "gemini"),
        note=wish.text("note"),
        tags=wish.texts("tags") or (),
        project=wish.text("project"),
        weight=wish.whole("weight", 1),
        enabled=wish.switch("enabled", usual=True),
    )
    dry_run = wish.switch("dry_run", usual=False)
    wish.done()
    return text, new, dry_run


def key_edit(wish: Wish) -> KeyEdit:
    edit = KeyEdit(
        enabled=wish.maybe_switch("enabled"),
        note=wish.maybe_text("note"),
        project=wish.maybe_text("project"),
        weight=wish.maybe_whole("weight"),
        tags=wish.texts("tags"),
        add_tags=wish.texts("add_tags") or (),
        remove_tags=wish.texts("remove_tags") or (),
    )
    wish.done()
    return edit


def selection(wish: Wish) -> Selection:
    """`ids`, or `filter`: an empty one matches every key. Leaves `done` to the caller. Raises ApiError."""
    ids, matching = wish.ids("ids"), wish.inner("filter")
    if (ids is None) == (matching is None):
        raise ApiError(
            422, "Name either ids or a filter.", [FieldError("ids", "Name either ids or a filter.")]
        )
    return Selection(ids) if matching is None else Selection(matching=posted_filter(matching))


def posted_filter(wish: Wish) -> KeyFilter:
    """A filter from an object of the body. Raises ApiError."""
    given = {field.name: wish.text(field.name) for field in fields(KeyFilter) if field.name != "descending"}
    descending = wish.switch("descending", usual=False)
    wish.done()
    return key_filter({**given, "descending": str(descending)})


def key_filter(given: Mapping[str, str]) -> KeyFilter:
    """A filter from a query's arguments. Raises ApiError."""
    state, sort = given.get("state", ""), given.get("sort", "") or "added"
    if state not in get_args(KeyChoice):
        raise _wrong("state", f"must be one of {', '.join(filter(None, get_args(KeyChoice)))}")
    if sort not in get_args(KeySort):
        raise _wrong("sort", f"must be one of {', '.join(get_args(KeySort))}")
    return KeyFilter(
        text=given.get("text", ""),
        provider=given.get("provider", ""),
        state=state,  # type: ignore[arg-type]  # one of them, as was just checked
        reason=given.get("reason", ""),
        failed=given.get("failed", ""),
        tag=given.get("tag", ""),
        project=given.get("project", ""),
        model=given.get("model", ""),
        sort=sort,  # type: ignore[arg-type]  # as above
        descending=given.get("descending", "").lower() in ("1", "true", "yes"),
    )


def limits(wish: Wish) -> Limits:
    found = Limits(
        requests_per_minute=wish.maybe_whole("requests_per_minute"),
        tokens_per_day=wish.maybe_whole("tokens_per_day"),
        models=wish.texts("models"),
        expires_at_ms=wish.maybe_whole("expires_at_ms"),
    )
    wish.done()
    return found


def token_edit(wish: Wish) -> TokenEdit:
    inner = wish.inner("limits")
    edit = TokenEdit(
        name=wish.maybe_text("name"),
        enabled=wish.maybe_switch("enabled"),
        limits=None if inner is None else limits(inner),
    )
    wish.done()
    return edit


def call_query(given: Mapping[str, str]) -> CallQuery:
    """Which calls, from a query's arguments; `outcome` may name several, with commas. Raises ApiError."""
    return CallQuery(
        since_ms=number(given, "since_ms"),
        until_ms=number(given, "until_ms"),
        token_id=number(given, "token_id"),
        model=given.get("model") or None,
        dialect=given.get("dialect") or None,
        status=number(given, "status"),
        failure_kind=given.get("failure_kind") or None,
        key_id=number(given, "key_id"),
        key_failed={"true": True, "false": False}.get(given.get("key_failed", "").lower()),
        outcomes=tuple(filter(None, given.get("outcome", "").split(","))),
        request_id=given.get("request_id") or None,
        min_duration_ms=number(given, "min_duration_ms"),
        min_first_token_ms=number(given, "min_first_token_ms"),
        min_total_tokens=number(given, "min_total_tokens"),
        min_attempts=number(given, "min_attempts"),
    )


def number(given: Mapping[str, str], name: str, usual: T | None = None) -> int | T | None:
    """A whole number of a query's arguments. Raises ApiError."""
    text = given.get(name, "")
    if not text:
        return usual
    if not text.lstrip("-").isdecimal() or abs(int(text)) > _BIGGEST:
        raise _wrong(name, "must be a whole number")
    return int(text)


def _wrong(name: str, words: str) -> ApiError:
    return ApiError(422, f"{name}: {words}", [FieldError(name, words)])


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _BIGGEST


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_IDS and all(_is_whole(each) for each in value)
