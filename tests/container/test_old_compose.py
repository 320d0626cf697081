"""The gateways of compose files, started in the image as the files say, with the files' own health checks.

Theirs is a MySQL 8 with its default password plugin. On this machine they share its network, so the port and
the database's address are the test's; everything else is the file's.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.container.builder import Image
from tests.container.running import Container, Start
from tests.container.test_compose import ALL_IN_ONE, OLD, env_file, read
from tests.fakes.mysql8 import Account, MySQL8Door
from tests.run_contract.conftest import Place, place

__all__ = ["env_file", "place"]  # fixtures of others

pytestmark = pytest.mark.timeout(400)  # the first one may build the image


@pytest.mark.parametrize(("files", "name"), [(OLD, "gemini-balance"), (ALL_IN_ONE, "gateway")])
def test_the_files_gateway_comes_up_and_its_health_check_says_so(
    files: tuple[str, ...], name: str, env_file: Path, image: Image, place: Place
) -> None:
    service: dict[str, Any] = read(files, env_file)["services"][name]
    given = place.settings
    with MySQL8Door(Account.of(given)) as door:
        settings = {
            **service["environment"],
            **{key: given[key] for key in ("MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE")},
            "MYSQL_HOST": "127.0.0.1",
            "MYSQL_PORT": str(door.port),
        }
        kind, check = service["healthcheck"]["test"]
        assert kind == "CMD-SHELL"

        with Container(image, Start(settings=tuple(settings.items()), tmp_size="16m")) as container:
            asked = container.execute(["/bin/sh", "-c", check.replace(":8000", f":{container.port}")])
            assert (asked.returncode, asked.stderr) == (0, "")
            assert {user for user, _ in container.processes().values()} == {1000}
            assert container.stop() == 0
        assert door.signed_in > 0
