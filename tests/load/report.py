"""What a run found: verdicts against the goals, the table, bench.json."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from gateway import __version__
from tests.load.programs import BUILT
from tests.load.rounds import Results

_PACKAGES = ("tornado", "pycurl", "orjson", "httptools", "peewee", "structlog")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure beside its goal.

    value   None when it could not be measured: a peer is missing
    goal    the most it may be, or, with `at_least`, the least
    """

    name: str
    value: float | None
    goal: float
    unit: str
    at_least: bool = False

    @property
    def is_missed(self) -> bool:
        if self.value is None:
            return False
        return self.value < self.goal if self.at_least else self.value > self.goal

    @property
    def word(self) -> str:
        if self.value is None:
            return "skipped"
        return "MISSED" if self.is_missed else "ok"


def machine() -> dict[str, str]:
    """What the figures were measured on, and with."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "gateway": __version__,
        "processor": f"{model}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "load before": f"{os.getloadavg()[0]:.1f} processes wanted to run",
        "python": platform.python_version(),
        "yardstick": f"{_yardstick_us()} µs of Python",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "libcurl": _said([sys.executable, "-c", "import pycurl; print(pycurl.version.split()[1])"]),
        "nginx": _said(["nginx", "-v"]).rpartition("/")[2],
        "portkey": _portkey_version(),
        "litellm": _litellm_version(),
    }


def table(
    facts: Mapping[str, str], results: Results, verdicts: Sequence[Verdict], notes: Sequence[str]
) -> str:
    """The run as text."""
    lines = [f"{name:<12}{text}" for name, text in facts.items() if text]
    lines += [
        "",
        f"{'CPU, µs':<50}{'program':<10}{'least':>9}{'median':>9}{'busy':>7}{'best /s':>10}{'errors':>8}",
    ]
    for (measure, program), figures in results.items():
        lines.append(
            f"{measure:<50}{program:<10}{figures.least_us:>9.1f}{figures.median_us:>9.1f}"
            f"{figures.busy:>7.0%}{figures.per_second:>10,.0f}{figures.errors:>8}"
        )
    lines += ["", f"{'measure':<72}{'value':>9}{'goal':>9} {'':<8}"]
    for each in verdicts:
        value = "-" if each.value is None else f"{each.value:,.2f}"
        goal = f"{'≥' if each.at_least else '≤'} {each.goal:g}"
        lines.append(f"{each.name:<72}{value:>9}{goal:>9} {each.unit:<8}{each.word}")
    return "\n".join([*lines, "", *notes]) + "\n"


def write_json(
    path: Path, facts: Mapping[str, str], results: Results, verdicts: Sequence[Verdict], notes: Sequence[str]
) -> None:
    """The run with all its rounds."""
    measures = [
        {
            "measure": measure,
            "program": program,
            "unit": figures.unit,
            "cpu_us": figures.cpu_us,
            "rounds": [asdict(seen) for seen in figures.rounds],
        }
        for (measure, program), figures in results.items()
    ]
    judged = [{**asdict(each), "result": each.word} for each in verdicts]
    text = json.dumps(
        {"machine": dict(facts), "measures": measures, "verdicts": judged, "notes": list(notes)}, indent=1
    )
    path.write_text(text + "\n", encoding="utf-8")


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _said(command: Sequence[str]) -> str:
    """What a program says of itself, "" where it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def _yardstick_us() -> int:
    """How long this Python takes for the same work everywhere: the least of a few runs."""
    command = [sys.executable, "-I", "scripts/yardstick.py"]
    return min(int(_said(command)) for _ in range(5))


def _portkey_version() -> str:
    package = BUILT / "portkey/node_modules/@portkey-ai/gateway/package.json"
    return str(json.loads(package.read_text(encoding="utf-8"))["version"]) if package.exists() else ""


def _litellm_version() -> str:
    found = sorted(BUILT.glob("litellm/lib/python*/site-packages/litellm-*.dist-info"))
    return found[0].name.removeprefix("litellm-").removesuffix(".dist-info") if found else ""
