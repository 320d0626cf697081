"""Signals of a parent of several processes: counted, waited for, and left behind in a child.

A single process listens on its event loop instead (lifecycle.py); the parent has none.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP = (signal.SIGTERM, signal.SIGINT)
_HEARD = (*_STOP, signal.SIGCHLD)


class ParentSignals:
    """Counts SIGTERM and SIGINT from now on; `wait` also wakes for children that end.

    count   stop signals so far
    """

    def __init__(self) -> None:
        self.count = 0
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        os.set_blocking(self._read_fd, False)
        signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._asked)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # ignored ones would not wake `wait`

    def wait(self, timeout_s: float) -> None:
        if select.select([self._read_fd], [], [], timeout_s)[0]:
            os.read(self._read_fd, 4096)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Signals that come inside the block are delivered after it, or in a child by `leave_to_child`."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def leave_to_child(self) -> None:
        """Set the child's signals: it ends by SIGTERM until it listens itself, and Ctrl-C is its parent's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._read_fd)
        os.close(self._write_fd)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
