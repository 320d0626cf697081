#!/usr/bin/env python3
"""Print requirements.lock: the packages of the container image with the hashes of their wheels.

pip is asked what it would install on each processor the image is for, at the versions of a constraints file;
it tells the hashes from the index, so nothing is downloaded. The image installs only wheels, and only these.
usage: lock_image.py PYTHON CONSTRAINTS     PYTHON has pip; run by `make lock`
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROCESSORS = ("x86_64", "aarch64")
PYTHON_VERSION = "3.11"
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
"""Wheels for the C library of Debian 12 and older ones."""
HEAD = "# What the container image installs, for amd64 and arm64. Renewed by 'make lock'; do not edit.\n"

Hashes = dict[str, set[str]]


def main(python: str, constraints: str) -> None:
    hashes: Hashes = defaultdict(set)
    for processor in PROCESSORS:
        for chosen in _report(python, constraints, processor)["install"]:
            pin = f"{chosen['metadata']['name']}=={chosen['metadata']['version']}"
            hashes[pin].add(chosen["download_info"]["archive_info"]["hashes"]["sha256"])
    sys.stdout.write(HEAD + lines(hashes))


def lines(hashes: Hashes) -> str:
    """The lock file's lines, one package a paragraph, in the order of their names."""
    return "".join(
        " \\\n".join([pin, *(f"    --hash=sha256:{each}" for each in sorted(hashes[pin]))]) + "\n"
        for pin in sorted(hashes, key=str.lower)
    )


def _report(python: str, constraints: str, processor: str) -> Any:
    """What pip would install on a processor. Raises CalledProcessError when a package has no wheel for it."""
    wanted = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, ROOT / "scripts" / "requirements.py", "image"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
        command += [
            "--ignore-installed",
            "--only-binary",
            ":all:",
            "--target",
            folder,
            "--report",
            str(report),
        ]
        command += ["--implementation", "cp", "--python-version", PYTHON_VERSION]
        command += [part for abi in ("cp311", "abi3", "none") for part in ("--abi", abi)]
        command += [part for libc in GLIBC for part in ("--platform", f"{libc}_{processor}")]
        command += ["-c", constraints, "-r", "/dev/stdin"]
        subprocess.run(command, check=True, input=wanted, text=True)  # noqa: S603 - pip
        return json.loads(report.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*sys.argv[1:])
