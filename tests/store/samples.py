"""Records and rows as the gateway makes them, and a way to wait for what another thread does."""

import threading
import time
from collections.abc import Callable
from typing import Any

from gateway.store.records import AttemptRecord, CallRecord, KeyRow

WAIT_S = 15.0


def call_record(request_id: str = "req-1", **fields: Any) -> CallRecord:
    """A good call with one attempt; `fields` replace."""
    return CallRecord(
        **{
            "request_id": request_id,
            "started_at_ms": 1_700_000_000_000,
            "dialect": "openai",
            "operation": "chat",
            "model": "gemini-2.5-flash",
            "token_id": 1,
            "key_id": 2,
            "status": 200,
            "outcome": "success",
            "failure_kind": None,
            "stream": True,
            "duration_ms": 300,
            "attempts": (attempt_record(1),),
            **fields,
        }
    )


def attempt_record(number: int, **fields: Any) -> AttemptRecord:
    return AttemptRecord(
        **{
            "number": number,
            "key_id": 2,
            "key_alias": "key-…-two",
            "failure_kind": None,
            "status": 200,
            "duration_ms": 290,
            "started_at_ms": 1_700_000_000_005,
            "bucket_state": "cooling",
            **fields,
        }
    )


def key_row(secret: str, **fields: Any) -> KeyRow:
    return KeyRow(**{"secret": secret, "alias": "key-…", **fields})


def until(condition: Callable[[], object], *, within_s: float = WAIT_S) -> None:
    """Wait for what another thread does; fails the test when it does not come."""
    ends_s = time.monotonic() + within_s
    never = threading.Event()
    while not condition():
        assert time.monotonic() < ends_s, f"did not happen within {within_s} s"
        never.wait(0.005)
