"""Two gateways on one database: what an operator changes at one acts at the other in about a second."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.control.gateways import fake_key
from tests.fakes import gemini_errors
from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import Answer, Child
from tests.run_contract.conftest import Place

ADMIN, CLIENT = "sk-test-admin", "sk-a-client"
KEY, OTHER = fake_key(1), fake_key(2)
SOON_S = 5.0
"""They look every second; the machine may be busy."""


@pytest.fixture(params=["sqlite", "mysql"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, fake_upstream: FakeUpstream
) -> Iterator[tuple[Child, Child]]:
    """Two gateways with one key and one client's token, in folders of their own."""
    settings = {
        "API_KEYS": KEY,
        "AUTH_TOKEN": ADMIN,
        "ALLOWED_TOKENS": CLIENT,
        "BASE_URL": fake_upstream.url,
        "DATA_DIR": str(tmp_path / "data"),
    }
    if request.param == "mysql":
        place: Place = request.getfixturevalue("place")
        settings |= place.settings
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with Child(folders[0], settings=settings) as one, Child(folders[1], settings=settings) as two:
        yield one, two


def admin(gateway: Child, method: str, path: str, body: Any = None) -> Answer:
    sent = None if body is None else orjson.dumps(body)
    answer = gateway.ask(method, f"/api/admin{path}", token=ADMIN, body=sent)
    assert answer.status < 300, answer.text
    return answer


def soon(condition: Callable[[], object]) -> float:
    """Wait until the other gateway knows; gives how long that took."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < SOON_S, "the other gateway does not know"
        time.sleep(0.05)
    return time.monotonic() - began_s


def test_keys_tokens_and_settings_follow(pair: tuple[Child, Child], fake_upstream: FakeUpstream) -> None:
    one, two = pair
    before = two.generate(token=CLIENT)

    # A key that is disabled at one is not lent by the other; another takes its place.
    (key,) = admin(one, "GET", "/keys").json["keys"]
    admin(one, "PATCH", f"/keys/{key['id']}", {"enabled": False})
    disabled_s = soon(lambda: two.generate(token=CLIENT).status == 503)
    admin(two, "POST", "/keys", {"text": OTHER})
    soon(lambda: one.generate(token=CLIENT).status == 200)
    assert fake_upstream.requests[-1].key == OTHER

    # A token that is made at one opens the other, with its limits, until it is deleted.
    token = admin(one, "POST", "/tokens", {"name": "x", "limits": {"models": ["gemini-9*"]}}).json
    soon(lambda: two.generate(token=token["secret"]).status == 403)
    admin(two, "PATCH", f"/tokens/{token['id']}", {"limits": {}})
    soon(lambda: one.generate(token=token["secret"]).status == 200)
    admin(one, "DELETE", f"/tokens/{token['id']}")
    soon(lambda: two.generate(token=token["secret"]).status == 401)

    # A setting, the administrator's token among them.
    admin(one, "PATCH", "/settings", {"ERROR_LOG_RECORD_REQUEST_BODY": True, "MAX_RETRIES": 7})
    soon(lambda: _setting(two, "MAX_RETRIES") == 7)
    admin(one, "PATCH", "/settings", {"AUTH_TOKEN": "sk-brand-new"})
    soon(lambda: two.generate(token="sk-brand-new").status == 200)  # at the API it would be a wrong guess
    assert two.ask("GET", "/api/admin/pool", token=ADMIN).status == 401

    assert before.status == 200
    assert disabled_s < SOON_S


def _setting(gateway: Child, name: str) -> Any:
    listed = admin(gateway, "GET", "/settings").json["settings"]
    return next(each["value"] for each in listed if each["name"] == name)


def test_a_task_of_one_is_shown_and_undone_by_the_other(
    pair: tuple[Child, Child], fake_upstream: FakeUpstream
) -> None:
    one, two = pair
    fake_upstream.error(gemini_errors.leaked(), key=OTHER)
    admin(one, "POST", "/keys", {"text": OTHER})

    task = admin(one, "POST", "/keys/tasks", {"action": "check", "filter": {}}).json
    soon(lambda: admin(two, "GET", f"/tasks/{task['id']}").json["state"] == "done")
    groups = admin(two, "GET", f"/tasks/{task['id']}").json["groups"]
    soon(lambda: _states(two) == {"active", "dead"})
    gone = admin(one, "DELETE", f"/keys/{groups[0]['ids'][0]}").json
    soon(lambda: len(admin(two, "GET", "/keys").json["keys"]) == 1)
    admin(two, "POST", "/keys/undo", {"batch": gone["undo"]})
    admin(two, "POST", "/keys/tasks", {"action": "reset", "filter": {}})

    assert {group["outcome"] for group in groups} == {"ok", "key_leaked"}
    soon(lambda: _states(one) == {"active"} and len(admin(one, "GET", "/keys").json["keys"]) == 2)


def _states(gateway: Child) -> set[str]:
    return {key["state"] for key in admin(gateway, "GET", "/keys").json["keys"]}


def test_calls_of_both_are_in_one_log_and_one_sum(pair: tuple[Child, Child]) -> None:
    one, two = pair
    for _ in range(5):
        assert one.generate(token=CLIENT).status == two.generate(token=CLIENT).status == 200

    soon(lambda: admin(two, "GET", "/overview?period=1h").json["total"]["calls"] == 10)

    assert len(admin(one, "GET", "/calls").json["calls"]) == 10
    (_, client) = admin(one, "GET", "/tokens").json["tokens"]
    assert (client["calls_today"], client["failed_today"]) == (10, 0)


def test_the_requests_of_a_minute_are_counted_by_both_together(pair: tuple[Child, Child]) -> None:
    one, two = pair
    limited = admin(one, "POST", "/tokens", {"name": "x", "limits": {"requests_per_minute": 3}}).json
    soon(lambda: two.generate(token=limited["secret"]).status == 200)
    waited_s = 61.0 - time.time() % 60
    if waited_s < 15:  # else the minute changes while we count
        time.sleep(waited_s)

    for _ in range(3):
        one.generate(token=limited["secret"])

    soon(lambda: two.generate(token=limited["secret"]).status == 429)
