"""The threads that read: a few, each with a connection of its own that it closes itself."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from gateway.errors import StoreUnavailable

T = TypeVar("T")
_Task = tuple[Callable[[], Any], "Future[Any]"]


class Readers:
    """Runs queries in the order they came, as many at once as there are threads.

    read    runs one query on the thread it is called on
    close   closes that thread's connection
    """

    def __init__(
        self, read: Callable[[Callable[[], Any]], Any], close: Callable[[], None], count: int
    ) -> None:
        self._read = read
        self._close = close
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"store-reader-{number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def submit(self, query: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        if self._ended.is_set():
            future.set_exception(StoreUnavailable("The store is closed."))
        else:
            self._tasks.put((query, future))
            if self._ended.is_set():
                self._fail_waiting()
        return future

    def stop(self, timeout_s: float) -> None:
        """Let queries under way end, within the time given; those that wait fail."""
        self._ended.set()
        self._fail_waiting()
        for _ in self._threads:
            self._tasks.put(None)
        ends_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(ends_s - time.monotonic(), 0.0))

    def _run(self) -> None:
        try:
            while (task := self._tasks.get()) is not None:
                query, future = task
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(self._read(query))
                except BaseException as error:  # noqa: BLE001 - the waiting caller gets it, whatever it is
                    future.set_exception(error)
                del query, future, task  # a result must not live until the next query
        finally:
            self._close()

    def _fail_waiting(self) -> None:
        ends = 0
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                break
            if task is None:
                ends += 1
            elif task[1].set_running_or_notify_cancel():
                task[1].set_exception(StoreUnavailable("The store is closed."))
        for _ in range(ends):
            self._tasks.put(None)
