"""A sink that remembers everything, in the order it came, and can be awaited."""

import asyncio
from collections.abc import Callable

from gateway.upstream.transport import ResponseHead, TransportFailure

WAIT_S = 10.0
"""A test that waits this long has failed."""


class RecordingSink:
    """Set `on_head`, `on_data` or `on_end` to act inside the driver's calls.

    calls   names in the order the driver called them; the end's last piece counts as data
    body    what came, joined; with keep=False only its length is counted
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.calls: list[str] = []
        self.heads: list[ResponseHead] = []
        self.body = bytearray()
        self.body_bytes = 0
        self.failure: TransportFailure | None = None
        self.over = asyncio.Event()
        self.on_head: Callable[[], None] | None = None
        self.on_data: Callable[[bytes], None] | None = None
        self.on_end: Callable[[], None] | None = None
        self._keep = keep
        self._moved = asyncio.Event()

    def head(self, head: ResponseHead) -> None:
        self.calls.append("head")
        self.heads.append(head)
        self._moved.set()
        if self.on_head is not None:
            self.on_head()

    def data(self, chunk: bytes) -> None:
        self.calls.append("data")
        self.body_bytes += len(chunk)
        if self._keep:
            self.body += chunk
        self._moved.set()
        if self.on_data is not None:
            self.on_data(chunk)

    def end(self, last: bytes = b"") -> None:
        if last:
            self.data(last)
        self.calls.append("end")
        self.over.set()
        if self.on_end is not None:
            self.on_end()

    def fail(self, failure: TransportFailure) -> None:
        self.calls.append("fail")
        self.failure = failure
        self.over.set()

    @property
    def status(self) -> int:
        assert len(self.heads) == 1, self.failure
        return self.heads[0].status

    async def ended(self) -> "RecordingSink":
        """Wait for a whole answer."""
        await asyncio.wait_for(self.over.wait(), WAIT_S)
        assert self.failure is None, self.failure
        return self

    async def failed(self) -> TransportFailure:
        """Wait for a failure."""
        await asyncio.wait_for(self.over.wait(), WAIT_S)
        assert self.failure is not None, f"the transfer ended well: {self.calls}"
        return self.failure

    async def received(self, count: int = 1) -> None:
        """Wait until so many bytes of the body have come."""
        async with asyncio.timeout(WAIT_S):
            while self.body_bytes < count:
                self._moved.clear()
                await self._moved.wait()

    async def has_head(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while not self.heads:
                self._moved.clear()
                await self._moved.wait()


async def until(condition: Callable[[], bool], *, within_s: float = WAIT_S) -> None:
    """Poll until something holds that nobody announces."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.002)


async def a_few_turns(count: int = 5) -> None:
    """Let the loop take what is ready, for tests that say nothing must happen."""
    for _ in range(count):
        await asyncio.sleep(0.005)


async def stands_still(measure: Callable[[], int]) -> None:
    """Wait until a number has not changed for 50 ms."""
    last, unchanged = measure(), 0
    while unchanged < 10:
        await asyncio.sleep(0.005)
        now = measure()
        unchanged = unchanged + 1 if now == last else 0
        last = now
