"""The declarations themselves: complete, frozen, bounded, and silent about secrets."""

import pytest
from pydantic import ValidationError

from gateway.settings.catalogue import ALIASES, BY_NAME, DESCRIPTIONS, Kind, SettingDescription
from gateway.settings.model import BootSettings, LiveSettings, RowLists
from gateway.settings.sources import check_value


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda each: each.name)
def test_every_setting_is_documented_and_its_default_is_allowed(description: SettingDescription) -> None:
    about = description.about
    assert about.help.endswith(".")
    assert len(about.help) < 200
    assert check_value(description, description.default) == description.default
    if description.kind in (Kind.WHOLE, Kind.NUMBER):
        assert description.low is not None
        assert description.high is not None
    if description.kind is Kind.NUMBER:
        assert about.unit


def test_names_are_unique_and_an_alias_is_no_name() -> None:
    assert len({each.name for each in DESCRIPTIONS}) == len(DESCRIPTIONS)
    assert not set(ALIASES) & set(BY_NAME)


def test_the_defaults_are_those_users_know() -> None:
    live, boot = LiveSettings(), BootSettings()
    assert (live.max_failures, live.max_retries, live.time_out) == (3, 3, 300)
    assert live.base_url == "https://generativelanguage.googleapis.com/v1beta"
    assert live.timezone == "Asia/Shanghai"
    assert live.proxies_use_consistency_hash_by_api_key
    assert (boot.port, boot.database_type, boot.sqlite_database) == (8000, "sqlite", "default_db")
    assert (boot.mysql_port, boot.max_body_mb) == (3306, 100)
    assert boot.shutdown_timeout_seconds == 25, "most answers end within it; compose allows 30 s"


def test_a_snapshot_cannot_be_changed() -> None:
    live = LiveSettings(custom_headers={"X-A": "1"})
    with pytest.raises(ValidationError):
        live.max_retries = 5
    with pytest.raises(TypeError):
        live.custom_headers["X-B"] = "2"  # type: ignore[index]  # a Mapping has no item assignment: that is the point
    assert live == LiveSettings(custom_headers={"X-A": "1"})


def test_no_secret_is_shown_by_repr_or_str() -> None:
    live = LiveSettings(
        auth_token="hush", metrics_token="hush", proxies=("http://u:hush@h",), custom_headers={"X-A": "hush"}
    )
    boot = BootSettings(mysql_password="hush")
    rows = RowLists(api_keys=("hush",), allowed_tokens=("hush",))
    for shown in (repr(live), str(live), repr(boot), str(boot), repr(rows), str(rows), f"{live} {boot!r}"):
        assert "hush" not in shown
    assert "auth_token='***'" in repr(live)
    assert "auth_token=''" in repr(LiveSettings())
    assert live.auth_token == "hush"


def test_pydantic_errors_do_not_show_the_value() -> None:
    with pytest.raises(ValidationError) as refused:
        BootSettings.model_validate({"mysql_password": ["hush"], "encryption_key": ["hush"]})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BASE_URL", "https://host/v1beta/", "https://host/v1beta"),
        ("BASE_URL", "http://127.0.0.1:9000/v1beta", "http://127.0.0.1:9000/v1beta"),
        ("PROXIES", ["host:8080"], ("http://host:8080",)),
        ("PROXIES", ["socks5://u:p@host:1080", "https://h"], ("socks5://u:p@host:1080", "https://h")),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", "Warn", "WARNING"),
        ("DATABASE_TYPE", "MariaDB", "mysql"),
        ("TIMEZONE", "asia/shanghai", "Asia/Shanghai"),
        ("TIMEZONE", "UTC", "UTC"),
        ("ENCRYPTION_KEY", ["A" * 43 + "="], ("A" * 43 + "=",)),
    ],
)
def test_a_value_takes_its_one_spelling(name: str, value: object, expected: object) -> None:
    assert check_value(BY_NAME[name], value) == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", 65536, "from 0 to 65535"),
        ("PORT", -1, "from 0 to 65535"),
        ("WORKERS", 0, "from 1 to 64"),
        ("MAX_RETRIES", 101, "a whole number of keys from 0 to 100"),
        ("TIME_OUT", 0, "a number of seconds from 1 to 86400"),
        ("TIME_OUT", float("nan"), "seconds"),
        ("LOG_LEVEL", "loud", "one of DEBUG, INFO"),
        ("DATABASE_TYPE", "postgres", "one of sqlite, mysql"),
        ("BASE_URL", "generativelanguage.googleapis.com", "http:// or https://"),
        ("BASE_URL", "ftp://host", "http:// or https://"),
        ("BASE_URL", "https://", "http:// or https://"),
        ("BASE_URL", "https://host:port/", "http:// or https://"),
        ("BASE_URL", "https://host/v1?key=hush", "without user name"),
        ("BASE_URL", "https://u:hush@host/v1", "without user name"),
        ("PROXIES", ["ftp://hush"], "known kinds"),
        ("PROXIES", ["http://"], "proxy addresses"),
        ("PROXIES", ["http://[hush"], "proxy addresses"),
        ("CUSTOM_HEADERS", {"X A": "1"}, "header name"),
        ("CUSTOM_HEADERS", {"X-A": "1\r\nHost: hush"}, "line breaks"),
        ("CUSTOM_HEADERS", {"X-Goog-Api-Key": "hush"}, "sets them itself"),
        ("CUSTOM_HEADERS", {"X-A": ["hush"]}, "a map such as"),
        ("TIMEZONE", "Mars/Olympus", "time zone"),
        ("TIMEZONE", "../../etc/passwd", "time zone"),
        ("TIMEZONE", "Asia", "time zone"),
        ("SQLITE_DATABASE", "../x", "DATA_DIR"),
        ("ENCRYPTION_KEY", ["hush"], "Fernet"),
        ("AUTH_TOKEN", "hu\nsh", "line breaks"),
        ("AUTH_TOKEN", "hush\udc80", "UTF-8"),
        ("API_KEYS", ["a", "hu\tsh"], "line breaks"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_is_allowed(name: str, value: object, says: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        check_value(BY_NAME[name], value)
    assert says in str(refused.value)
    assert "hush" not in str(refused.value)
