"""Answers kept for a moment, so that many who ask the same at once cost one question to the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    at_s: float
    answer: "asyncio.Future[Any]"


class Freshness:
    """Answers by name. Bounded: the oldest goes first. A question that failed is asked anew next time."""

    __slots__ = ("_clock_s", "_kept")

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._kept: dict[Hashable, _Kept] = {}

    async def get(self, name: Hashable, keep_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question, at most `keep_s` old; who comes while it is asked gets the same one."""
        now_s = self._clock_s()
        kept = self._kept.get(name)
        if kept is None or now_s - kept.at_s >= keep_s or _failed(kept.answer):
            kept = _Kept(now_s, asyncio.ensure_future(ask()))
            self._kept.pop(name, None)
            self._kept[name] = kept
            if len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
        # One who leaves does not take the answer from the others.
        answer: T = await asyncio.shield(kept.answer)
        return answer


def _failed(answer: "asyncio.Future[Any]") -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
