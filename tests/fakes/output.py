"""What a program that a test has started prints: read on a thread of its own, waited for by condition."""

import threading
from collections.abc import Callable
from typing import IO


class Output:
    """The text of one stream so far; reading begins at once and ends with the program."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._change = threading.Condition()
        self.ended = False
        self._reader = threading.Thread(target=self._read, name="program-output", daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        with self._change:
            return "".join(self._lines)

    def wait_for(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Whether it came true, looked at after each line and at the end."""
        with self._change:
            return self._change.wait_for(condition, within_s)

    def wait_end(self, within_s: float) -> None:
        """Wait until everything has been read."""
        self._reader.join(within_s)

    def close(self, within_s: float) -> None:
        """Wait for the end, and let go of the stream."""
        self.wait_end(within_s)
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            with self._change:
                self._lines.append(line)
                self._change.notify_all()
        with self._change:
            self.ended = True
            self._change.notify_all()
