"""Gemini replies → the bytes of Gemini's own streams, for answers that are not passed on as they came.

Asked whole and told as a stream, or paced: both forms, server-sent events and the JSON array, are written
from parsed replies here. Fields nobody knows stay in them.
"""

import orjson

from gateway.protocols.error_bodies import Problem, gemini_error_element, gemini_error_event
from gateway.protocols.shapes import JsonObject

ARRAY_OPENING = b"["
_NOTHING_NEW = orjson.dumps(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "index": 0}]}
)


class NativeEvents:
    """The `alt=sse` form: a `data:` line of JSON and a blank line for each reply, nothing else.

    Source: Google's SDKs, which accept no comment, no event name and no `[DONE]`.
    """

    __slots__ = ()

    def whole(self, reply: JsonObject) -> bytes:
        return orjson.dumps(reply)

    def event(self, reply: JsonObject) -> bytes:
        return b"data: " + orjson.dumps(reply) + b"\r\n\r\n"

    def end(self) -> bytes:
        return b""

    def broken(self, problem: Problem) -> bytes:
        return gemini_error_event(problem)

    def beat(self) -> bytes:
        """An event with an empty text. Not a blank line: some readers stumble over a leading one."""
        return b"data: " + _NOTHING_NEW + b"\r\n\r\n"


class NativeArray:
    """The form without `alt=sse`: the elements of one array, whose opening bracket has gone before."""

    __slots__ = ("_separator",)

    def __init__(self) -> None:
        self._separator = b""

    def whole(self, reply: JsonObject) -> bytes:
        return orjson.dumps(reply)

    def event(self, reply: JsonObject) -> bytes:
        separator, self._separator = self._separator, b",\r\n"
        return separator + orjson.dumps(reply)

    def end(self) -> bytes:
        return b"]"

    def broken(self, problem: Problem) -> bytes:
        return self._separator + gemini_error_element(problem) + b"]"

    def beat(self) -> bytes:
        """Blanks, which stand between the elements of any array."""
        return b"\r\n"
