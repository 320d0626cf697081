"""A database with a hundred thousand keys and a million calls, written by the store's own hands.

So its sums are what they would be. Used by pages.py; half of the calls are of the last day, the others of the
month before it.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway.pool.calendar import quota_day
from gateway.protocols.redaction import masked
from gateway.store.config import DatabaseConfig
from gateway.store.records import AttemptRecord, CallRecord, KeyRow, TokenRow
from gateway.store.store import Store

T = TypeVar("T")
_DAY_MS = 24 * 3_600_000
_MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash-lite",
    "gemini-2.0-flash",
    "gemini-2.5-flash-image",
    "gemini-embedding-001",
    "gemini-3-pro-preview",
    "gemini-3-flash-preview",
)
_DIALECTS = ("openai", "gemini")
_FAILURES = (
    *(("rate_minute", 429, "cooling"),) * 6,
    *(("rate_day", 429, "exhausted"),) * 3,
    *(("overloaded", 503, None),) * 4,
    ("internal", 500, None),
    ("timeout", 0, None),
    ("key_invalid", 400, "dead"),
)
_DEAD = ("key_invalid", "key_leaked", "billing", "project_suspended")
_TOKENS = 20
_PART = 5_000
_QUEUED = 20_000


@dataclass(frozen=True, slots=True)
class Plenty:
    """How much of everything."""

    keys: int
    calls: int


def fill(config: DatabaseConfig, plenty: Plenty, *, seed: int = 1) -> None:
    """Fill an empty database."""
    dice = random.Random(seed)
    now_ms = int(time.time() * 1000)
    store = Store.open(config, capacity=2 * _QUEUED, day_of=quota_day)
    try:
        for part in _parts(list(_keys(plenty.keys, now_ms, dice))):
            store.write_sync(partial(store.keys.add, part))
        store.write_sync(
            lambda: store.tokens.add(
                TokenRow(f"sk-plenty-{number:04d}", f"sk-…{number:04d}", name=f"client {number}")
                for number in range(_TOKENS)
            )
        )
        _rest(store, plenty.keys, now_ms)
        for number, call in enumerate(_calls(plenty, now_ms, dice)):
            if number % 100 == 0:
                _wait_for_room(store)
            store.records.put(call)
    finally:
        store.close(120.0)


def _keys(count: int, now_ms: int, dice: random.Random) -> Iterator[KeyRow]:
    for number in range(count):
        secret = f"AIzaSyPlenty-{dice.getrandbits(96):024x}{number % 100:02d}"
        is_dead = number % 10 == 3
        yield KeyRow(
            secret=secret,
            alias=masked(secret),
            project=f"project-{number // 10}" if number % 4 == 0 else None,
            note=f"bought of seller {number % 500} in spring" if number % 3 == 0 else "",
            tags=(f"batch-{number % 40}", *(("paid",) if number % 50 == 0 else ())) if number % 2 else (),
            enabled=number % 20 != 7,
            dead_reason=_DEAD[number // 10 % len(_DEAD)] if is_dead else None,
            dead_since_ms=now_ms - number * 1000 if is_dead else 0,
            created_at_ms=now_ms - 30 * _DAY_MS,
        )


def _rest(store: Store, keys: int, now_ms: int) -> None:
    """Some keys rest, as the process that learned it would have noted."""
    ids = [number for number in range(1, keys + 1) if number % 10 == 5]
    rest = {"rest_reason": "rate_unknown", "rest_until_ms": now_ms + _DAY_MS}
    for part in _parts(ids):
        store.write_sync(partial(store.keys.change, part, **rest))


def _calls(plenty: Plenty, now_ms: int, dice: random.Random) -> Iterator[CallRecord]:
    """In the order of time."""
    old = plenty.calls // 2
    for number in range(plenty.calls):
        if number < old:
            at_ms = now_ms - 30 * _DAY_MS + number * 29 * _DAY_MS // old
        else:
            at_ms = now_ms - _DAY_MS + (number - old) * _DAY_MS // (plenty.calls - old)
        yield _call(number, at_ms, plenty.keys, dice)


def _call(number: int, at_ms: int, keys: int, dice: random.Random) -> CallRecord:
    chance = dice.random()
    failed = int(chance * 1000) % 3 + 1 if chance < 0.1 else 0
    is_lost = chance < 0.02
    attempts = []
    for each in range(failed + (0 if is_lost else 1)):
        kind, status, state = dice.choice(_FAILURES) if each < failed else (None, 200, None)
        # Some keys are used far more often than others.
        key_id = 1 + int(dice.random() ** 2 * keys)
        attempts.append(
            AttemptRecord(each + 1, key_id, f"AIza…{key_id:04d}", kind, status, 400, at_ms, state)
        )
    last = attempts[-1]
    duration_ms = 200 + int(dice.expovariate(1 / 900))
    return CallRecord(
        request_id=f"req-plenty-{number:08d}",
        started_at_ms=at_ms - duration_ms,
        dialect=_DIALECTS[number % 2],
        operation="chat" if number % 2 == 0 else "generateContent",
        model=_MODELS[int(dice.random() ** 2 * len(_MODELS))],
        token_id=1 + number % _TOKENS,
        key_id=last.key_id,
        status=last.status if is_lost else 200,
        outcome="upstream_error" if is_lost else "success",
        failure_kind=last.failure_kind,
        stream=number % 3 == 0,
        duration_ms=duration_ms,
        first_token_ms=None if is_lost else duration_ms // 3,
        prompt_tokens=900,
        completion_tokens=0 if is_lost else 250,
        total_tokens=900 if is_lost else 1150,
        request_bytes=4000,
        response_bytes=2000,
        attempts=tuple(attempts),
        error_body=b'{"error": {"code": 429}}' if is_lost else None,
    )


def _wait_for_room(store: Store) -> None:
    while store.records.depth > _QUEUED:
        time.sleep(0.01)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _PART):
        yield items[start : start + _PART]
