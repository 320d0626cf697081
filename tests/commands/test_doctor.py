"""`doctor` for programs, on databases of every age, and what it says of secrets."""

from pathlib import Path

import orjson
import pytest

from gateway.settings.weak import weakness
from gateway.store.config import DatabaseConfig
from tests.commands.conftest import Command
from tests.control.gateways import fake_key
from tests.fakes.upstream import FakeUpstream
from tests.store.old_gateway import ADMIN, fill

STRONG = "sk-0123456789-a-long-one"


def test_programs_get_json(command: Command, fake_upstream: FakeUpstream) -> None:
    given = {"AUTH_TOKEN": STRONG, "API_KEYS": fake_key(1), "MAX_RETRIES": "7", "BASE_URL": fake_upstream.url}
    command("migrate", **given)

    seen = command("doctor", "--json", **given)

    told = orjson.loads(seen.out)
    assert (seen.code, told["wrong"]) == (0, 0), seen.out
    assert {"level": "ok", "words": "Keys: 1 ready."} in told["findings"]
    by_name = {each["name"]: (each["value"], each["origin"]) for each in told["settings"]}
    assert by_name["MAX_RETRIES"] == ("7", "environment")
    assert by_name["AUTH_TOKEN"] == ("•••", "environment")
    assert STRONG not in seen.out


def test_secrets_anybody_could_guess_are_wrong(command: Command, fake_upstream: FakeUpstream) -> None:
    seen = command(
        "doctor",
        AUTH_TOKEN="sk-123456",
        ALLOWED_TOKENS='["sk-123456", "short"]',
        API_KEYS=fake_key(1),
        BASE_URL=fake_upstream.url,
    )

    assert seen.code == 1
    assert "AUTH_TOKEN is one copied from a guide" in seen.out
    assert "A token in ALLOWED_TOKENS has fewer than 8 characters" in seen.out
    assert "AUTH_TOKEN is also a client's token" in seen.out


def test_an_old_database_is_recognised(command: Command, tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    fill(DatabaseConfig("sqlite", path=tmp_path / "default_db"))

    seen = command("doctor", BASE_URL=fake_upstream.url)

    assert seen.code == 0, seen.out
    assert "holds the tables of gemini-balance: the first start takes over its keys" in seen.out
    assert ADMIN not in seen.out


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("sk-123456", "is one copied from a guide"),
        ("your_password", "is one copied from a guide"),
        ("change-this-please", "is one copied from a guide"),
        ("Password", "is among the first that are tried"),
        ("a1b2c3", "has fewer than 8 characters"),
        ("correct-horse-battery", ""),
    ],
)
def test_a_weak_secret_is_known_by_its_looks(secret: str, why: str) -> None:
    assert weakness(secret) == why
