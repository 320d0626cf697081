"""One HTTP answer of the simulated Gemini, and how it is written."""

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.simulator.error_bodies import ErrorAnswer

JSON_TYPE = "application/json; charset=UTF-8"
SSE_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer.

    pieces               the body; more than one when `streamed`, each to be sent by itself
    headers              besides the usual ones
    first_byte_delay_s   before the head
    piece_delay_s        between two pieces
    """

    status: int
    content_type: str
    pieces: tuple[bytes, ...]
    headers: tuple[tuple[str, str], ...] = ()
    streamed: bool = False
    first_byte_delay_s: float = 0.0
    piece_delay_s: float = 0.0


def json_body(value: dict[str, Any]) -> bytes:
    """Write JSON as Google does, for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def json_answer(value: dict[str, Any], *headers: tuple[str, str]) -> Answer:
    return Answer(200, JSON_TYPE, (json_body(value),), headers)


def error_answer(error: ErrorAnswer, *, array: bool = False) -> Answer:
    body = json_body(error.body)
    return Answer(error.status, JSON_TYPE, (b"[" + body + b"]\n" if array else body,))
