"""Who may use the API, and how it says no."""

import pytest

from gateway.control.throttle import FREE_GUESSES
from tests.admin.api.scripting import Script
from tests.admin.browsing import ADMIN_TOKEN, Browser
from tests.integration.running import TOKEN, RunningGateway

CHANGES = [
    ("POST", "/keys"),
    ("PATCH", "/settings"),
    ("POST", "/tokens"),
    ("POST", "/calls/delete"),
    ("DELETE", "/keys/1"),
]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN])
@pytest.mark.parametrize(
    "path", ["/keys", "/pool", "/no/such/thing", "/v1/keys/list", "/gemini/v1beta/reset-all-fail-counts"]
)
def test_nobody_but_the_administrator_is_let_in(running: RunningGateway, token: str, path: str) -> None:
    reply = Script(running, token).get(path)

    assert (reply.status, reply.error["code"]) == (401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_address_opens_nothing(running: RunningGateway) -> None:
    stranger = Script(running, "")

    assert stranger.get(f"/keys?key={ADMIN_TOKEN}").status == 401
    assert stranger.ask("GET", "/keys", **{"x-goog-api-key": ADMIN_TOKEN}).status == 401


def test_wrong_tokens_are_slowed_down_here_and_at_sign_in_alike(running: RunningGateway) -> None:
    guesser = Script(running, "wrong")
    for _ in range(FREE_GUESSES):
        assert guesser.get("/keys").status == 401

    refused = Script(running).get("/keys")

    assert (refused.status, refused.error["code"]) == (429, "too_many_guesses")
    assert int(refused.headers["retry-after"]) > 0
    assert Browser(running).sign_in().status == 429


def test_a_browser_that_is_signed_in_reads_and_changes_with_its_xsrf_token(running: RunningGateway) -> None:
    browser = Browser(running)
    browser.sign_in()

    read = browser.get("/api/admin/keys")
    forged = browser.ask("PATCH", "/api/admin/settings", '{"TIME_OUT":60}', headers={})
    xsrf = browser.cookies["_xsrf"].value
    meant = browser.ask("PATCH", "/api/admin/settings", '{"TIME_OUT":60}', headers={"X-XSRFToken": xsrf})

    assert (read.status, forged.status, meant.status) == (200, 403, 200)
    assert running.on_loop(lambda services: services.live.current.time_out) == 60
    audit = Script(running).get("/audit").json["entries"]
    assert [entry["actor"] for entry in audit] == ["admin"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/no/such/thing", 404, "not_found"),
        ("PUT", "/keys", 405, "method_not_allowed"),
        ("GET", "/keys/999999", 404, "not_found"),
        ("GET", "/tokens/999999", 404, "not_found"),
        ("DELETE", "/tokens/999999", 404, "not_found"),
        ("POST", "/tokens/999999/reveal", 404, "not_found"),
        ("GET", "/calls/none", 404, "not_found"),
        ("GET", "/tasks/000000000000000000000000", 404, "not_found"),
        ("POST", "/tasks/000000000000000000000000/stop", 404, "not_found"),
    ],
)
def test_errors_have_one_shape(script: Script, method: str, path: str, status: int, code: str) -> None:
    reply = script.ask(method, path)

    assert (reply.status, reply.error["code"]) == (status, code)
    assert reply.error["message"]
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff"])
def test_a_body_that_is_no_object_is_refused(script: Script, method: str, path: str, body: bytes) -> None:
    if method == "DELETE":
        return
    reply = script.ask(method, path, body)

    assert (reply.status, reply.error["code"]) == (400, "bad_request")


def test_answers_are_not_kept_by_anybody(script: Script) -> None:
    assert script.get("/keys").headers["cache-control"] == "no-store"
