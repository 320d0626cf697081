"""What the operator's settings about models do to calls, in both dialects, and what they leave alone."""

from typing import Any

import orjson
import pytest

from gateway.control.policy import native_options
from gateway.services import Services
from gateway.settings.model import LiveSettings
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import GEMINI_BODY, MODEL, call, chat, native
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

OFF = [
    {"category": f"HARM_CATEGORY_{name}", "threshold": "OFF"}
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
]
STRICT = '[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_LOW_AND_ABOVE"}]'


def sent(upstream: FakeUpstream) -> Any:
    return upstream.requests[-1].json


def test_a_native_body_travels_as_it_came_with_the_usual_settings(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    odd = GEMINI_BODY.replace(b":", b" : ")

    assert native(gateway, body=odd).status == 200

    assert fake_upstream.requests[-1].body == odd


def test_the_usual_safety_settings_act_on_openai_calls(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    chat(gateway)

    assert sent(fake_upstream)["safetySettings"] == OFF


def test_safety_settings_that_are_set_act_on_both_dialects_unless_the_client_has_its_own(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(SAFETY_SETTINGS=STRICT)
    strict = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_LOW_AND_ABOVE"}]

    chat(gateway)
    assert sent(fake_upstream)["safetySettings"] == strict
    native(gateway)
    assert sent(fake_upstream)["safetySettings"] == strict
    chat(gateway, extra_body={"google": {"safety_settings": OFF}})
    assert sent(fake_upstream)["safetySettings"] == OFF


def test_only_what_the_operator_said_of_safety_reaches_native_calls() -> None:
    usual = LiveSettings()

    assert native_options(usual).defaults.safety == ()
    assert native_options(LiveSettings(safety_settings=usual.safety_settings)).defaults.safety != ()


def test_suffixes_act_in_both_dialects(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> None:
    gateway = start_gateway(SEARCH_MODELS=MODEL)

    assert chat(gateway, model=f"{MODEL}-search").json["model"] == f"{MODEL}-search"
    assert sent(fake_upstream)["tools"] == [{"googleSearch": {}}]
    native(gateway, model=f"{MODEL}-search-non-thinking")
    assert sent(fake_upstream)["tools"] == [{"googleSearch": {}}]
    assert sent(fake_upstream)["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}
    assert fake_upstream.requests[-1].path.endswith(f"/models/{MODEL}:generateContent")
    native(gateway, "countTokens", model=f"{MODEL}-search")
    assert fake_upstream.requests[-1].path.endswith(f"/models/{MODEL}:countTokens")
    assert fake_upstream.requests[-1].body == GEMINI_BODY


@pytest.mark.parametrize(("settings", "status"), [({}, 200), ({"SEARCH_MODELS": "another"}, 404)])
def test_search_models_is_a_permission_once_it_is_set(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, settings: dict[str, str], status: int
) -> None:
    gateway = start_gateway(**settings)
    fake_upstream.reply(gemini_replies.models(MODEL), verb="list")

    assert chat(gateway, model=f"{MODEL}-search").status == status
    assert native(gateway, model=f"{MODEL}-search").status == status


@pytest.mark.parametrize("name", [MODEL, f"models/{MODEL}", f"{MODEL}-non-thinking"])
def test_a_filtered_model_is_refused_in_the_callers_dialect(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, name: str
) -> None:
    gateway = start_gateway(FILTERED_MODELS=MODEL)

    openai_error = chat(gateway, model=name)
    google_error = native(gateway, model=name.removeprefix("models/"))

    assert (openai_error.status, openai_error.error["code"]) == (404, "model_not_found")
    assert (google_error.status, google_error.error["status"]) == (404, "NOT_FOUND")
    assert "FILTERED_MODELS" in google_error.error["message"]
    assert {seen.verb for seen in fake_upstream.requests} <= {"list"}


@pytest.mark.parametrize(
    ("path", "fields"),
    [("embeddings", {"input": "a"}), ("images/generations", {"prompt": "a cat"})],
)
def test_a_filtered_model_is_refused_on_every_route(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, path: str, fields: dict[str, str]
) -> None:
    gateway = start_gateway(FILTERED_MODELS="gemini-x")

    answer = call(gateway, f"/v1/{path}", orjson.dumps({"model": "gemini-x", **fields}))

    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert fake_upstream.requests == []


def test_hidden_models_are_not_listed_and_twins_are(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(FILTERED_MODELS="old", SEARCH_MODELS="new,real", THINKING_MODELS="new")
    fake_upstream.reply(gemini_replies.models("old", "new", "real", "real-search"), verb="list")

    openai_list = call(gateway, "/v1/models", None, method="GET").json["data"]
    google_list = call(gateway, "/v1beta/models", None, method="GET").json["models"]

    expected = ["new", "new-search", "new-non-thinking", "real", "real-search"]
    assert [model["id"] for model in openai_list] == expected
    assert [model["name"] for model in google_list] == [f"models/{name}" for name in expected]
    for path in ("/v1/models/old", "/v1beta/models/old"):
        assert call(gateway, path, None, method="GET").status == 404
    assert call(gateway, "/v1/models/new-search", None, method="GET").json["id"] == "new-search"


def test_a_real_model_whose_name_ends_like_a_suffix_wins(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(IMAGE_MODELS=MODEL)
    fake_upstream.reply(gemini_replies.models(MODEL, f"{MODEL}-image"), verb="list")

    for answer in (chat(gateway, model=f"{MODEL}-image"), native(gateway, model=f"{MODEL}-image")):
        assert answer.status == 200
        assert fake_upstream.requests[-1].model == f"{MODEL}-image"
        assert "generationConfig" not in sent(fake_upstream)


def test_a_suffix_acts_when_the_list_cannot_be_had(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(IMAGE_MODELS=MODEL)
    fake_upstream.error(gemini_errors.error_answer(404, "NOT_FOUND", "No lists here."), verb="list")

    assert chat(gateway, model=f"{MODEL}-image").status == 200

    assert fake_upstream.requests[-1].model == MODEL


def test_a_budget_and_tools_act_where_the_client_said_nothing(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(
        THINKING_BUDGET_MAP=f'{{"{MODEL}": 1000.0}}',
        URL_CONTEXT_ENABLED="true",
        URL_CONTEXT_MODELS=MODEL,
        TOOLS_CODE_EXECUTION_ENABLED="true",
    )

    for answer in (chat(gateway), native(gateway)):
        assert answer.status == 200
        assert sent(fake_upstream)["tools"] == [{"urlContext": {}}, {"codeExecution": {}}]
        assert sent(fake_upstream)["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"
    chat(gateway, reasoning_effort="high", response_format={"type": "json_object"})
    assert "tools" not in sent(fake_upstream)
    assert sent(fake_upstream)["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "HIGH"


def test_a_native_call_is_not_lost_to_what_the_operator_added(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway(TOOLS_CODE_EXECUTION_ENABLED="true")
    refusal = gemini_errors.invalid_argument(f"Code execution is not enabled for models/{MODEL}")
    fake_upstream.error(refusal, times=1)

    assert [native(gateway).status for _ in range(2)] == [200, 200]

    bodies = [seen.body for seen in fake_upstream.requests]
    assert b"codeExecution" in bodies[0]
    assert bodies[1:] == [GEMINI_BODY, GEMINI_BODY]


def test_a_native_body_without_additions_is_never_changed(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.level_unsupported("LOW"), times=1)

    assert native(gateway).status == 400

    assert len(fake_upstream.requests) == 1


def test_settings_about_models_act_at_once(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    def run_code(services: Services) -> None:
        live = services.live
        live.swap(live.current.model_copy(update={"tools_code_execution_enabled": True}))

    for _ in range(2):  # the second has the head of the first
        native(gateway)
        assert "tools" not in sent(fake_upstream)

    gateway.on_loop(run_code)

    native(gateway)

    assert sent(fake_upstream)["tools"] == [{"codeExecution": {}}]
