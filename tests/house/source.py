"""The project's own files as the house tests read them: paths, text, syntax trees. Nothing is imported."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def code_blocks(document: Path) -> list[tuple[str, str]]:
    """Give the (language, text) of a document's fenced blocks, in order."""
    return FENCE.findall(document.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Module:
    """One Python file. `name` is dotted, `room` its first two parts: `gateway.pool`, `admin`."""

    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        parts = self.name.split(".")
        return ".".join(parts[:2]) if parts[0] == "gateway" else parts[0]

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    def imports(self) -> Iterator[tuple[str, int]]:
        """(dotted module, line) of every import, also of those inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module, node.lineno

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


def modules(*folders: str) -> list[Module]:
    """Every module below the folders named (`gateway`, `tests/pool`), in order."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Module(path) for path in paths]


def project_files() -> list[Path]:
    """What a clone would hold: tracked and new files that are not ignored; without git, every source."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        folders = ("gateway", "admin", "tests", "templates", "static", "grafana", "docs", "scripts")
        found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
        return sorted([*found, *(path for path in ROOT.iterdir() if path.is_file())])
    return sorted(ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file())
