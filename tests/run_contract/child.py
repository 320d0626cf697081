"""The gateway as its users run it: a child process with an environment and a folder of its own.

Ports are free ones, the addresses come from the child's own log. Whatever a child prints is kept, and
every child that is stopped is checked for tracebacks and for the secrets it was given.
"""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

from tests.fakes.output import Output

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_S = 30.0

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Build an environment with nothing of the test's own in it but the way to Python and the project."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return {**bare, **settings}


def run_command(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, for commands and starts that end by themselves."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env=environment(folder, settings or {}),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


class Child:
    """A serving gateway; use it in a `with` block, which waits until it serves and stops it at the end.

    arguments   of the command line; a free port of loopback is asked for unless told otherwise
    settings    its environment
    """

    def __init__(
        self, folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, port: bool = True
    ) -> None:
        self._command = [sys.executable, "-m", "gateway", *arguments]
        if port:
            self._command += ["--host", "127.0.0.1", "--port", "0"]
        self._folder = folder
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=environment(self._folder, self._settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self._printed = Output(self._process.stdout)
        try:
            serving = self.wait_event("serving")
        except BaseException:
            self.__exit__()
            raise
        self.url = f"http://{serving['host']}:{serving['port']}"
        return self

    def __exit__(self, *_: object) -> None:
        child = self._child
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(WAIT_S)
        self._printed.close(WAIT_S)

    # What it printed.

    @property
    def output(self) -> str:
        return self._printed.text

    @property
    def events(self) -> list[Event]:
        """Its log lines, as far as they are JSON."""
        return [orjson.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def event(self, name: str) -> Event | None:
        return next((event for event in self.events if event["event"] == name), None)

    def wait_event(self, name: str) -> Event:
        """Wait for a log line; fails when the child ends without it."""
        self._wait_for(lambda: self._printed.ended or self.event(name) is not None, f"it did not log {name}")
        found = self.event(name)
        assert found is not None, f"the gateway ended without logging {name}:\n{self.output}"
        return found

    # Signals.

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end, without asking for it."""
        code = self._child.wait(WAIT_S)
        self._printed.wait_end(WAIT_S)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.send(number)
        return self.exit_code()

    def peak_memory_bytes(self) -> int:
        """The most it has had resident so far."""
        return self._memory_bytes("VmHWM")

    def memory_bytes(self) -> int:
        """What it has resident."""
        return self._memory_bytes("VmRSS")

    def _memory_bytes(self, name: str) -> int:
        for line in Path(f"/proc/{self._child.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{name} is not told")

    # Calls.

    def get(self, path: str, *, token: str = "") -> Answer:
        return self.ask("GET", path, token=token)

    def generate(self, *, token: str, model: str = "gemini-3.5-flash") -> Answer:
        body = orjson.dumps({"contents": [{"parts": [{"text": "hi"}]}]})
        return self.ask("POST", f"/v1beta/models/{model}:generateContent", token=token, body=body)

    def ask(self, method: str, path: str, *, token: str = "", body: bytes | None = None) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body, request_headers(token))
            response = connection.getresponse()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def stream(self, *, token: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Start a streamed chat; the caller closes the connection."""
        body = {"model": "gemini-3.5-flash", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        connection = self.connect()
        connection.request("POST", "/v1/chat/completions", orjson.dumps(body), request_headers(token))
        return connection, connection.getresponse()

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)

    # Parts.

    @property
    def _child(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def _wait_for(self, condition: Callable[[], bool], complaint: str) -> None:
        met = self._printed.wait_for(condition, WAIT_S)
        assert met, f"{complaint} within {WAIT_S:g} s:\n{self.output}"


def request_headers(token: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    return {**headers, "Authorization": f"Bearer {token}"} if token else headers


def assert_clean(output: str, *secrets: str) -> None:
    """Assert that an output has no traceback and none of these secrets."""
    assert "Traceback" not in output, output
    found = [secret for secret in secrets if secret in output]
    assert not found, f"{found} in:\n{output}"
