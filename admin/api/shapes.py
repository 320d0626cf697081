"""The control plane's values as the API shows them. No secret stands in any but `revealed`."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.control.key_views import KeyDetail, KeyPage, KeyView
from gateway.control.keys import Added
from gateway.control.overview import Numbers, PoolNumbers, Sick
from gateway.control.pasting import Malformed, Preview
from gateway.control.reach import WayOut
from gateway.control.setting_desk import SettingView
from gateway.control.tasks import Task
from gateway.control.token_desk import TokenView
from gateway.store.records import AuditRow, StoredCall
from gateway.store.usage_sums import UsageSum

Json = dict[str, Any]
CALL_COLUMNS = (
    "id request_id started_at_ms dialect operation model token_id key_id status outcome failure_kind stream "
    "duration_ms first_token_ms prompt_tokens completion_tokens thought_tokens cached_tokens total_tokens "
    "request_bytes response_bytes attempts"
).split()
"""A call in a CSV export; `attempts` is their number there."""


def key(view: KeyView) -> Json:
    return {
        "id": view.id,
        "alias": view.alias,
        "provider": view.provider,
        "origin": view.origin,
        "note": view.note,
        "tags": view.tags,
        "project": view.project,
        "weight": view.weight,
        "enabled": view.enabled,
        "created_at_ms": view.created_at_ms,
        "state": view.state,
        "kind": view.kind,
        "message": view.message,
        "sentence": view.sentence,
        "since_ms": int(view.since_s * 1000),
        "until_ms": _ms(view.until_s),
        "models_resting": view.models_resting,
        "in_flight": view.in_flight,
        "use_today": view.use.attempts,
        "failures_today": view.use.failures,
        "success_rate": view.success_rate,
        "last_used_ms": view.use.last_ms or None,
        "hours": [
            {"at_ms": each.hour * 3_600_000, "attempts": each.attempts, "failures": each.failures}
            for each in view.hours
        ],
    }


def key_page(page: KeyPage) -> Json:
    return {
        "keys": [key(view) for view in (*page.beside, *page.keys)],
        "counts": dict(page.counts),
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
        "page_size": page.page_size,
    }


def key_detail(detail: KeyDetail) -> Json:
    explained, probe = detail.explanation, detail.probe
    return {
        **key(detail.key),
        "buckets": []
        if explained is None
        else [
            {
                "model": each.model,
                "owner": each.owner,
                "state": each.state.value,
                "kind": each.kind.value,
                "since_ms": int(each.since_s * 1000),
                "until_ms": _ms(each.until_s),
                "sentence": each.sentence,
            }
            for each in explained.buckets
        ],
        "limits": []
        if explained is None
        else [
            {
                "model": each.model,
                "quota_id": each.quota_id,
                "window": each.window,
                "unit": "input_tokens" if each.tokens else "requests",
                "used": each.used,
                "limit": each.limit,
                "resets_ms": _ms(each.resets_s),
            }
            for each in explained.limits
        ],
        "attempts_by_kind": {kind or "ok": count for kind, count in detail.kinds.items()},
        "events": [
            {
                "at_ms": each.at_ms,
                "event": each.event,
                "kind": each.kind,
                "message": each.message,
                "until_ms": each.until_ms,
                "actor": each.actor,
            }
            for each in detail.events
        ],
        "probe": None
        if probe is None
        else {
            "at_ms": int(probe.at_s * 1000),
            "passed": probe.passed,
            "kind": probe.kind,
            "sentence": probe.sentence,
        },
    }


def preview(seen: Preview) -> Json:
    return {
        "new": seen.new,
        "known": seen.known,
        "repeated": seen.repeated,
        "malformed": _malformed(seen.malformed),
        "left_out": seen.left_out,
    }


def _malformed(lines: Iterable[Malformed]) -> list[Json]:
    return [{"line": each.line, "shown": each.shown} for each in lines]


def added(result: Added) -> Json:
    return {
        "ids": result.ids,
        "known": result.known,
        "repeated": result.repeated,
        "malformed": _malformed(result.malformed),
    }


def task(told: Task) -> Json:
    return {
        "id": told.id,
        "kind": told.kind,
        "state": told.state,
        "done": told.done,
        "total": told.total,
        "started_at_ms": told.started_at_ms,
        "updated_at_ms": told.updated_at_ms,
        "actor": told.actor,
        "groups": [{"outcome": each.outcome, "count": each.count, "ids": each.ids} for each in told.groups],
    }


def token(view: TokenView) -> Json:
    return {
        "id": view.id,
        "alias": view.alias,
        "name": view.name,
        "origin": view.origin,
        "enabled": view.enabled,
        "created_at_ms": view.created_at_ms,
        "limits": {name: getattr(view.limits, name) for name in view.limits.__slots__},
        "calls_today": view.today.calls,
        "failed_today": view.failed,
        "tokens_today": view.today.total_tokens,
        "requests_this_minute": view.requests_minute,
        "last_used_ms": view.last_used_ms or None,
    }


def setting(view: SettingView) -> Json:
    about = view.description.about
    return {
        "name": view.name,
        "group": about.group.value,
        "kind": view.description.kind.value,
        "value": _plain(view.value),
        "text": view.text,
        "default": view.description.default_text,
        "origin": view.origin.value,
        "help": about.help,
        "unit": about.unit,
        "low": view.description.low,
        "high": view.description.high,
        "choices": view.description.choices,
        "secret": about.secret,
        "updated_at_ms": view.updated_at_ms or None,
    }


def call(stored: StoredCall, *, whole: bool = False) -> Json:
    """A call with its attempts; `whole` with its error and request."""
    record = stored.call
    plain = {name: getattr(record, name) for name in CALL_COLUMNS if name not in ("id", "attempts")}
    shown: Json = {
        "id": str(stored.id),  # beyond what JavaScript's numbers hold
        **plain,
        "attempts": [{name: getattr(each, name) for name in each.__slots__} for each in record.attempts],
    }
    if whole:
        shown["error"] = _text(record.error_body)
        shown["request"] = _text(record.request_body)
    return shown


def way_out(way: WayOut) -> Json:
    return {
        "proxy": way.proxy,
        "ok": way.ok,
        "status": way.status or None,
        "latency_ms": way.latency_ms if way.ok else None,
        "message": way.message,
    }


def audit(row: AuditRow) -> Json:
    return {
        "id": row.id,
        "at_ms": row.at_ms,
        "actor": row.actor,
        "peer": row.peer,
        "action": row.action,
        "subject": row.subject,
        "detail": orjson.loads(row.detail),
    }


def sums(total: UsageSum) -> Json:
    return {
        "calls": total.calls,
        "attempts": total.attempts,
        "prompt_tokens": total.prompt_tokens,
        "completion_tokens": total.completion_tokens,
        "thought_tokens": total.thought_tokens,
        "cached_tokens": total.cached_tokens,
        "total_tokens": total.total_tokens,
        "duration_ms": total.duration_ms,
        "first_token_ms": {
            f"p{share}": total.first_token_quantile_ms(share / 100) for share in (50, 90, 95, 99)
        },
    }


def overview(numbers: Numbers, sick: Iterable[Sick]) -> Json:
    return {
        "period": numbers.period.name,
        "step_ms": numbers.period.step_ms,
        "steps": [{"at_ms": each.at_ms, "outcomes": dict(each.outcomes)} for each in numbers.steps],
        "total": sums(numbers.total),
        "outcomes": dict(numbers.outcomes),
        "success_rate": numbers.success_rate,
        "calls": {
            "minute": numbers.minute,
            "hour": numbers.hour,
            "day": numbers.day,
            "month": numbers.month,
        },
        "today": sums(numbers.today),
        "models": [
            {"model": each.model, "outcomes": dict(each.outcomes), **sums(each.sum)}
            for each in numbers.models
        ],
        "attention": attention(sick),
    }


def attention(sick: Iterable[Sick]) -> list[Json]:
    return [
        {"key_id": each.key_id, "alias": each.alias, "kind": each.kind, "attempts": each.attempts}
        for each in sick
    ]


def pool(numbers: PoolNumbers) -> Json:
    return {
        "keys": {
            provider: {state.value: count for state, count in counts.items()}
            for provider, counts in numbers.keys.items()
        },
        "models": [
            {
                "provider": each.provider,
                "model": each.model,
                "keys": {state.value: count for state, count in each.keys.items()},
                "next_usable_ms": _ms(each.next_s),
            }
            for each in numbers.models
        ],
        "quota_left": [
            {**name._asdict(), "limit": left.limit, "used": left.used, "buckets": left.buckets}
            for name, left in numbers.quota_left.items()
        ],
        "streams_open": numbers.streams_open,
        "waiting": numbers.waiting,
    }


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _ms(at_s: float | None) -> int | None:
    return None if at_s is None else int(at_s * 1000)


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode("utf-8", "replace")
