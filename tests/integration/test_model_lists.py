"""Model lists in both dialects come from the list the gateway keeps; what it cannot tell is asked."""

from typing import Any

import pytest

from gateway.services import Services
from gateway.store.records import TokenRow
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import Answer, call, record_of
from tests.integration.conftest import StartGateway
from tests.integration.running import RunningGateway

NARROW = "sk-may-use-flash-models"


def get(gateway: RunningGateway, path: str) -> Answer:
    return call(gateway, path, None, method="GET")


def ids(answer: Answer) -> list[str]:
    return [model["id"] for model in answer.json["data"]]


def test_the_upstream_is_asked_once_for_both_dialects(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    second: dict[str, Any] = gemini_replies.models("c")
    fake_upstream.reply(second, when=lambda seen: "pageToken" in seen.query)
    fake_upstream.reply({**gemini_replies.models("a", "b"), "nextPageToken": "t"}, verb="list")

    first = get(gateway, "/v1/models")
    again = get(gateway, "/hf/v1/models")
    native = get(gateway, "/v1beta/models")

    assert ids(first) == ids(again) == ["a", "b", "c"]
    assert [model["name"] for model in native.json["models"]] == ["models/a", "models/b", "models/c"]
    assert native.json["models"][0] == gemini_replies.model("a")
    assert [seen.query for seen in fake_upstream.requests] == ["pageSize=1000", "pageSize=1000&pageToken=t"]


def test_native_clients_page_through_the_list(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.models("a", "b", "c"), verb="list")

    first = get(gateway, "/v1beta/models?pageSize=2").json
    second = get(gateway, f"/v1beta/models?pageSize=2&pageToken={first['nextPageToken']}").json

    assert [model["name"] for model in first["models"]] == ["models/a", "models/b"]
    assert second == gemini_replies.models("c")


def test_a_page_that_makes_no_sense_is_refused_in_googles_words(gateway: RunningGateway) -> None:
    answer = get(gateway, "/v1beta/models?pageSize=many")

    assert answer.status == 400
    assert answer.error["status"] == "INVALID_ARGUMENT"
    assert answer.error["details"][0]["fieldViolations"][0]["field"] == "pageSize"


def test_one_model_is_told_from_the_list(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.reply(gemini_replies.models("a"), verb="list")

    openai = get(gateway, "/v1/models/a")
    slashed = get(gateway, "/v1/models/models%2Fa")
    native = get(gateway, "/v1beta/models/a")

    assert openai.json["id"] == slashed.json["id"] == "a"
    assert native.json == gemini_replies.model("a")
    assert len(fake_upstream.requests) == 1


def test_a_model_that_is_not_listed_is_asked_for(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.reply(gemini_replies.models("a"), verb="list")
    fake_upstream.reply(
        {**gemini_replies.model(), "name": "tunedModels/mine"}, when=lambda s: "mine" in s.path
    )
    fake_upstream.error(gemini_errors.model_not_found("none"), verb="get")

    tuned = get(gateway, "/v1/models/tunedModels%2Fmine")
    missing = get(gateway, "/v1/models/none")
    native = get(gateway, "/v1beta/models/none")

    assert tuned.json["id"] == "tunedModels/mine"
    assert (missing.status, missing.error["code"]) == (404, "model_not_found")
    assert (native.status, native.error["status"]) == (404, "NOT_FOUND")


def test_a_list_that_cannot_be_read_is_an_error_in_the_callers_dialect(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.error(gemini_errors.location())

    openai = get(gateway, "/v1/models")
    native = get(gateway, "/v1beta/models")

    assert (openai.status, openai.error["type"]) == (503, "server_error")
    assert (native.status, native.error["status"]) == (503, "UNAVAILABLE")
    assert openai.headers["x-should-retry"] == "false"


def test_deleting_a_model_is_not_taken(gateway: RunningGateway) -> None:
    assert call(gateway, "/v1/models/a", None, method="DELETE").status == 405


def get_narrowed(gateway: RunningGateway, path: str) -> Answer:
    return call(gateway, path, None, method="GET", headers={"authorization": f"Bearer {NARROW}"})


@pytest.fixture
def narrowing(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> RunningGateway:
    """A gateway with a token for models of one family, and an upstream that tells of two."""
    fake_upstream.reply(gemini_replies.models("gemini-x-flash", "gemini-x-pro"), verb="list")
    fake_upstream.reply(gemini_replies.model("gemini-x-secret"), verb="get")
    gateway = start_gateway(SEARCH_MODELS="gemini-x-flash,gemini-x-pro")

    async def add(services: Services) -> None:
        row = TokenRow(NARROW, "sk-…", name="narrow", models=("*-flash",))
        await services.store.write(lambda: services.store.tokens.add([row]))
        await services.following.tokens_changed()

    gateway.wait_for(add)
    return gateway


@pytest.mark.parametrize("path", ["/v1/models", "/hf/v1/models", "/openai/v1/models"])
def test_an_openai_list_tells_a_token_of_the_models_it_may_use(narrowing: RunningGateway, path: str) -> None:
    assert ids(get_narrowed(narrowing, path)) == ["gemini-x-flash", "gemini-x-flash-search"]


@pytest.mark.parametrize(
    "path", ["/v1beta/models", "/v1beta/models?pageSize=1", "/v1beta/models?fields=models", "/v1alpha/models"]
)
def test_a_native_list_tells_a_token_of_the_models_it_may_use(narrowing: RunningGateway, path: str) -> None:
    told = get_narrowed(narrowing, path).json

    names = [model["name"] for model in told["models"]]
    if token := told.get("nextPageToken"):
        rest = get_narrowed(narrowing, f"{path}&pageToken={token}").json
        names += [model["name"] for model in rest["models"]]
        assert "nextPageToken" not in rest
    assert names == ["models/gemini-x-flash", "models/gemini-x-flash-search"]


def test_another_token_is_told_of_every_model(narrowing: RunningGateway) -> None:
    assert len(ids(get(narrowing, "/v1/models"))) == len(get(narrowing, "/v1beta/models").json["models"]) == 4


@pytest.mark.parametrize("name", ["gemini-x-pro", "gemini-x-pro-search", "gemini-x-secret"])
def test_a_token_is_not_told_of_one_model_that_it_may_not_use(
    narrowing: RunningGateway, fake_upstream: FakeUpstream, name: str
) -> None:
    openai = get_narrowed(narrowing, f"/v1/models/{name}")
    native = get_narrowed(narrowing, f"/v1beta/models/{name}")

    assert (openai.status, openai.error["code"]) == (403, "model_not_found")
    assert (native.status, native.error["status"]) == (403, "PERMISSION_DENIED")
    assert record_of(narrowing, native.request_id).status == 403
    assert get_narrowed(narrowing, "/v1/models/gemini-x-flash").json["id"] == "gemini-x-flash"
    assert not [seen for seen in fake_upstream.requests if name in seen.path]
