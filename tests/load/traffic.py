"""What the load sends and what it makes of the answers: requests by kind, and one run of `load.c`."""

import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.load.programs import BUILT, TOKEN, Program, pinned, start

EVENTS = 50
"""Of every stream; mock.c says it too."""
_WORDS = "hello there " * 8
_PORTKEY = {"x-portkey-provider": "google"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as bytes, and how many events its answer brings (0: it is no stream)."""

    data: bytes
    events: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One run of the load: what came back, and what the program spent on it.

    p50_us, p99_us   of whole answers, or of the events' delays
    cpu_s            of the measured program
    """

    answers: int
    events: int
    errors: int
    seconds: float
    p50_us: int
    p99_us: int
    cpu_s: float

    @property
    def busy(self) -> float:
        """The share of a core that the program used."""
        return self.cpu_s / self.seconds


def native(model: str = "gemini-3.5-flash", *, stream: bool = False, padding_bytes: int = 0) -> Request:
    """A Gemini request; `padding_bytes` makes its body that much longer."""
    parts = [{"text": _WORDS + "x" * padding_bytes}]
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    body = json.dumps({"contents": [{"role": "user", "parts": parts}]}).encode()
    return Request(_post(f"/v1beta/models/{model}:{verb}", body, {}), EVENTS if stream else 0)


def chat(
    model: str = "gemini-3.5-flash", *, stream: bool = False, portkey_to: Program | None = None
) -> Request:
    """An OpenAI chat request; Portkey's carries where its upstream is."""
    messages = [{"role": "user", "content": _WORDS}]
    body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
    headers: Mapping[str, str] = {}
    if portkey_to is not None:
        headers = {**_PORTKEY, "x-portkey-custom-host": f"http://127.0.0.1:{portkey_to.port}/v1beta"}
    return Request(_post("/v1/chat/completions", body, headers), EVENTS if stream else 0)


def _post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(
    program: Program,
    request: Request,
    *,
    connections: int,
    seconds: float,
    rate: float = 0.0,
    expected: bytes | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Seen:
    """Send a request again and again; `rate` a second, or as fast as answers come.

    expected    the body each answer must have, "#" for any digit
    meanwhile   called now and then while the load runs
    """
    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder, "request")
        sent.write_bytes(request.data)
        command = [str(BUILT / "load"), str(program.port), str(connections), str(seconds), str(rate)]
        command += [str(sent), str(request.events)]
        if expected is not None:
            wanted = Path(folder, "expected")
            wanted.write_bytes(expected)
            command.append(str(wanted))
        before_s = program.cpu_s
        with tempfile.TemporaryFile() as words, start(pinned(1, command), {}, words) as child:
            while meanwhile is not None and child.poll() is None:
                meanwhile()
                time.sleep(0.1)
            child.wait()
            spent_s = program.cpu_s - before_s
            _let_settle(program)
            words.seek(0)
            said = words.read()
        if child.returncode:
            raise SystemExit(f"{command} failed: {said.decode(errors='replace')}")
        return Seen(**json.loads(said), cpu_s=spent_s)


def _let_settle(program: Program) -> None:
    """Wait until a program is through with what it was sent: a slow one would share the next one's core."""
    for _ in range(100):
        before_s = program.cpu_s
        time.sleep(0.1)
        if program.cpu_s - before_s < 0.01:
            return


def expected_stream(upstream: Program) -> bytes:
    """The body of a stream as the mock sends it, "#" for the digits of its clock."""
    address = f"http://127.0.0.1:{upstream.port}/v1beta/models/any-burst:streamGenerateContent"
    asked = urllib.request.Request(address, data=b"{}", method="POST")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        body: bytes = answer.read()
    return re.sub(rb"@\d{16}", b"@" + b"#" * 16, body)
