"""A token's form: from texts to limits and back; what is wrong with each field, in the reader's words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from admin.contexts.tokens import TokenFields
from admin.readers import Reader
from admin.words import phrase
from gateway.control.results import Refused
from gateway.control.token_desk import Limits, TokenView

Words = Callable[[str], str]
_TIME_SHAPE = "%Y-%m-%dT%H:%M"
_MOST_DIGITS = 15


def _(message: str) -> str:
    return message


_BY_FIELD: Mapping[str, str] = {
    "requests_per_minute": _("Give a whole number, or leave it empty."),
    "tokens_per_day": _("Give a whole number, or leave it empty."),
    "models": _("Give at most 200 names or patterns without spaces, one a line."),
    "expires": _("Give a date and a time, or leave it empty."),
}


def read_limits(fields: TokenFields, zone: str, words: Words) -> tuple[Limits, dict[str, str]]:
    """The limits a form asks for, and what is wrong by field."""
    wrong: list[str] = []
    counts: dict[str, int | None] = {}
    for name in ("requests_per_minute", "tokens_per_day"):
        text = getattr(fields, name)
        is_count = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        counts[name] = int(text) if is_count else None
        if text and not is_count:
            wrong.append(name)
    expires_at_ms = None
    if fields.expires:
        try:
            at = datetime.strptime(fields.expires, _TIME_SHAPE).replace(tzinfo=ZoneInfo(zone))
            expires_at_ms = int(at.timestamp() * 1000)
        except (ValueError, OverflowError):
            wrong.append("expires")
    models = tuple(line.strip() for line in fields.models.splitlines() if line.strip())
    return Limits(**counts, models=models or None, expires_at_ms=expires_at_ms), {
        name: words(_BY_FIELD[name]) for name in wrong
    }


def refusals(refused: Refused, reader: Reader, words: Words) -> dict[str, str]:
    """What the desk refused, by the form's fields."""
    found = {}
    for each in refused.errors:
        name = "expires" if each.field == "expires_at_ms" else each.field
        found[name] = words(_BY_FIELD[name]) if name in _BY_FIELD else phrase(each.words, each.values, reader)
    return found


def fields_of(token: TokenView, reader: Reader) -> TokenFields:
    """The form of a token as it stands."""
    limits = token.limits
    return TokenFields(
        name=token.name,
        requests_per_minute=_text(limits.requests_per_minute),
        tokens_per_day=_text(limits.tokens_per_day),
        models="\n".join(limits.models or ()),
        expires="" if limits.expires_at_ms is None else f"{reader.at(limits.expires_at_ms):{_TIME_SHAPE}}",
    )


def _text(count: int | None) -> str:
    return "" if count is None else str(count)
