"""What an operator does to settings: checked whole, acting at once, remembered, taken elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from gateway.control.results import Refused
from gateway.control.setting_desk import SettingView
from gateway.services import Services
from gateway.settings.catalogue import DESCRIPTIONS
from gateway.settings.model import LiveSettings
from gateway.settings.resolution import Origin
from tests.control.gateways import ADMIN, ADMIN_TOKEN, built
from tests.store.conftest import OpenStore


@pytest.fixture
async def services(open_store: OpenStore) -> AsyncIterator[Services]:
    async with built(open_store(), MAX_RETRIES="5") as made:
        yield made


async def view(services: Services, name: str) -> SettingView:
    return {each.name: each for each in await services.desk.settings.all()}[name]


async def test_every_setting_that_can_be_changed_is_listed_with_its_origin(services: Services) -> None:
    views = await services.desk.settings.all()

    assert [each.name for each in views] == [each.name for each in DESCRIPTIONS if each.model is LiveSettings]
    by_name = {each.name: each for each in views}
    assert (by_name["MAX_RETRIES"].origin, by_name["MAX_RETRIES"].text) == (Origin.ENVIRONMENT, "5")
    assert (by_name["TIME_OUT"].origin, by_name["TIME_OUT"].text) == (Origin.DEFAULT, "300")
    assert (by_name["AUTH_TOKEN"].text, ADMIN_TOKEN in repr(views)) == ("•••", False)


async def test_a_change_acts_at_once_and_is_noted_without_secrets(services: Services) -> None:
    changed = await services.desk.settings.change(
        {
            "max_retries": "7",
            "PROXIES": "http://u:p@proxy:1\nhttp://proxy:2",
            "TIME_OUT": 60,
            "LOG_LEVEL": "INFO",
        },
        ADMIN,
    )

    assert changed == ("MAX_RETRIES", "PROXIES", "TIME_OUT")
    assert services.engine.policy.max_retries == 7
    assert services.engine.policy.deadline_s == 60
    assert services.live.current.proxies == ("http://u:p@proxy:1", "http://proxy:2")
    shown = await view(services, "MAX_RETRIES")
    assert (shown.origin, shown.text, shown.updated_at_ms > 0) == (Origin.ADMIN, "7", True)
    trail = {entry.subject: entry.detail for entry in await services.desk.trail.latest(9)}
    assert orjson.loads(trail["setting MAX_RETRIES"]) == {"from": "5", "to": "7"}
    assert orjson.loads(trail["setting PROXIES"]) == {"from": "", "to": "•••"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_RETRIES", "abc", "must be a whole number"),
        ("MAX_RETRIES", "101", "from 0 to 100"),
        ("MAX_RETRIES", "", "must be a whole number"),
        ("MAX_RETRIES", None, "must be"),
        ("MAX_RETRIES", [1], "must be"),
        ("BASE_URL", "ftp://x", "must be an http"),
        ("PROXIES", "gopher://x", "must be proxy addresses"),
        ("CUSTOM_HEADERS", {"x-goog-api-key": "mine"}, "must not set"),
        ("LOG_LEVEL", "LOUD", "must be one of"),
        ("TIMEZONE", "Mars/Olympus", "must be the name of a time zone"),
        ("AUTH_TOKEN", "", "must have at least 6"),
        ("AUTH_TOKEN", "short", "must have at least 6"),
        ("PORT", "1", "counts from the next start"),
        ("API_KEYS", "k", "is kept as rows"),
        ("NO_SUCH_THING", "1", "There is no such setting"),
    ],
)
async def test_one_bad_value_changes_nothing_and_is_said_by_its_name(
    services: Services, name: str, value: Any, words: str
) -> None:
    refused = await services.desk.settings.change({"TIME_OUT": "60", name: value}, ADMIN)

    assert isinstance(refused, Refused)
    assert [error.field for error in refused.errors] == [name]
    assert words in refused.errors[0].message
    assert services.live.current.time_out == 300


async def test_a_changed_admin_token_opens_and_the_old_one_does_not(services: Services) -> None:
    await services.desk.settings.change({"AUTH_TOKEN": "sk-brand-new"}, ADMIN)

    assert services.tokens.admit(ADMIN_TOKEN) is None
    admitted = services.tokens.admit("sk-brand-new")
    assert admitted is not None
    assert admitted.is_admin


async def test_a_reset_goes_back_to_the_environment_or_the_default(services: Services) -> None:
    await services.desk.settings.change({"MAX_RETRIES": 9, "TIME_OUT": 60}, ADMIN)

    assert await services.desk.settings.reset(["MAX_RETRIES", "TIME_OUT"], ADMIN) == (
        "MAX_RETRIES",
        "TIME_OUT",
    )

    assert (services.live.current.max_retries, services.live.current.time_out) == (5, 300)
    assert (await view(services, "MAX_RETRIES")).origin is Origin.ENVIRONMENT
    assert (await view(services, "TIME_OUT")).origin is Origin.DEFAULT
    assert isinstance(await services.desk.settings.reset(["NO_SUCH"], ADMIN), Refused)


async def test_resetting_everything_locks_nobody_out(open_store: OpenStore) -> None:
    async with built(open_store(), AUTH_TOKEN="", ALLOWED_TOKENS="sk-first-of-all") as services:
        await services.desk.settings.change({"AUTH_TOKEN": "sk-brand-new", "TIME_OUT": 60}, ADMIN)

        alone = await services.desk.settings.reset(["AUTH_TOKEN"], ADMIN)
        await services.desk.settings.reset_all(ADMIN)

        assert isinstance(alone, Refused)
        assert services.live.current.time_out == 300
        assert services.tokens.admit("sk-brand-new") is not None


@pytest.mark.parametrize("as_json", [False, True])
async def test_what_is_exported_can_be_imported_elsewhere(
    services: Services, open_store: OpenStore, as_json: bool
) -> None:
    odd: dict[str, Any] = {
        "AUTH_TOKEN": "sk #1 'quoted\" $x \\ 密",
        "PROXIES": ["http://u:p%23w@proxy:1", "socks5://proxy:2"],
        "CUSTOM_HEADERS": {"X-Team": "a, b: c # 'd' \"e\""},
        "SHOW_THINKING_PROCESS": False,
        "TIME_OUT": 12.5,
    }
    assert not isinstance(await services.desk.settings.change(odd, ADMIN), Refused)
    wanted = services.live.current

    text = await services.desk.settings.export(as_json=as_json)
    await services.desk.settings.reset_all(ADMIN)
    assert services.live.current != wanted
    taken = await services.desk.settings.take_in(text, ADMIN)

    assert not isinstance(taken, Refused), taken
    assert services.live.current == wanted
    public = await services.desk.settings.export(as_json=as_json, with_secrets=False)
    assert "AUTH_TOKEN" not in public
    assert "TIME_OUT" in public


@pytest.mark.parametrize("text", ["", "{not json", "OTHER=1", '"unclosed', "TIME_OUT=abc"])
async def test_an_import_that_cannot_be_read_changes_nothing(services: Services, text: str) -> None:
    before = services.live.current

    assert isinstance(await services.desk.settings.take_in(text, ADMIN), Refused)
    assert services.live.current == before


async def test_an_old_env_file_is_taken_in_as_far_as_it_concerns_settings(services: Services) -> None:
    taken = await services.desk.settings.take_in(
        '# old\nAPI_KEYS=["a","b"]\nPORT=9\nTHINKING=1\ntime_out = 60 # s\n', ADMIN
    )

    assert taken == ("TIME_OUT",)
