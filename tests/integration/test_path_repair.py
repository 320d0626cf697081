"""Mistyped paths on the wire, with the repair switched on and off; what is ours is never taken for a call."""

import re

import pytest

from admin.routes import make_renderer, make_routes
from gateway.protocols.path_repair import read_repaired
from gateway.protocols.paths import Api
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, GEMINI_BODY, MODEL, call, chat_body
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

CHAT = ["/api/v1/chat/completions", "/v1/chat/completions/chat/completions", "/v1beta/chat/completions"]
NATIVE = {
    f"/foo/v1beta/models/{MODEL}:generateContent": "generateContent",
    f"/foo/v1beta/models/{MODEL}:countTokens": "countTokens",
    f"/v1/chat/completions/v1beta/models/{MODEL}:countTokens": "countTokens",
    f"/foo/models/{MODEL}:embedContent": "embedContent",
}


@pytest.fixture
def forgiving(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(URL_NORMALIZATION_ENABLED="true")


@pytest.mark.parametrize("path", CHAT)
def test_a_mistyped_chat_is_answered(forgiving: RunningGateway, path: str) -> None:
    answer = call(forgiving, path, chat_body())

    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


@pytest.mark.parametrize("path", NATIVE)
def test_a_mistyped_native_call_stays_what_it_is(
    forgiving: RunningGateway, fake_upstream: FakeUpstream, path: str
) -> None:
    assert call(forgiving, path, GEMINI_BODY).status == 200

    (seen,) = fake_upstream.requests
    assert (seen.path, seen.verb) == (f"/v1beta/models/{MODEL}:{NATIVE[path]}", NATIVE[path])


def test_a_mistyped_path_answers_a_browsers_question_too(forgiving: RunningGateway) -> None:
    asked = {"origin": "https://chat.example", "access-control-request-method": "POST"}

    answer = call(forgiving, CHAT[0], None, method="OPTIONS", headers=asked)

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_errors_of_a_mistyped_path_are_in_its_dialect(forgiving: RunningGateway) -> None:
    wrong = {"authorization": "Bearer sk-wrong"}

    openai = call(forgiving, CHAT[0], chat_body(), headers=wrong)
    google = call(forgiving, next(iter(NATIVE)), GEMINI_BODY, headers=wrong)

    assert (openai.status, openai.error["code"]) == (401, "invalid_api_key")
    assert (google.status, google.error["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", [CHAT[0], "/foo/bar/v1beta/models"])
def test_switched_off_an_unknown_prefix_is_no_route(gateway: RunningGateway, path: str) -> None:
    assert call(gateway, path, chat_body(), headers=BEARER).status == 404


def test_no_page_of_ours_is_taken_for_a_call(gateway: RunningGateway) -> None:
    patterns = gateway.on_loop(
        lambda services: [route[0] for route in make_routes(services, make_renderer())]
    )
    paths = {re.sub(r"\((?!\?).*?\)", "models", re.sub(r"\(\?:(.*?)\)\??", "", text)) for text in patterns}

    assert len(paths) > 20
    assert [path for path in paths if read_repaired(path).api is not Api.NONE] == []
