"""Runs a built image as an engine would: a PID namespace of its own, its root, its data folder, its user.

The network is this machine's, so that the port can be asked; everything else the container sees is its own.
"""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from tests.container.builder import Image
from tests.fakes.output import Output

WAIT_S = 60.0
_START = """
mount --bind "$ROOT_FOLDER" "$ROOT_FOLDER"
mount --rbind /dev "$ROOT_FOLDER/dev"
mount -t proc proc "$ROOT_FOLDER/proc"
[ -z "$DATA_FOLDER" ] || mount --bind "$DATA_FOLDER" "$ROOT_FOLDER/app/data"
[ -z "$TMP_SIZE" ] || mount -t tmpfs -o "size=$TMP_SIZE,mode=1777" tmpfs "$ROOT_FOLDER/tmp"
[ -z "$READ_ONLY" ] || mount -o remount,bind,ro "$ROOT_FOLDER"
cd "$ROOT_FOLDER$AT"
exec chroot ${AS_USER:+--userspec=$AS_USER --groups=} "$ROOT_FOLDER" \\
    /usr/bin/env -i --chdir="$AT" "$@"
"""


@dataclass(frozen=True, slots=True)
class Start:
    """How a container is started: what one writes into `docker run`.

    data        bind mount at /app/data; None for the folder of the image
    user        `--user`
    read_only   `--read-only`
    tmp_size    `--tmpfs /tmp:size=…`
    arguments   behind the image's name
    """

    data: Path | None = None
    user: str = ""
    read_only: bool = False
    tmp_size: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _command(image: Image, start: Start, env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    command = [*image.command[:-1], *start.arguments] if start.arguments else image.command
    assignments = [f"{name}={text}" for name, text in env.items()]
    around = {
        "PATH": os.environ["PATH"],
        "ROOT_FOLDER": str(image.root),
        "DATA_FOLDER": str(start.data or ""),
        "TMP_SIZE": start.tmp_size,
        "READ_ONLY": "yes" if start.read_only else "",
        "AS_USER": start.user,
        "AT": image.workdir,
    }
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", _START, "start"]
    return [*namespaces, *assignments, *command], around


def run_to_end(image: Image, start: Start) -> subprocess.CompletedProcess[str]:
    """For commands and starts that end by themselves."""
    command, around = _command(image, start, {**image.env, **dict(start.settings)})
    return subprocess.run(
        command,
        env=around,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


class Container:
    """A running one; use it in a `with` block, which waits until it serves and stops it at the end."""

    def __init__(self, image: Image, start: Start) -> None:
        self.port = free_port()
        self._image = image
        self._env = {**image.env, "HOST": "127.0.0.1", "PORT": str(self.port), **dict(start.settings)}
        self._command, self._around = _command(image, start, self._env)
        self.pid = 0

    def __enter__(self) -> Self:
        self._outer = subprocess.Popen(
            self._command, env=self._around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._outer.stdout is not None
        self._printed = Output(self._outer.stdout)
        try:
            self.wait_event("serving")
        except BaseException:
            self.__exit__()
            raise
        (self.pid,) = _children(self._outer.pid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._outer.poll() is None:
            for first in _children(self._outer.pid):  # PID 1: all that is inside goes with it
                os.kill(first, signal.SIGKILL)
            self._outer.wait(WAIT_S)
        self._printed.close(WAIT_S)

    @property
    def output(self) -> str:
        return self._printed.text

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its log lines of one name."""
        lines = (orjson.loads(line) for line in self.output.splitlines() if line.startswith("{"))
        return [event for event in lines if event["event"] == name]

    def wait_event(self, name: str, count: int = 1) -> None:
        """Wait for log lines of a name."""
        came = self._printed.wait_for(lambda: self._printed.ended or len(self.events(name)) >= count, WAIT_S)
        assert came, f"nothing came in {WAIT_S:g} s:\n{self.output}"
        assert len(self.events(name)) >= count, f"it did not log {name}:\n{self.output}"

    def stop(self) -> int:
        """`docker stop`: SIGTERM to PID 1. Gives the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._outer.wait(WAIT_S)

    def execute(self, command: Sequence[str], **env: str) -> subprocess.CompletedProcess[str]:
        """`docker exec`: as root, in the container."""
        assignments = [f"{name}={text}" for name, text in {**self._env, **env}.items()]
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd", "env", "-i"]
        return subprocess.run(
            [*enter, *assignments, *command], capture_output=True, text=True, timeout=WAIT_S, check=False
        )

    def health_status(self) -> str:
        """What the image's own health check makes of it."""
        return "healthy" if self.execute(self._image.healthcheck).returncode == 0 else "unhealthy"

    def processes(self) -> dict[int, tuple[int, str]]:
        """Everything that runs or is left over inside, but our own questions: PID → (user, state)."""
        found = {}
        children = [self.pid]
        while children:
            pid = children.pop()
            status = dict(
                line.split(":\t", 1)
                for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if ":\t" in line
            )
            found[pid] = (int(status["Uid"].split()[0]), status["State"].split()[0])
            children += _children(pid)
        return found

    def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
