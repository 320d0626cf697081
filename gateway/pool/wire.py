"""What is remembered and shared, as JSON: one stable form for the store and between processes.

The version grows when a field changes its meaning; new fields with defaults do not change it. Called by the
write-behind and the change bus.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from gateway.pool.bucket import BucketState, Owner
from gateway.pool.changes import BucketChange, KeyChange, LimitCount, LimitState, State
from gateway.pool.key import KeyState
from gateway.protocols.failures import FailureKind

VERSION = 1
_NAMES = MappingProxyType({KeyChange: "key", BucketChange: "bucket", LimitState: "limits"})


def to_json(state: State) -> str:
    """Give a change or a limit state as one line of JSON, without secrets."""
    # Enumerations are written by their value, dataclasses field by field.
    return orjson.dumps({"v": VERSION, "is": _NAMES[type(state)], "of": state}).decode()


def from_json(text: str | bytes) -> State | None:
    """Read what `to_json` wrote; None for what another release wrote and this one does not know."""
    try:
        read = orjson.loads(text)
        if not isinstance(read, dict) or read.get("v") != VERSION:
            return None
        fields = read["of"]
        if read["is"] == "key":
            return _key(fields)
        if read["is"] == "bucket":
            return _bucket(fields)
        return _limits(fields) if read["is"] == "limits" else None
    except (KeyError, TypeError, ValueError):  # a missing field, a wrong type, a name nobody knows
        return None


def _key(fields: Mapping[str, Any]) -> KeyChange:
    kind = fields["kind"]
    return KeyChange(
        key_id=_whole(fields["key_id"]),
        alias=_text(fields["alias"]),
        provider=_text(fields["provider"]),
        state=KeyState(fields["state"]),
        kind=None if kind is None else FailureKind(kind),
        message=_text(fields["message"]),
        since_s=float(fields["since_s"]),
        until_s=_moment(fields["until_s"]),
        project=None if fields["project"] is None else _text(fields["project"]),
        activation_url=None if fields.get("activation_url") is None else _text(fields["activation_url"]),
    )


def _bucket(fields: Mapping[str, Any]) -> BucketChange:
    return BucketChange(
        provider=_text(fields["provider"]),
        owner=_owner(fields["owner"]),
        model=_text(fields["model"]),
        alias=_text(fields["alias"]),
        state=BucketState(fields["state"]),
        kind=FailureKind(fields["kind"]),
        message=_text(fields["message"]),
        since_s=float(fields["since_s"]),
        until_s=_moment(fields["until_s"]),
        streak=_whole(fields["streak"]),
    )


def _limits(fields: Mapping[str, Any]) -> LimitState:
    return LimitState(
        provider=_text(fields["provider"]),
        owner=_owner(fields["owner"]),
        model=_text(fields["model"]),
        as_of_s=float(fields["as_of_s"]),
        limits=tuple(_limit(limit) for limit in fields["limits"]),
        typical_tokens=_whole(fields.get("typical_tokens", 0)),
        fresh_requests=_whole(fields.get("fresh_requests", 0)),
        fresh_tokens=_whole(fields.get("fresh_tokens", 0)),
    )


def _limit(fields: Mapping[str, Any]) -> LimitCount:
    return LimitCount(
        quota_id=_text(fields["quota_id"]),
        window=_text(fields["window"]),
        tokens=bool(fields["tokens"]),
        value=_whole(fields["value"]),
        allowed=_whole(fields["allowed"]),
        heard_s=float(fields["heard_s"]),
        used=_whole(fields["used"]),
    )


def _owner(value: object) -> Owner:
    return value if isinstance(value, str) else _whole(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _moment(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)
