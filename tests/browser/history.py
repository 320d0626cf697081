"""A week of calls, so that pages have something to show: made up, and the same every time, ending now."""

import random
import time
from collections.abc import Sequence

from gateway.store.records import AttemptRecord, CallRecord, KeyRow
from tests.integration.calling import eventually
from tests.integration.running import RunningGateway

HOUR_MS = 3_600_000
HOSTILE_MODEL = "<script>alert(1)</script>"
MODELS = ("gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.1-pro-preview", HOSTILE_MODEL)
ENDS = {"success": 90, "client_error": 3, "client_closed": 2, "no_key": 2, "upstream_error": 2, "broken": 1}
FAILURES = ("rate_minute", "rate_day", "key_invalid", "overloaded")
CALLS = 600


def write_history(gateway: RunningGateway, models: Sequence[str] = MODELS) -> None:
    """Put the calls into the gateway's store, and wait until they are written."""
    services = gateway.services
    assert services is not None
    store = services.store
    keys = store.read_sync(store.keys.everything)
    dice = random.Random(7)
    now_ms = int(time.time() * 1000)
    for number in range(CALLS):
        hours = dice.choice([dice.random() * 24, dice.random() * 168])
        store.records.put(_call(dice, keys, models, number=number, at_ms=now_ms - int(hours * HOUR_MS)))
    eventually(lambda: store.health().written >= CALLS, timeout_s=30)


def _call(
    dice: random.Random, keys: list[KeyRow], models: Sequence[str], *, number: int, at_ms: int
) -> CallRecord:
    outcome = dice.choices(list(ENDS), list(ENDS.values()))[0]
    tried = [dice.choice(keys) for _ in range(dice.choice([1, 1, 1, 2]))]
    attempts = tuple(
        AttemptRecord(place, key.id, key.alias, _kind(dice, outcome, place, len(tried)), 200, 300, at_ms)
        for place, key in enumerate(tried, 1)
    )
    prompt, completion = dice.randrange(20, 4000), dice.randrange(5, 900)
    return CallRecord(
        request_id=f"history-{number}",
        started_at_ms=at_ms,
        dialect=dice.choice(["openai", "gemini"]),
        operation="chat",
        model=dice.choice(models),
        token_id=1,
        key_id=tried[-1].id,
        status=200 if outcome == "success" else 503,
        outcome=outcome,
        failure_kind=None if outcome == "success" else "overloaded",
        stream=True,
        duration_ms=dice.randrange(300, 9000),
        first_token_ms=dice.randrange(90, 1400) if outcome == "success" else None,
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        attempts=attempts,
    )


def _kind(dice: random.Random, outcome: str, place: int, tries: int) -> str | None:
    if place < tries:
        return dice.choice(FAILURES)
    return None if outcome == "success" else "overloaded"
