"""The address of a list of calls, read and written: which calls, from which one on. Pure.

Times stand in it in UTC, so that an address means the same to everybody; a form sends them on the reader's
clock, and is led on to the address that says it in UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from admin.trial import DIALECTS
from gateway.control.endings import OUTCOMES, Ending
from gateway.control.limiter import day_of
from gateway.pool.calendar import last_pacific_midnight
from gateway.store.call_query import CallQuery

USUAL_SIZE = 50
SIZES = (20, 50, 100, 200)
TODAY, QUOTA_DAY = "today", "quota_day"
"""Ranges that begin at midnight: at the gateway's, as a token's day, and at Google's, as a key's day."""
UNSERVED = "unserved"
"""Both endings that should have been answers."""
ENDINGS: Mapping[str, tuple[Ending, ...]] = {
    UNSERVED: (Ending.LIMITED, Ending.FAILED),
    **{ending.value: (ending,) for ending in Ending},
}
TRIED = ("success", "failed")
_DIALECTS = (*DIALECTS, "anthropic")
_RANGE = re.compile(r"([1-9]\d{0,3})([mhd])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MOST_CHARS = 300
_BIGGEST = 2**63 - 2
"""One less than a database holds: the call after it can be named."""
_MOST_SECONDS = 10_000_000.0
_SHAPE = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls an address names; what is "" or None does not matter.

    range             "24h", TODAY, QUOTA_DAY: until now · since_ms, until_ms: from and to, without a range
    ending            how they ended: one of ENDINGS
    kind              how they failed; with `key`, how an attempt with that key did
    tried             how attempts with `key` ended: one of TRIED
    request           a request id or its beginning
    slower, first     at least so many seconds, whole and to the first token
    tokens, attempts  at least so many
    """

    range: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    ending: str = ""
    model: str = ""
    token: int | None = None
    key: int | None = None
    tried: str = ""
    kind: str = ""
    dialect: str = ""
    status: int | None = None
    request: str = ""
    slower: float | None = None
    first: float | None = None
    tokens: int | None = None
    attempts: int | None = None

    def query(self, now_ms: int, zone: str) -> CallQuery:
        """The same as the store is asked; the gateway's days begin in `zone`."""
        outcomes = [outcome for ending in ENDINGS.get(self.ending, ()) for outcome in OUTCOMES[ending]]
        return CallQuery(
            since_ms=range_starts_ms(self.range, now_ms, zone) if self.range else self.since_ms,
            until_ms=None if self.range else self.until_ms,
            token_id=self.token,
            model=self.model or None,
            dialect=self.dialect or None,
            status=self.status,
            failure_kind=self.kind or None,
            key_id=self.key,
            key_failed=None if self.key is None or not self.tried else self.tried == "failed",
            outcomes=tuple(outcome.value for outcome in outcomes),
            request_id=self.request or None,
            min_duration_ms=_milliseconds(self.slower),
            min_first_token_ms=_milliseconds(self.first),
            min_total_tokens=self.tokens,
            min_attempts=self.attempts,
        )


NAMES = (
    *(each.name for each in fields(CallFilter) if not each.name.endswith("_ms")),
    *("from", "to", "before", "after", "size"),
)
"""What stands in an address."""


@dataclass(frozen=True, slots=True)
class CallAddress:
    """What an address asks for.

    before, after   the call behind which the page of older, or of newer ones begins
    size            calls of a page
    """

    filter: CallFilter = field(default_factory=CallFilter)
    before: int | None = None
    after: int | None = None
    size: int = USUAL_SIZE

    @property
    def query(self) -> str:
        """The query that asks for the same; what does not matter is left out."""
        asked: dict[str, Any] = {}
        for each in fields(CallFilter):
            value = getattr(self.filter, each.name)
            if value in ("", None):
                continue
            name = {"since_ms": "from", "until_ms": "to"}.get(each.name, each.name)
            asked[name] = utc_text(value) if each.name.endswith("_ms") else _plain(value)
        asked |= {"before": self.before, "after": self.after}
        if self.size != USUAL_SIZE:
            asked["size"] = self.size
        return urlencode({name: value for name, value in asked.items() if value is not None})

    def link(self, path: str = "/calls", **changes: Any) -> str:
        """The address with changes of the filter or the place; whatever changes, it begins at the newest."""
        place = {name: changes.pop(name, None) for name in ("before", "after")}
        size = changes.pop("size", self.size)
        if "range" in changes:
            changes |= {"since_ms": None, "until_ms": None}
        query = CallAddress(replace(self.filter, **changes), **place, size=size).query
        return f"{path}?{query}" if query else path

    def here(self, path: str = "/calls") -> str:
        """The same page, or another path about the same calls."""
        return self.link(path, before=self.before, after=self.after)

    @property
    def is_narrowed(self) -> bool:
        """Whether not every call is asked for."""
        return self.filter != CallFilter()


def read_call_address(asked: Mapping[str, str], zone: str) -> CallAddress:
    """An address from a query; what makes no sense does not matter. `zone`: of times that name none."""
    text = {name: asked.get(name, "")[:_MOST_CHARS].strip() for name in NAMES}
    size = _whole(text["size"]) or USUAL_SIZE
    since_ms, until_ms = _moment(text["from"], zone), _moment(text["to"], zone)
    # A form sends the range that was shown along with the times that were typed.
    is_range = since_ms is None and until_ms is None and _is_range(text["range"])
    return CallAddress(
        CallFilter(
            range=text["range"] if is_range else "",
            since_ms=since_ms,
            until_ms=until_ms,
            ending=text["ending"] if text["ending"] in ENDINGS else "",
            model=text["model"],
            token=_whole(text["token"]),
            key=_whole(text["key"]),
            tried=text["tried"] if text["tried"] in TRIED else "",
            kind=text["kind"],
            dialect=text["dialect"] if text["dialect"] in _DIALECTS else "",
            status=_whole(text["status"]),
            request=text["request"],
            slower=_seconds(text["slower"]),
            first=_seconds(text["first"]),
            tokens=_whole(text["tokens"]),
            attempts=_whole(text["attempts"]),
        ),
        before=_whole(text["before"]),
        after=_whole(text["after"]),
        size=size if size in SIZES else USUAL_SIZE,
    )


def range_starts_ms(text: str, now_ms: int, zone: str) -> int:
    """When a range that ends now began."""
    if text == TODAY:
        return int(day_of(now_ms / 1000, zone).starts_s * 1000)
    if text == QUOTA_DAY:
        return int(last_pacific_midnight(now_ms / 1000) * 1000)
    match = _RANGE.fullmatch(text)
    return now_ms - int(match[1]) * _UNIT_MS[match[2]] if match else now_ms


def _is_range(text: str) -> bool:
    return text in (TODAY, QUOTA_DAY) or _RANGE.fullmatch(text) is not None


def utc_text(epoch_ms: int) -> str:
    """A moment as it stands in an address."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime(f"{_SHAPE}Z")


def local_text(epoch_ms: int | None, zone: str) -> str:
    """A moment as `<input type=datetime-local>` wants it, on the reader's clock; "" for none."""
    if epoch_ms is None:
        return ""
    return datetime.fromtimestamp(epoch_ms / 1000, ZoneInfo(zone)).strftime(_SHAPE)


def _moment(text: str, zone: str) -> int | None:
    """A moment in epoch milliseconds; on the reader's clock where the text names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1971 <= found.year <= 2200:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)


def _whole(text: str) -> int | None:
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= _BIGGEST else None


def _seconds(text: str) -> float | None:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return None
    return found if 0 < found <= _MOST_SECONDS else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _plain(value: object) -> object:
    """A number as people write it: 10, not 10.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
