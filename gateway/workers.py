"""Several processes on one port: the parent holds the sockets, watches the workers, restarts the dead.

Each worker listens on a socket of its own with SO_REUSEPORT, opened by the parent before it forks: the kernel
spreads connections over them, and those waiting at a dead worker's socket are taken by its successor.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from gateway.lifecycle import open_sockets
from gateway.log import get_logger

log = get_logger("gateway.workers")

Sockets = list[socket.socket]
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
"""A worker that lived this long has started well: its next death is a new trouble, not the old one."""


@dataclass(slots=True)
class Worker:
    """One place in the row of workers.

    pid       0 while none runs there
    start_at  monotonic seconds when the next one may start
    """

    number: int
    sockets: Sockets
    pid: int = 0
    started_s: float = 0.0
    start_at: float = 0.0
    pause_s: float = 0.0


def supervise(host: str, port: int, count: int, work: Callable[[Sockets], int]) -> int:
    """Run `work` in `count` processes until SIGTERM or SIGINT, then let each of them stop gracefully.

    work      serves on the sockets it is given and returns an exit code; runs in the child
    returns   the exit code: 0 after a requested stop

    Raises StartupError when the port cannot be had. Must be called before any thread is started.
    """
    for probe in open_sockets(host, port):  # without sharing: finds a port that somebody else uses
        port = port or probe.getsockname()[1]
        probe.close()
    workers = [Worker(number, open_sockets(host, port, shared=True)) for number in range(count)]
    stopping = _StopSignals()
    log.info("workers_start", workers=count, port=port)
    while not stopping.asked:
        for worker in workers:
            if not worker.pid and time.monotonic() >= worker.start_at:
                _start(worker, workers, stopping, work)
        stopping.wait(_until_next_start(workers))
        _reap(workers)
    return _stop(workers)


class _StopSignals:
    """Notes SIGTERM and SIGINT, and wakes the parent for them and for dead children."""

    def __init__(self) -> None:
        self.asked = False
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        os.set_blocking(self._read_fd, False)
        signal.set_wakeup_fd(self._write_fd)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def wait(self, timeout_s: float) -> None:
        if select.select([self._read_fd], [], [], timeout_s)[0]:
            os.read(self._read_fd, 4096)

    def reset_in_child(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _start(
    worker: Worker, workers: list[Worker], stopping: _StopSignals, work: Callable[[Sockets], int]
) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        worker.pid = pid
        worker.started_s = time.monotonic()
        return
    code = 1
    try:
        stopping.reset_in_child()
        for other in workers:
            if other is not worker:
                for each in other.sockets:
                    each.close()
        code = work(worker.sockets)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _until_next_start(workers: list[Worker]) -> float:
    waits = [worker.start_at - time.monotonic() for worker in workers if not worker.pid]
    return max(0.0, min([*waits, 5.0]))


def _reap(workers: list[Worker]) -> None:
    for worker in workers:
        if not worker.pid or os.waitpid(worker.pid, os.WNOHANG)[0] == 0:
            continue
        lived_s = time.monotonic() - worker.started_s
        again = min(max(worker.pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        worker.pause_s = _FIRST_PAUSE_S if lived_s > _STEADY_S else again
        worker.start_at = time.monotonic() + worker.pause_s
        log.error("worker_died", worker=worker.number, pid=worker.pid, restart_in_s=worker.pause_s)
        worker.pid = 0


def _stop(workers: list[Worker]) -> int:
    running = [worker for worker in workers if worker.pid]
    for worker in running:
        os.kill(worker.pid, signal.SIGTERM)
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1]) for worker in running]
    log.info("workers_stopped", exit_codes=codes)
    return max((abs(code) for code in codes), default=0)
