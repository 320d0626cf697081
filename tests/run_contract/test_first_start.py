"""A fresh clone, nothing configured: it starts, says what to do next, and shows its token once."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.run_contract.child import Answer, Child, assert_clean, run_command

_TOKEN = re.compile(r"^ +(sk-[A-Za-z0-9_-]{20,})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What was seen of a first start without any configuration, and of the second."""

    folder: Path
    first_output: str
    second_output: str
    token: str
    health: Answer
    page: Answer
    call: Answer
    metrics_after_restart: Answer
    exit_codes: tuple[int, int]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> FirstStart:
    folder = tmp_path_factory.mktemp("fresh")
    with Child(folder, "serve") as first:
        found = _TOKEN.findall(first.output)
        token = found[0] if found else ""
        health, page = first.get("/health"), signed_in_page(first, token)
        call = first.generate(token=token)
        first_code = first.stop()
    with Child(folder) as second:  # serve is the default command
        metrics = second.get("/metrics", token=token)
        second_code = second.stop()
    return FirstStart(
        folder,
        first.output,
        second.output,
        token,
        health,
        page,
        call,
        metrics,
        (first_code, second_code),
    )


def signed_in_page(gateway: Child, token: str) -> Answer:
    """What the administrator sees at the bare address after signing in."""
    browser = build_opener(HTTPCookieProcessor())
    with browser.open(gateway.url) as gate:
        guard = re.search(r'name="_xsrf" value="([^"]+)"', gate.read().decode())
    assert guard is not None
    form = urlencode({"token": token, "_xsrf": guard[1]}).encode()
    with browser.open(f"{gateway.url}/sign-in", form) as page:
        headers = {name.lower(): value for name, value in page.headers.items()}
        return Answer(page.status, headers, page.read())


def test_the_admin_token_is_shown_once_and_stays(started: FirstStart) -> None:
    assert started.token
    assert started.first_output.count(started.token) == 1
    assert started.token not in started.second_output
    assert not _TOKEN.search(started.second_output)
    assert started.metrics_after_restart.status == 200


def test_the_token_is_not_in_a_log_line(started: FirstStart) -> None:
    lines = [line for line in started.first_output.splitlines() if started.token in line]

    assert [line.strip() for line in lines] == [started.token]


def test_the_log_says_what_to_do_next(started: FirstStart) -> None:
    for output in (started.first_output, started.second_output):
        assert "no_keys_yet" in output
        assert "API_KEYS" in output


def test_the_page_says_what_to_do_next(started: FirstStart) -> None:
    assert started.page.status == 200
    assert started.page.headers["content-type"].startswith("text/html")
    assert "API_KEYS" in started.page.text
    assert "Add keys" in started.page.text
    assert started.token not in started.page.text


def test_health_is_well_and_says_that_there_is_no_key(started: FirstStart) -> None:
    assert started.health.status == 200
    assert started.health.json["status"] == "healthy"
    assert "key" in started.health.json["detail"]


def test_a_call_without_keys_is_refused_in_words(started: FirstStart) -> None:
    assert started.call.status == 503
    assert "key" in started.call.json["error"]["message"]


def test_it_keeps_its_data_in_the_folder_it_was_started_in(started: FirstStart) -> None:
    assert (started.folder / "data" / "default_db").is_file()


def test_it_stops_on_request_with_success_and_without_noise(started: FirstStart) -> None:
    assert started.exit_codes == (0, 0)
    assert_clean(started.first_output + started.second_output)
    assert "ERROR" not in started.first_output.upper()


def test_version_and_migrate_end_by_themselves(tmp_path: Path) -> None:
    version = run_command(tmp_path, "version")
    assert (version.returncode, version.stderr) == (0, "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", version.stdout)
    assert not (tmp_path / "data").exists()

    migrated = run_command(tmp_path, "migrate")
    assert migrated.returncode == 0
    assert "is up to date" in migrated.stdout
    assert (tmp_path / "data" / "default_db").is_file()
    assert_clean(migrated.stderr)
