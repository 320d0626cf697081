"""`make bench`: starts mock, gateway and load, and prints what a call costs the gateway."""

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import __version__

TOKEN = "sk-bench"
TICKS = os.sysconf("SC_CLK_TCK")
# name, load kind, connections, what one unit is
MEASURES = (
    ("native generateContent, saturated", "native", 50, "answers"),
    ("OpenAI chat completion, saturated", "chat", 50, "answers"),
    ("native SSE, 100 streams paced 20 ms, per event", "native-paced", 100, "events"),
    ("OpenAI SSE, 100 streams paced 20 ms, per event", "chat-paced", 100, "events"),
    ("native burst stream of 50 events, per stream", "native-burst", 20, "answers"),
    ("OpenAI burst stream of 50 events, per stream", "chat-burst", 20, "answers"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one measure; cpu_us is user and system time of the gateway per unit."""

    cpu_us: float
    per_second: float
    errors: int


def main() -> int:
    """Run every measure in interleaved rounds; 1 when a call failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--streams", type=int, default=500, help="open slow streams for the memory figure")
    arguments = parser.parse_args()
    mock_port, gateway_port = _free_port(), _free_port()
    with _mock(mock_port), _gateway(gateway_port, mock_port) as (gateway, start_s):
        idle_mb = _rss_mb(gateway.pid)
        samples: dict[str, list[Sample]] = {name: [] for name, *_ in MEASURES}
        for _ in range(arguments.rounds):
            for name, kind, connections, unit in MEASURES:
                samples[name].append(
                    _measure(gateway.pid, gateway_port, kind, connections, unit, arguments.seconds)
                )
        before_mb = _rss_mb(gateway.pid)
        open_mb = _open_streams(gateway.pid, gateway_port, arguments.streams)
    memory = {"start_s": start_s, "idle_mb": idle_mb, "after_load_mb": before_mb, "open_streams_mb": open_mb}
    _report(samples, memory, arguments.streams)
    return 1 if any(sample.errors for each in samples.values() for sample in each) else 0


def _measure(pid: int, port: int, kind: str, connections: int, unit: str, seconds: float) -> Sample:
    before_s = _cpu_s(pid)
    result = _load(port, kind, connections, seconds)
    spent_s = _cpu_s(pid) - before_s
    units = result[unit] or 1
    return Sample(spent_s * 1e6 / units, units / result["seconds"], int(result["errors"]))


def _load(port: int, kind: str, connections: int, seconds: float) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "tests.load.load",
        str(port),
        kind,
        str(connections),
        str(seconds),
        TOKEN,
    ]
    done = subprocess.run(_pinned(1, command), capture_output=True, check=True)
    parsed: dict[str, float] = json.loads(done.stdout)
    return parsed


def _open_streams(pid: int, port: int, streams: int) -> float:
    command = [sys.executable, "-m", "tests.load.load", str(port), "native-slow", str(streams), "8", TOKEN]
    with subprocess.Popen(_pinned(1, command), stdout=subprocess.DEVNULL) as load:
        time.sleep(6.0)
        rss_mb = _rss_mb(pid)
        load.wait()
    return rss_mb


@contextmanager
def _mock(port: int) -> Iterator[None]:
    command = _pinned(1, [sys.executable, "-m", "tests.load.mock", str(port)])
    with subprocess.Popen(command) as mock:
        try:
            _wait_for(port)
            yield
        finally:
            mock.terminate()


@contextmanager
def _gateway(port: int, mock_port: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": folder,
            "BASE_URL": f"http://127.0.0.1:{mock_port}/v1beta",
            "API_KEYS": "bench-key-1,bench-key-2,bench-key-3",
            "ALLOWED_TOKENS": TOKEN,
            "LOG_LEVEL": "ERROR",
            "SHUTDOWN_TIMEOUT_SECONDS": "1",
        }
        command = _pinned(0, [sys.executable, "-m", "gateway", "serve"])
        started_s = time.perf_counter()
        with subprocess.Popen(command, env=environment) as gateway:
            try:
                _wait_for(port)
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                    answer.read()
                yield gateway, time.perf_counter() - started_s
            finally:
                gateway.terminate()


def _pinned(core: int, command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 else list(command)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.025)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:", 1)[1].split()[0]) / 1024


def _report(samples: dict[str, list[Sample]], memory: dict[str, float], streams: int) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"gateway {__version__} on {machine}",
        "",
        f"{'measure':<52}{'CPU µs min':>12}{'median':>10}{'best /s':>12}{'errors':>8}",
    ]
    for name, rounds in samples.items():
        cpu = [sample.cpu_us for sample in rounds]
        best = max(sample.per_second for sample in rounds)
        errors = sum(sample.errors for sample in rounds)
        lines.append(f"{name:<52}{min(cpu):>12.1f}{statistics.median(cpu):>10.1f}{best:>12,.0f}{errors:>8}")
    lines += [
        "",
        f"start to first 200: {memory['start_s']:.2f} s",
        f"resident: idle {memory['idle_mb']:.0f} MB, after the load {memory['after_load_mb']:.0f} MB, "
        f"with {streams} open streams {memory['open_streams_mb']:.0f} MB",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    figures = {name: [vars_of(sample) for sample in rounds] for name, rounds in samples.items()}
    Path("bench.json").write_text(
        json.dumps({"machine": machine, "measures": figures, "memory": memory}, indent=1), encoding="utf-8"
    )


def vars_of(sample: Sample) -> dict[str, float]:
    """A sample for the JSON file."""
    return {"cpu_us": sample.cpu_us, "per_second": sample.per_second, "errors": sample.errors}


if __name__ == "__main__":
    sys.exit(main())
