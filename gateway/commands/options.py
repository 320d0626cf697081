"""Options that commands share, and the settings they lead to."""

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from gateway.errors import StartupError
from gateway.log import configure
from gateway.settings.sources import Sources, read_sources

_SETTINGS = {"HOST": "host", "PORT": "port", "WORKERS": "workers"}
"""Settings that stand on the command line, and the options' names."""
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_env_file(command: argparse.ArgumentParser) -> None:
    """Let a command be told where the settings are."""
    command.add_argument(
        "--env-file", type=Path, metavar="FILE", help="read settings from this file (default: .env)"
    )


def sources_of(arguments: argparse.Namespace) -> Sources:
    """The settings of command line, environment and `.env`. Raises StartupError."""
    env_file: Path | None = arguments.env_file
    if env_file is not None and not env_file.is_file():
        raise StartupError(f"There is no file {env_file} (--env-file).")
    return read_sources(os.environ, env_file or Path(".env"), command_line=settings_given(arguments))


def settings_given(arguments: argparse.Namespace) -> dict[str, str]:
    """The settings given on the command line."""
    return {
        name: value
        for name, flag in _SETTINGS.items()
        if (value := getattr(arguments, flag, None)) is not None
    }


def quiet_sources(arguments: argparse.Namespace) -> Sources:
    """The settings, with only warnings on the terminal: what the command says itself is for people."""
    sources = sources_of(arguments)
    configure(level="WARNING", log_format=sources.boot.log_format)
    return sources
