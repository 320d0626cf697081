"""requirements.lock is in step: with setup.cfg, with constraints.txt, and for both kinds of processors."""

import configparser
import re
from collections.abc import Iterator
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.source import ROOT

COMPILED = {
    *("cffi", "charset-normalizer", "cryptography", "httptools", "markupsafe", "orjson", "pycurl"),
    *("pydantic-core", "regex", "tornado"),
}
"""Packages with a wheel for each processor; the others have one for all."""


def _locked() -> dict[str, tuple[str, list[str]]]:
    """Name → (version, hashes). Every line must be part of it, comments aside."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    package = re.compile(r"^([\w.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE)
    assert re.sub("^#.*\n", "", package.sub("", text), flags=re.MULTILINE) == ""
    return {
        canonicalize_name(name): (version, re.findall("[0-9a-f]{64}", hashes))
        for name, version, hashes in package.findall(text)
    }


def _declared() -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["install_requires"] + config["options.extras_require"]["image"]
    return [line for line in listed.splitlines() if line.strip() and not line.startswith("#")]


def _with_what_they_need(declared: list[str], seen: set[str]) -> Iterator[str]:
    for line in declared:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        yield name
        yield from _with_what_they_need(distribution(name).requires or [], seen)


def test_the_lock_holds_what_the_gateway_needs_and_nothing_else() -> None:
    assert sorted(_locked()) == sorted(_with_what_they_need(_declared(), set())), "run: make lock"


def test_the_lock_has_the_versions_that_are_tested() -> None:
    tested = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    tested = {canonicalize_name(name): version for name, version in tested.items()}

    assert {name: version for name, (version, _) in _locked().items()} == {
        name: tested.get(name, "") for name in _locked()
    }, "run: make lock"


def test_every_package_has_a_wheel_for_both_processors() -> None:
    hashes = {name: len(each) for name, (_, each) in _locked().items()}

    assert hashes == {name: 2 if name in COMPILED else 1 for name in hashes}
