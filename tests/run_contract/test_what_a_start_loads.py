"""What a start imports: libraries that are not needed yet would cost every start its time and its memory."""

import base64
import re
from pathlib import Path

from tests.run_contract.child import Child
from tests.run_contract.conftest import Place

# Read from what the interpreter itself tells of each import.
TOLD = {"PYTHONPROFILEIMPORTTIME": "1"}
_LINE = re.compile(r"^import time: +\d+ \| +\d+ \| *([\w.]+)$", re.MULTILINE)
ALWAYS = {"httptools", "orjson", "playhouse", "pydantic", "structlog", "tornado"}
PAGES = {"babel", "jinja2"}
ASIDE = {"cryptography", "pygments", "pymysql", "rich", *PAGES}


def loaded(gateway: Child) -> set[str]:
    """The packages of which it has imported parts so far; one that is not found is told of without parts."""
    return {name.partition(".")[0] for name in _LINE.findall(gateway.output) if "." in name}


def test_a_start_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    with Child(tmp_path, settings=TOLD) as gateway:
        assert gateway.get("/health").status == 200
        names = loaded(gateway)

    assert names >= ALWAYS
    assert names & ASIDE == set()


def test_the_admin_is_loaded_by_its_first_visitor(tmp_path: Path) -> None:
    with Child(tmp_path, settings=TOLD) as gateway:
        assert "<form" in gateway.get("/").text
        names = loaded(gateway)

    assert names & ASIDE == PAGES


def test_encryption_is_loaded_when_there_is_a_key(tmp_path: Path) -> None:
    key = base64.urlsafe_b64encode(bytes(32)).decode()

    with Child(tmp_path, settings={**TOLD, "ENCRYPTION_KEY": key}) as gateway:
        assert loaded(gateway) & ASIDE == {"cryptography"}


def test_mysqls_driver_is_loaded_for_mysql(tmp_path: Path, place: Place) -> None:
    with Child(tmp_path, settings={**TOLD, **place.settings}) as gateway:
        assert "pymysql" in loaded(gateway)
