"""Live parts of pages as server-sent events: composed once for all who read the same, sent when they changed.

A subscriber holds at most the last text: one that is slow misses what was in between, never more memory.
Nothing is composed while nobody reads. htmx closes the stream of a hidden tab.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from admin.readers import Reader
from gateway.log import get_logger

log = get_logger("gateway.admin")
EVERY_S = 2.0
QUIET_S = 15.0
"""A stream without news says so after this time, so that a gone reader is noticed."""
LONGEST_S = 600.0
"""Then the reader comes again, and its session is looked at again."""
MOST_STREAMS = 100


class Topic(NamedTuple):
    """Who reads what: all who read the same share one composition.

    page     "" for the sentence alone
    query    of the page's address
    origin   scheme and host as the reader reached us
    """

    page: str
    query: tuple[tuple[str, str], ...]
    origin: str
    reader: Reader


Compose = Callable[[Topic], Awaitable[str]]


@dataclass(slots=True, eq=False)
class Subscription:
    """One reader's place: the last text it has not taken yet."""

    _text: str | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    def put(self, text: str) -> None:
        self._text = text
        self._news.set()

    def end(self) -> None:
        self.is_over = True
        self._news.set()

    async def take(self, within_s: float) -> str | None:
        """The next text; None when there is none within the time, or never again (`is_over`)."""
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        text, self._text = self._text, None
        return None if self.is_over else text


@dataclass(slots=True)
class _Channel:
    """All who read the same."""

    readers: set[Subscription] = field(default_factory=set)
    last: str = ""


class Broadcaster:
    """Composes topics again and again while they have readers."""

    def __init__(self, compose: Compose, *, every_s: float = EVERY_S, most: int = MOST_STREAMS) -> None:
        self._compose = compose
        self._every_s = every_s
        self._most = most
        self._channels: dict[Topic, _Channel] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    def __len__(self) -> int:
        return sum(len(channel.readers) for channel in self._channels.values())

    def join(self, topic: Topic) -> Subscription | None:
        """Read a topic from now on; None when there are too many readers, or it is time to stop."""
        if self._is_over or len(self) >= self._most:
            return None
        subscription = Subscription()
        channel = self._channels.setdefault(topic, _Channel())
        channel.readers.add(subscription)
        if channel.last:
            subscription.put(channel.last)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._beat(), name="admin-events")
        return subscription

    def leave(self, topic: Topic, subscription: Subscription) -> None:
        """Read no more."""
        channel = self._channels.get(topic)
        if channel is None:
            return
        channel.readers.discard(subscription)
        if not channel.readers:
            del self._channels[topic]
        if not self._channels and self._task is not None:
            self._task.cancel()
            self._task = None

    def end(self) -> None:
        """Send everybody away: the process stops."""
        self._is_over = True
        for channel in self._channels.values():
            for subscription in channel.readers:
                subscription.end()

    async def _beat(self) -> None:
        while True:
            for topic, channel in list(self._channels.items()):
                await self._tell(topic, channel)
            await asyncio.sleep(self._every_s)

    async def _tell(self, topic: Topic, channel: _Channel) -> None:
        try:
            text = await self._compose(topic)
        except Exception:  # one page's mistake must not still the others
            log.exception("live_part_failed", topic=str(topic))
            return
        if text != channel.last:
            channel.last = text
            for subscription in channel.readers:
                subscription.put(text)


def as_event(text: str) -> str:
    """A text as one server-sent event."""
    return "".join(f"data: {line}\n" for line in text.splitlines() if line.strip()) + "\n"
