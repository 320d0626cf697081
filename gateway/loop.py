"""The event loop of a serving process: asyncio's, which learns of ready descriptors in fewer steps.

Made by __main__.py. A wake-up for one event of a stream is as dear in asyncio as in all of the gateway's own
code; of that, the selector of Python 3.11 is a third.
"""

import asyncio
import select
import selectors

_MOST = 1000  # descriptors in a wake-up; what is left is still ready
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class LoopSelector(selectors.EpollSelector):
    """Python's own, but for what is asked at every wake-up.

    Its names below are those of every Python since 3.4, which keeps no others for the purpose; epoll itself
    rounds a timeout up to its milliseconds.
    """

    _selector: select.epoll
    _fd_to_key: dict[int, selectors.SelectorKey]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout < 0:
            timeout = 0  # to epoll that means for ever
        try:
            came = self._selector.poll(timeout, _MOST)
        except InterruptedError:
            return []
        keys = self._fd_to_key
        ready = []
        for fd, events in came:
            key = keys.get(fd)
            if key is not None:
                ready.append((key, key.events & (_READ if events == _IN else _wanted(events))))
        return ready


def _wanted(events: int) -> int:
    """A descriptor's events in the selector's terms; a hang-up or error is for readers and writers."""
    return (_READ if events & ~_OUT else 0) | (_WRITE if events & ~_IN else 0)


def make_loop() -> asyncio.AbstractEventLoop:
    """A loop for this thread."""
    return asyncio.SelectorEventLoop(LoopSelector())
