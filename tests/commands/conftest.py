"""The command line inside the test's process: as a child does it, without a start of Python for each."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from gateway.__main__ import main
from tests.store.conftest import mysql, mysql_database, mysql_schema, sqlite

__all__ = ["mysql", "mysql_database", "mysql_schema", "sqlite"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Command(Protocol):
    """Runs a command in an environment of its own, on the data of the test's folder."""

    def __call__(self, *arguments: str, **settings: str) -> Ended: ...


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str, **settings: str) -> Ended:
        environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **settings}
        with monkeypatch.context() as patched, logging_as_it_was():
            for name in list(os.environ):
                patched.delenv(name)
            for name, value in environment.items():
                patched.setenv(name, value)
            patched.chdir(tmp_path)
            try:
                code = main(arguments)
            except SystemExit as ended:  # argparse's way out
                code = int(ended.code or 0)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Commands set logging up for a process of their own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
