"""Several processes on one port: the parent holds the sockets, watches the workers, restarts the dead.

Each worker listens on a socket of its own with SO_REUSEPORT, opened by the parent before it forks: the kernel
spreads connections over them, and those waiting at a dead worker's socket are taken by its successor.
"""

import ctypes
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from gateway.errors import StartupError
from gateway.gather import Place
from gateway.lifecycle import URGE_SIGNAL, open_sockets
from gateway.log import get_logger
from gateway.signals import ParentSignals

log = get_logger("gateway.workers")

Sockets = list[socket.socket]
Work = Callable[[Place, Sockets], int]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_WAITABLE_PAUSE_S = 1.0
"""Longest pause through which clients are left waiting at a dead worker's socket."""
_STEADY_S = 60.0
"""A worker that lived this long has started well: its next death is a new trouble, not the old one."""
_PR_SET_PDEATHSIG = 1
_GONE_AS_ASKED = frozenset({0, -signal.SIGTERM, -URGE_SIGNAL})
"""Exit codes after a requested stop; a signal ends a worker that is still starting."""


@dataclass(slots=True)
class Worker:
    """One place in the row of workers.

    sockets   empty while others take its share of connections, after it died again and again
    pid       0 while none runs there
    start_at  monotonic seconds when the next one may start
    """

    number: int
    sockets: Sockets = field(default_factory=list)
    pid: int = 0
    starts: int = 0
    started_s: float = 0.0
    start_at: float = 0.0
    pause_s: float = 0.0

    def close_sockets(self) -> None:
        for each in self.sockets:
            each.close()
        self.sockets = []


class Supervisor:
    """The parent. Listens from the beginning, so that a port in use is found before anything else happens.

    Raises StartupError when the port cannot be had.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        for probe in open_sockets(host, port):  # without sharing: finds a port that somebody else uses
            port = port or probe.getsockname()[1]
            probe.close()
        self._host = host
        self._port = port
        self._workers = [Worker(number, self._listen()) for number in range(count)]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._workers[0].sockets[0].getsockname()[:2]
        return host, port

    def run(self, work: Work, *, stop_within_s: float) -> int:
        """Keep every place filled until SIGTERM or SIGINT, then let each worker stop gracefully.

        work            serves on the sockets it is given and returns an exit code; runs in the child
        stop_within_s   a worker that still runs this long after the stop signal is killed
        returns         the exit code: 0 after a requested stop

        A second signal urges the workers. Must be called before any thread is started.
        """
        folder = _private_folder()
        try:
            signals = ParentSignals()
            log.info("workers_start", workers=len(self._workers), port=self._port)
            while not signals.count:
                for worker in self._workers:
                    if not worker.pid and time.monotonic() >= worker.start_at:
                        self._start(worker, work, folder, signals)
                signals.wait(self._until_next_start_s())
                self._reap()
            return self._stop(signals, stop_within_s)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _listen(self) -> Sockets:
        return open_sockets(self._host, self._port, shared=True)

    def _start(self, worker: Worker, work: Work, folder: Path, signals: ParentSignals) -> None:
        place = Place(worker.number, len(self._workers), folder, is_restart=worker.starts > 0)
        parent = os.getpid()
        worker.started_s = time.monotonic()
        try:
            worker.sockets = worker.sockets or self._listen()
            with signals.held():  # one that came between fork and reset would be lost in the child
                pid = os.fork()
                if not pid:
                    self._be(worker, place, work, signals, parent)
        except (StartupError, OSError) as error:
            self._rest(worker)
            log.error(
                "worker_not_started", worker=worker.number, reason=str(error), again_in_s=worker.pause_s
            )
            return
        worker.pid = pid
        worker.starts += 1
        log.info("worker_started", worker=worker.number, pid=pid)

    def _be(self, worker: Worker, place: Place, work: Work, signals: ParentSignals, parent: int) -> NoReturn:
        """Be the worker, in the child, to its end: nothing of the parent's may run here."""
        code = 1
        try:
            signals.leave_to_child()
            _stop_with(parent)
            for other in self._workers:
                if other is not worker:
                    other.close_sockets()
            code = work(place, worker.sockets)
        except StartupError as error:
            log.error("worker_cannot_start", worker=place.number, reason=str(error))
        except BaseException:  # the last frame of this process: nobody else would tell
            log.exception("worker_failed", worker=place.number)
        finally:
            if os.getppid() != parent:
                shutil.rmtree(place.folder, ignore_errors=True)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _until_next_start_s(self) -> float:
        waits = [worker.start_at - time.monotonic() for worker in self._workers if not worker.pid]
        return max(0.0, min([*waits, 5.0]))

    def _reap(self) -> None:
        for worker in self._workers:
            code = _exit_code(worker)
            if code is None:
                continue
            pid, worker.pid = worker.pid, 0
            self._rest(worker)
            say = log.error if code else log.warning
            say(
                "worker_died" if code else "worker_left",
                worker=worker.number,
                pid=pid,
                exit_code=code,
                again_in_s=worker.pause_s,
            )

    def _rest(self, worker: Worker) -> None:
        """Say when the next one may start there: soon after a steady life, later with every early death."""
        lived_s = time.monotonic() - worker.started_s
        pause_s = 0.0 if lived_s > _STEADY_S else worker.pause_s
        worker.pause_s = min(max(pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        worker.start_at = time.monotonic() + worker.pause_s
        if worker.pause_s > _WAITABLE_PAUSE_S and any(other.pid for other in self._workers):
            # The kernel goes on dealing connections to a socket that nobody accepts from: close it, and
            # the others get its share.
            worker.close_sockets()

    def _stop(self, signals: ParentSignals, within_s: float) -> int:
        for worker in self._workers:
            worker.close_sockets()  # else new clients would wait at them instead of being refused
        running = [worker for worker in self._workers if worker.pid]
        _send(running, signal.SIGTERM)
        give_up_at = time.monotonic() + within_s
        codes: list[int] = []
        is_urged = False
        while running:
            signals.wait(min(max(give_up_at - time.monotonic(), 0.0), 1.0))
            if signals.count > 1 and not is_urged:
                is_urged = True
                _send(running, URGE_SIGNAL)
            if time.monotonic() >= give_up_at:
                log.error("workers_killed", workers=[worker.number for worker in running])
                _send(running, signal.SIGKILL)
                give_up_at = float("inf")
            ended = {worker.number: code for worker in running if (code := _exit_code(worker)) is not None}
            codes += ended.values()
            running = [worker for worker in running if worker.number not in ended]
        log.info("workers_stopped", exit_codes=codes)
        return 0 if _GONE_AS_ASKED.issuperset(codes) else 1


def _private_folder() -> Path:
    """A fresh folder that only this user may enter; short, because a socket's path has 107 bytes."""
    try:
        usual = tempfile.gettempdir()
        return Path(tempfile.mkdtemp(prefix="gateway-", dir=usual if len(usual) <= 80 else "/tmp"))  # noqa: S108 - mkdtemp
    except OSError as error:
        raise StartupError(
            f"Several workers need a folder for temporary files, and none can be written ({error.strerror}). "
            "Set TMPDIR to one, or WORKERS to 1."
        ) from error


def _exit_code(worker: Worker) -> int | None:
    """None while it runs; a negative number is the signal that ended it."""
    if not worker.pid:
        return None
    pid, status = os.waitpid(worker.pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _send(workers: list[Worker], number: int) -> None:
    for worker in workers:
        os.kill(worker.pid, number)  # not reaped yet, so the number is still its own


def _stop_with(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent dies without a word. Source: prctl(2), Linux only."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))
    if os.getppid() != parent:  # it died before we asked
        os._exit(0)
