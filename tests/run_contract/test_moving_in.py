"""Moving in from gemini-balance as its users do: its database under the new gateway."""

from pathlib import Path

from gateway.store.config import DatabaseConfig
from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Child, assert_clean
from tests.run_contract.conftest import Place
from tests.store.old_gateway import ADMIN, ALICE, FIRST, OF_OLD, SECOND, fill


def test_an_old_file_under_a_new_gateway_serves_its_old_clients(
    tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    old = fill(DatabaseConfig("sqlite", path=tmp_path / "data" / "default_db"), BASE_URL=fake_upstream.url)
    before = old.everything()

    with Child(tmp_path) as gateway:
        answered = gateway.generate(token=ALICE)
        keys = gateway.get("/v1/keys/list", token=ADMIN)
        taken = gateway.wait_event("gemini_balance_taken_in")

    assert answered.status == 200, answered.text
    assert fake_upstream.requests[0].key in (FIRST, SECOND)
    assert keys.json["total"] == 2
    assert (taken["keys"], taken["tokens"]) == (2, 1)
    assert taken["settings"] == "AUTH_TOKEN, BASE_URL, MAX_FAILURES"
    assert "GITHUB_REPO_NAME there is no such setting here" in taken["left"]
    assert_clean(gateway.output, ADMIN, ALICE, FIRST, SECOND, OF_OLD)
    assert old.everything() == before


def test_the_database_variables_alone_bring_an_old_mysql_back(
    place: Place, tmp_path: Path, fake_upstream: FakeUpstream
) -> None:
    config = DatabaseConfig(
        "mysql",
        host=place.settings["MYSQL_HOST"],
        port=int(place.settings["MYSQL_PORT"]),
        user=place.settings["MYSQL_USER"],
        password=place.password,
        database=place.settings["MYSQL_DATABASE"],
    )
    old = fill(config, BASE_URL=fake_upstream.url)
    before = old.everything()

    with Child(tmp_path, settings=place.settings) as gateway:
        assert gateway.generate(token=ALICE).status == 200
        assert gateway.get("/v1/keys/list", token=ADMIN).json["total"] == 2
    assert old.everything() == before
