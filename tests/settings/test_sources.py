"""Environment and `.env` together: who wins, what is reported, and what is never repeated."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SettingsError
from gateway.settings.sources import Sources, read_sources


def from_file(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Sources:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    return read_sources(environ or {}, path)


def refusal(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path, text, environ)
    return str(refused.value)


def test_with_nothing_set_everything_has_its_default(tmp_path: Path) -> None:
    sources = read_sources({"PATH": "/bin"}, tmp_path / ".env")
    assert sources.boot.port == 8000
    assert sources.rows.api_keys is None
    assert sources.live == {}
    assert (sources.unknown_names, sources.warnings) == ((), ())


MISSION = """\
API_KEYS=["AIza1","AIza2"]
ALLOWED_TOKENS=["sk-abc"]
AUTH_TOKEN=sk-abc
TZ=Asia/Shanghai
DATABASE_TYPE=sqlite
SQLITE_DATABASE=default_db          # or the five MYSQL_… names
"""
GUIDE = """\
api_keys=("key-1","key-2")
allowed_tokens=("sk-123456")        # a guide's loose form, lower case
"""


def test_the_file_of_the_readme_works(tmp_path: Path) -> None:
    sources = from_file(tmp_path, MISSION)
    assert sources.rows.api_keys == ("AIza1", "AIza2")
    assert sources.rows.allowed_tokens == ("sk-abc",)
    assert sources.live == {"AUTH_TOKEN": "sk-abc", "TIMEZONE": "Asia/Shanghai"}
    assert (sources.boot.database_type, sources.boot.sqlite_database) == ("sqlite", "default_db")
    assert (sources.unknown_names, sources.warnings) == ((), ())


def test_the_loose_file_of_a_guide_works(tmp_path: Path) -> None:
    sources = from_file(tmp_path, GUIDE)
    assert sources.rows.api_keys == ("key-1", "key-2")
    assert sources.rows.allowed_tokens == ("sk-123456",)


@pytest.mark.parametrize("text", [MISSION, GUIDE])
def test_docker_passing_the_lines_as_they_are_gives_the_same(tmp_path: Path, text: str) -> None:
    literal = dict(line.split("=", 1) for line in text.splitlines())
    passed, read = read_sources(literal), from_file(tmp_path, text)
    assert (passed.boot, passed.rows, passed.live) == (read.boot, read.rows, read.live)


def test_quotes_that_docker_passes_literally_are_dropped() -> None:
    sources = read_sources({"PORT": '"9000"', "MYSQL_PASSWORD": "'pw'", "AUTH_TOKEN": '"tok"'})
    assert (sources.boot.port, sources.boot.mysql_password, sources.live["AUTH_TOKEN"]) == (9000, "pw", "tok")


def test_the_command_line_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("PORT=1\nWORKERS=1\nMAX_BODY_MB=1\n")
    sources = read_sources({"PORT": "2", "workers": "2"}, path, command_line={"PORT": "3"})
    assert (sources.boot.port, sources.boot.workers, sources.boot.max_body_mb) == (3, 2, 1)


def test_an_empty_value_counts_as_not_set_and_hides_nothing(tmp_path: Path) -> None:
    sources = from_file(tmp_path, "PORT=9000\nAPI_KEYS=\nMAX_RETRIES=''\n", {"PORT": " ", "API_KEYS": ""})
    assert sources.boot.port == 9000
    assert sources.rows.api_keys is None
    assert "MAX_RETRIES" not in sources.live


def test_empty_brackets_are_a_list_that_is_set_and_empty() -> None:
    sources = read_sources({"API_KEYS": "[]", "PROXIES": "[]"})
    assert sources.rows.api_keys == ()
    assert sources.live == {"PROXIES": ()}


def test_a_name_in_capitals_wins_over_the_same_in_lower_case() -> None:
    for environ in ({"PORT": "1", "port": "2"}, {"port": "2", "PORT": "1"}):
        assert read_sources(environ).boot.port == 1


def test_tz_is_read_when_timezone_is_not_set() -> None:
    assert read_sources({"TZ": "Europe/Berlin"}).live["TIMEZONE"] == "Europe/Berlin"
    assert read_sources({"TZ": "Europe/Berlin", "TIMEZONE": "UTC"}).live["TIMEZONE"] == "UTC"


def test_an_odd_tz_of_the_system_is_left_out_with_a_warning() -> None:
    sources = read_sources({"TZ": "CST-8"})
    assert "TIMEZONE" not in sources.live
    assert sources.warnings[0].startswith("TZ (environment) must be the name of a time zone")


def test_an_odd_timezone_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"TIMEZONE \(environment\) must be the name of a time zone"):
        read_sources({"TIMEZONE": "CST-8"})


def test_a_password_keeps_what_looks_like_a_comment_or_a_list(tmp_path: Path) -> None:
    assert read_sources({"MYSQL_PASSWORD": "a #b"}).boot.mysql_password == "a #b"
    assert read_sources({"MYSQL_PASSWORD": "[x]"}).boot.mysql_password == "[x]"
    assert from_file(tmp_path, "MYSQL_PASSWORD='\"a\" # b '").boot.mysql_password == '"a" # b '


def test_names_in_the_file_that_are_no_setting_are_given_back_once(tmp_path: Path) -> None:
    text = "GITHUB_REPO_OWNER=true\nfoo=1\nGITHUB_REPO_OWNER=false\nAIzaSyBrokenOut=\n"
    sources = from_file(tmp_path, text, {"ALSO_UNKNOWN": "1"})
    assert sources.unknown_names == ("GITHUB_REPO_OWNER", "foo", "(the name on line 4)")


def test_a_setting_on_two_lines_counts_last_and_is_warned_of(tmp_path: Path) -> None:
    sources = from_file(tmp_path, "PORT=1\n\nport=2\n")
    assert sources.boot.port == 2
    assert sources.warnings == ("PORT stands on lines 1 and 3 of .env; line 3 counts.",)


@pytest.mark.parametrize(
    "value",
    ["AIzaSyxxxxxxxxxxxxxxxxxxx", "your-api-key", "your_gemini_api_key", "<key>", "AIzaSy...1", "key-1"],
)
def test_a_placeholder_is_used_and_warned_of(value: str) -> None:
    sources = read_sources({"API_KEYS": f'["{value}"]'})
    assert sources.rows.api_keys == (value,)
    (warning,) = sources.warnings
    assert warning.startswith("API_KEYS (environment) has 1 of its values that looks like one copied")
    assert value not in warning


def test_all_problems_are_reported_together_with_their_places(tmp_path: Path) -> None:
    text = 'PORT=80000\nnonsense line\nMAX_RETRIES=many\nPROXIES=["ftp://hush"]\nAPI_KEYS=["hush"\n'
    told = refusal(tmp_path, text, {"WORKERS": "0", "DATABASE_TYPE": "oracle"})
    assert told.startswith("7 settings cannot be used:\n")
    for line in (
        "line 2 of .env: expected NAME=value",
        "line 5 of .env: the bracket [ opened here is never closed",
        "PORT (line 1 of .env) must be a whole number from 0 to 65535, got 80000",
        "MAX_RETRIES (line 3 of .env) must be a whole number of keys from 0 to 100, got many",
        "PROXIES (line 4 of .env) must be proxy addresses",
        "WORKERS (environment) must be a whole number of processes from 1 to 64, got 0",
        "DATABASE_TYPE (environment) must be one of sqlite, mysql, got oracle",
    ):
        assert f"\n  {line}" in told
    assert "hush" not in told


def test_a_single_problem_is_one_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "PORT=abc") == (
        "Settings: PORT (line 1 of .env) must be a whole number from 0 to 65535, got abc"
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"AUTH_TOKEN": '["hush1","hush2"]'},
        {"API_KEYS": '["hush"'},
        {"API_KEYS": '{"hush":1}'},
        {"ENCRYPTION_KEY": "hush"},
        {"MYSQL_PASSWORD": "hu\x07sh"},
        {"CUSTOM_HEADERS": "hush"},
        {"PROXIES": "hush://hush"},
    ],
)
def test_a_secret_value_is_never_repeated(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        read_sources(environ)
    assert "hu" not in str(refused.value)
    assert next(iter(environ)) in str(refused.value)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["MYSQL_HOST", "MYSQL_USER", "MYSQL_DATABASE"]),
        ({"MYSQL_SOCKET": "/run/m.sock"}, ["MYSQL_USER", "MYSQL_DATABASE"]),
        ({"MYSQL_HOST": "h", "MYSQL_USER": "u"}, ["MYSQL_DATABASE"]),
    ],
)
def test_mysql_names_what_it_still_needs(environ: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        read_sources({"DATABASE_TYPE": "mysql", **environ})
    told = str(refused.value)
    assert [
        name for name in ("MYSQL_HOST", "MYSQL_USER", "MYSQL_DATABASE") if f"{name} must" in told
    ] == missing


def test_mysql_without_a_password_is_accepted() -> None:
    environ = {"DATABASE_TYPE": "mysql", "MYSQL_HOST": "h", "MYSQL_USER": "u", "MYSQL_DATABASE": "d"}
    assert read_sources(environ).boot.mysql_password == ""


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.env cannot be read: "):
        read_sources({}, _folder(tmp_path / ".env"))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_sources_show_no_secret() -> None:
    sources = read_sources({"API_KEYS": "hush", "AUTH_TOKEN": "hush", "MYSQL_PASSWORD": "hush"})
    assert "hush" not in repr(sources)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.text(),
            st.sampled_from(
                ["PORT=", "API_KEYS=", "custom_headers: ", "AUTH_TOKEN=", "[", "]", "'", '"', "#", "\n", "5"]
            ),
        )
    )
)
def test_any_text_is_a_file_of_settings_or_refused(tmp_path: Path, pieces: list[str]) -> None:
    path = tmp_path / ".env"
    path.write_text("".join(pieces), encoding="utf-8", errors="replace")
    try:
        read = read_sources({}, path)
    except SettingsError:
        return
    assert isinstance(read, Sources)


def test_safety_settings_are_read_as_users_of_the_original_write_them() -> None:
    written = (
        '[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},'
        '{"category": "HARM_CATEGORY_CIVIC_INTEGRITY", "threshold": "BLOCK_NONE"}]'
    )

    for text in (written, "harassment: off, civic_integrity: block_none"):
        assert read_sources({"SAFETY_SETTINGS": text}).live["SAFETY_SETTINGS"] == (
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},
            {"category": "HARM_CATEGORY_CIVIC_INTEGRITY", "threshold": "BLOCK_NONE"},
        )


@pytest.mark.parametrize(
    "text",
    [
        '[{"category":"HARM_CATEGORY_HARASSMENT"}]',
        '[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"MAYBE"}]',
        '[{"category":"a b","threshold":"OFF"}]',
        '[{"category":"HARASSMENT","threshold":"OFF","method":"X"}]',
    ],
)
def test_safety_settings_gemini_would_refuse_are_refused_at_start(text: str) -> None:
    with pytest.raises(SettingsError, match="SAFETY_SETTINGS"):
        read_sources({"SAFETY_SETTINGS": text})


def test_budgets_are_whole_numbers_even_when_written_with_a_point() -> None:
    read = read_sources({"THINKING_BUDGET_MAP": '{"models/gemini-3.5-flash": -1.0, "x": "4000"}'})

    assert read.live["THINKING_BUDGET_MAP"] == {"gemini-3.5-flash": -1, "x": 4000}
