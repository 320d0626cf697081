"""Vertex's express mode: its own keys at its own address, under the same rules."""

import pytest

from gateway.services import Services
from gateway.store.records import TokenRow
from tests.fakes import gemini_errors, gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import GEMINI_BODY, MODEL, Answer, call
from tests.integration.conftest import StartGateway
from tests.integration.running import KEYS, TOKEN, RunningGateway

VERTEX_KEYS = ("AQ.vertex-key-one-0000001", "AQ.vertex-key-two-0000002")
PUBLISHER = "/v1beta1/publishers/google"
ADDRESSES = {
    "/vertex-express/v1beta/models/M": f"{PUBLISHER}/models/M",
    "/vertex-express/v1/models/M": f"{PUBLISHER}/models/M",
    "/vertex-express/models/M": f"{PUBLISHER}/models/M",
    "/vertex-express/v1beta1/publishers/google/models/M": f"{PUBLISHER}/models/M",
    "/vertex-express/v1beta/v1beta1/publishers/google/models/M": f"{PUBLISHER}/models/M",
}


@pytest.fixture
def gateway(start_gateway: StartGateway, fake_upstream: FakeUpstream) -> RunningGateway:
    base = fake_upstream.url.removesuffix("/v1beta") + PUBLISHER
    return start_gateway(VERTEX_API_KEYS=",".join(VERTEX_KEYS), VERTEX_EXPRESS_BASE_URL=base)


def ask(gateway: RunningGateway, path: str, *, method: str = "POST") -> Answer:
    body = GEMINI_BODY if method == "POST" else None
    return call(gateway, path, body, method=method, headers={"x-goog-api-key": TOKEN})


@pytest.mark.parametrize(
    "verb", ["generateContent", "streamGenerateContent?alt=sse", "countTokens", "predict"]
)
def test_every_address_leads_to_the_publisher(
    gateway: RunningGateway, fake_upstream: FakeUpstream, verb: str
) -> None:
    fake_upstream.reply({"predictions": []}, verb="predict")
    for path, asked in ADDRESSES.items():
        answer = ask(gateway, f"{path.replace('/M', '/' + MODEL)}:{verb}")

        seen = fake_upstream.requests[-1]
        assert answer.status == 200
        assert f"{seen.path}?{seen.query}".rstrip("?") == f"{asked.replace('/M', '/' + MODEL)}:{verb}"
        assert seen.key in VERTEX_KEYS


def test_its_keys_are_a_pool_of_their_own(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    vertex = [ask(gateway, f"/vertex-express/v1beta/models/{MODEL}:generateContent") for _ in range(4)]
    gemini = [ask(gateway, f"/v1beta/models/{MODEL}:generateContent") for _ in range(6)]

    used = [seen.key for seen in fake_upstream.requests]
    assert all(answer.status == 200 for answer in vertex + gemini)
    assert sorted(map(str, used[:4])) == sorted(VERTEX_KEYS * 2)
    assert sorted(map(str, used[4:])) == sorted(KEYS * 2)


def test_a_failing_key_is_replaced_and_rests(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_unknown(), key=VERTEX_KEYS[0])

    answers = [ask(gateway, f"/vertex-express/v1beta/models/{MODEL}:generateContent") for _ in range(4)]

    assert [answer.status for answer in answers] == [200] * 4
    assert [seen.key for seen in fake_upstream.requests].count(VERTEX_KEYS[0]) == 1


def test_a_resting_pool_says_when_it_comes_back(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    fake_upstream.error(gemini_errors.rate_day())

    answer = ask(gateway, f"/vertex-express/v1/models/{MODEL}:generateContent")
    other = ask(gateway, "/v1beta/models/other-model:generateContent")

    assert (answer.status, answer.error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert int(answer.headers["retry-after"]) > 0
    assert {seen.key for seen in fake_upstream.requests[:2]} == set(VERTEX_KEYS)
    assert other.status == 429


def test_its_models_are_those_that_generate(gateway: RunningGateway, fake_upstream: FakeUpstream) -> None:
    embedding = {
        **gemini_replies.model("gemini-embedding-001"),
        "supportedGenerationMethods": ["embedContent"],
    }
    listed = gemini_replies.models(MODEL)
    listed["models"].append(embedding)
    fake_upstream.reply(listed, verb="list")

    models = ask(gateway, "/vertex-express/v1beta/models", method="GET").json["models"]
    one = ask(gateway, f"/vertex-express/v1beta1/publishers/google/models/{MODEL}", method="GET")
    none = ask(gateway, "/vertex-express/v1beta/models/gemini-embedding-001", method="GET")

    assert [model["name"] for model in models] == [f"models/{MODEL}"]
    assert one.json["name"] == f"models/{MODEL}"
    assert (none.status, none.error["status"]) == (404, "NOT_FOUND")


def test_a_token_is_told_of_the_models_it_may_use(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    async def add(services: Services) -> None:
        row = TokenRow("sk-narrow", "sk-…", name="narrow", models=(MODEL,))
        await services.store.write(lambda: services.store.tokens.add([row]))
        await services.following.tokens_changed()

    gateway.wait_for(add)
    fake_upstream.reply(gemini_replies.models(MODEL, "gemini-other"), verb="list")
    as_narrow = {"x-goog-api-key": "sk-narrow"}

    listed = call(gateway, "/vertex-express/v1beta/models", None, method="GET", headers=as_narrow)
    other = call(gateway, "/vertex-express/v1/models/gemini-other", None, method="GET", headers=as_narrow)

    assert [model["name"] for model in listed.json["models"]] == [f"models/{MODEL}"]
    assert other.status == 404


def test_without_gemini_keys_vertex_s_catalogue_is_asked(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    base = fake_upstream.url.removesuffix("/v1beta") + PUBLISHER
    gateway = start_gateway(API_KEYS="", VERTEX_API_KEYS=VERTEX_KEYS[0], VERTEX_EXPRESS_BASE_URL=base)
    names = [f"publishers/google/models/{name}" for name in (MODEL, "imagen-4", MODEL)]
    fake_upstream.reply({"publisherModels": [{"name": name} for name in names]})

    models = ask(gateway, "/vertex-express/v1beta/models", method="GET").json["models"]

    assert [model["name"] for model in models] == [f"models/{MODEL}"]
    assert fake_upstream.requests[0].path == f"{PUBLISHER}/models"


@pytest.mark.parametrize(
    "path", ["files", "cachedContents/c", "models/m/operations/o", "", "upload/v1beta/files"]
)
def test_what_express_mode_has_not_is_a_404(
    gateway: RunningGateway, fake_upstream: FakeUpstream, path: str
) -> None:
    answer = ask(gateway, f"/vertex-express/v1beta/{path}", method="GET")

    assert (answer.status, answer.error["status"]) == (404, "NOT_FOUND")
    assert fake_upstream.requests == []


def test_without_a_vertex_key_the_answer_says_so(
    start_gateway: StartGateway, fake_upstream: FakeUpstream
) -> None:
    gateway = start_gateway()

    answer = ask(gateway, f"/vertex-express/v1beta/models/{MODEL}:generateContent")

    assert (answer.status, answer.error["status"]) == (503, "UNAVAILABLE")
    assert fake_upstream.requests == []
