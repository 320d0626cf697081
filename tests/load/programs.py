"""The programs of a benchmark, each a process of its own: mock, gateway, nginx, Portkey's gateway, litellm.

The one that is measured has core 0, mock and load have core 1. As root all of them run at a raised priority,
so that what else the machine does disturbs them less; none of them is favoured.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BUILT = Path("build/bench")
TOKEN = "sk-bench-5f0c4d1e9a7b3628"
_MAY_RUSH = os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs and listens on a port."""

    pid: int
    port: int

    @property
    def cpu_s(self) -> float:
        """User and system time of all its processes and threads so far."""
        spent_ns = 0
        for pid in _family(self.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    spent_ns += int((task / "schedstat").read_text(encoding="ascii").split()[0])
        return spent_ns / 1e9

    @property
    def resident_mb(self) -> float:
        """Resident memory of all its processes."""
        return sum(_resident_mb(pid) for pid in _family(self.pid))


def pinned(core: int | None, command: Sequence[str]) -> list[str]:
    """The command on one core, or on all of them."""
    on_core = ["taskset", "-c", str(core)] if core is not None and (os.cpu_count() or 1) > 1 else []
    return [*on_core, *command]


def start(
    command: Sequence[str], environment: Mapping[str, str], words: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, ahead of what else the machine does where that is allowed.

    Linux shares the time among sessions first (autogroups), so a nice value alone would do nothing.
    """
    child = subprocess.Popen(
        [*(["nice", "-n", "-20"] if _MAY_RUSH else []), *command],
        env={**_our_environment(), **environment},
        stdout=words,
        stderr=words,
        start_new_session=True,
    )
    group = Path(f"/proc/{child.pid}/autogroup")
    if _MAY_RUSH and group.exists():
        group.write_text("-20", encoding="ascii")
    return child


def _our_environment() -> dict[str, str]:
    """Ours, but for what forbids Python to keep compiled sources, which users have by `make` or the image."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def mock() -> Iterator[Program]:
    """The mock upstream."""
    port = _free_port()
    with _running(pinned(1, [str(BUILT / "mock"), str(port)]), port) as program:
        yield program


@contextmanager
def gateway(
    upstream: Program,
    *,
    core: int | None = 0,
    workers: int = 1,
    module: str = "gateway",
    under: Sequence[str] = (),
    wait_s: float = 20.0,
) -> Iterator[Program]:
    """The gateway on SQLite in a temporary folder, three keys, one token, everything on.

    under    a command that runs the gateway's, valgrind for one
    wait_s   for its first 200
    """
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WORKERS": str(workers),
            "DATA_DIR": folder,
            "BASE_URL": f"http://127.0.0.1:{upstream.port}/v1beta",
            "API_KEYS": "bench-key-1,bench-key-2,bench-key-3",
            "ALLOWED_TOKENS": TOKEN,
            "AUTH_TOKEN": "sk-bench-admin",
            "SHUTDOWN_TIMEOUT_SECONDS": "1",
        }
        command = pinned(core, [*under, sys.executable, "-m", module, "serve"])
        with _running(command, port, environment, health="/health", wait_s=wait_s) as program:
            yield program


def start_s(upstream: Program) -> float:
    """Seconds from the gateway's start to its first 200."""
    began_s = time.perf_counter()
    with gateway(upstream):
        return time.perf_counter() - began_s


_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log error;
events {{ worker_connections 16384; }}
http {{
    access_log off; client_max_body_size 0; client_body_buffer_size 2m; keepalive_requests 100000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream mock {{ server 127.0.0.1:{upstream}; keepalive 4096; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        proxy_http_version 1.1; proxy_set_header Connection "";
        location / {{ proxy_pass http://mock; }}
        location ~ streamGenerateContent {{ proxy_pass http://mock; proxy_buffering off; }}
    }}
}}
"""


@contextmanager
def nginx(upstream: Program) -> Iterator[Program]:
    """nginx as a plain reverse proxy that keeps its connections: the practical floor."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream.port), encoding="utf-8")
        config.parent.chmod(0o755)  # its worker is another user
        command = [shutil.which("nginx") or "nginx", "-c", str(config), "-e", f"{folder}/start.log"]
        with _running(pinned(0, command), port) as program:
            yield program


@contextmanager
def portkey() -> Iterator[Program]:
    """Portkey's gateway; requests say by their headers where they go."""
    port = _free_port()
    server = BUILT / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
    command = ["node", str(server), f"--port={port}", "--headless"]
    with _running(pinned(0, command), port, {"NODE_ENV": "production"}) as program:
        yield program


@contextmanager
def litellm(upstream: Program) -> Iterator[Program]:
    """litellm's proxy, one worker, with the mock as its Gemini."""
    port = _free_port()
    names = ("gemini-3.5-flash", "gemini-3.5-flash-paced", "gemini-3.5-flash-burst")
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": f"gemini/{name}",
                "api_key": "bench-key-1",
                "api_base": f"http://127.0.0.1:{upstream.port}/v1beta",
            },
        }
        for name in names
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.json")  # JSON is YAML
        config.write_text(json.dumps({"model_list": models}), encoding="utf-8")
        command = [str(BUILT / "litellm/bin/litellm"), "--config", str(config), "--host", "127.0.0.1"]
        environment = {
            "LITELLM_LOG": "ERROR",
            "LITELLM_MASTER_KEY": TOKEN,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the Internet at its start
        }
        with _running(pinned(0, [*command, "--port", str(port)]), port, environment, wait_s=120) as program:
            yield program


@contextmanager
def _running(
    command: Sequence[str],
    port: int,
    environment: Mapping[str, str] | None = None,
    *,
    health: str = "",
    wait_s: float = 20.0,
) -> Iterator[Program]:
    """The program, once it listens or its health is 200; terminated at the end."""
    with (
        tempfile.TemporaryFile() as words,
        start(command, environment or {}, words) as child,
    ):
        try:
            until_s = time.monotonic() + wait_s
            while not _answers(port, health):
                if child.poll() is not None or time.monotonic() > until_s:
                    words.seek(0)
                    said = words.read()[-2000:].decode(errors="replace")
                    raise SystemExit(f"{command} does not listen on port {port}:\n{said}")
                time.sleep(0.01)
            yield Program(child.pid, port)
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(10)
            child.kill()


def _answers(port: int, health: str) -> bool:
    try:
        if health:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=2) as answer:
                return int(answer.status) == 200
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(pid: int) -> list[int]:
    """A process and those it started."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += _family(int(child))
    return found


def _resident_mb(pid: int) -> float:
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        if "VmRSS:" in status:
            return int(status.split("VmRSS:", 1)[1].split()[0]) / 1024
    return 0.0
