"""Every path clients are known to send, every place they put their token, and the ids on every answer."""

import socket
from urllib.parse import urlsplit

import orjson
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import BEARER, GEMINI_BODY, MODEL, Answer, call, chat_body
from tests.integration.conftest import Lasting
from tests.integration.running import TOKEN, WAIT_S, RunningGateway

# path → what the upstream is asked
NATIVE = {
    "/v1/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/v1beta/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/gemini/v1/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/gemini/v1beta/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/gemini/v1beta/v1/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/gemini/v1beta/v1beta/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/v1beta/v1beta/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/gemini/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/v1alpha/models/M:generateContent": "/v1alpha/models/M:generateContent",
    "//gemini//v1beta//models/M:generateContent": "/v1beta/models/M:generateContent",
    "/v1beta/models/M:generateContent/": "/v1beta/models/M:generateContent",
    "/v1beta/models%2FM:generateContent": "/v1beta/models/M:generateContent",
    "/v1beta/models/M%3AgenerateContent": "/v1beta/models/M:generateContent",
    "/v1beta/models/models/M:generateContent": "/v1beta/models/M:generateContent",
    "/v1beta/tunedModels/mine-1:generateContent": "/v1beta/tunedModels/mine-1:generateContent",
    "/v1beta/models/M:streamGenerateContent": "/v1beta/models/M:streamGenerateContent",
    "/v1beta/models/M:countTokens": "/v1beta/models/M:countTokens",
    "/v1/models/M:embedContent": "/v1beta/models/M:embedContent",
    "/v1beta/models/M:batchEmbedContents": "/v1beta/models/M:batchEmbedContents",
}
CHAT = [
    "/v1/chat/completions",
    "/chat/completions",
    "/hf/v1/chat/completions",
    "/openai/chat/completions",
    "/v1beta/openai/chat/completions",
    "/gemini/v1beta/openai/chat/completions",
    "/v1/v1/chat/completions",
    "//v1//chat/completions",
    "/v1/chat/completions/",
]
LISTS = {
    "/v1/models": "openai",
    "/hf/v1/models": "openai",
    "/openai/models": "openai",
    "/v1beta/openai/models": "openai",
    "/models": "openai",
    "/v1beta/models": "gemini",
    "/gemini/v1beta/models": "gemini",
    "/gemini/v1beta/v1/models": "gemini",
    "/v1/models?pageSize=50": "gemini",
    "/v1/models?key=" + TOKEN: "gemini",
}
CREDENTIALS = {
    "bearer": ({"authorization": f"Bearer {TOKEN}"}, ""),
    "bearer-lower": ({"authorization": f"bearer  {TOKEN} "}, ""),
    "x-goog-api-key": ({"x-goog-api-key": TOKEN}, ""),
    "x-api-key": ({"x-api-key": TOKEN}, ""),
    "api-key": ({"api-key": TOKEN}, ""),
    "query": ({}, f"?key={TOKEN}"),
    "query-later": ({}, f"?alt=json&key={TOKEN.replace('-', '%2D')}"),
    "admin": ({"authorization": "Bearer sk-test-admin"}, ""),
    "second-place": ({"authorization": "Bearer wrong", "x-goog-api-key": TOKEN}, ""),
}
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "none": ({}, ""),
    "wrong": ({"authorization": "Bearer sk-wrong"}, ""),
    "empty": ({"authorization": "Bearer "}, ""),
    "basic": ({"authorization": f"Basic {TOKEN}"}, ""),
    "bare": ({"authorization": TOKEN}, ""),
    "cookie": ({"cookie": f"key={TOKEN}"}, ""),
    "longer": ({"x-goog-api-key": f"{TOKEN}x"}, ""),
    "foreign": ({"x-goog-api-key": "\x80\xff"}, ""),
    "query": ({}, "?key=&key=nothing"),
}
ROUTES = {
    "gemini": "/v1beta/models/M:generateContent",
    "openai": "/v1/chat/completions",
}


@pytest.fixture
def fake_upstream(lasting: Lasting) -> FakeUpstream:
    """The module's upstream, without the script of the test before."""
    lasting.upstream.forget()
    return lasting.upstream


@pytest.fixture
def gateway(lasting: Lasting, fake_upstream: FakeUpstream) -> RunningGateway:
    return lasting.gateway


def path_of(written: str) -> str:
    return written.replace("/M", f"/{MODEL}").replace("FM", f"F{MODEL}")


def assert_dialect(answer: Answer, dialect: str) -> None:
    keys = {"code", "message", "status"} if dialect == "gemini" else {"message", "type", "param", "code"}
    assert set(answer.error) >= keys
    assert ("status" in answer.error) == (dialect == "gemini")


@pytest.mark.parametrize("written", NATIVE)
def test_native_paths(gateway: RunningGateway, fake_upstream: FakeUpstream, written: str) -> None:
    answer = call(gateway, path_of(written), headers={"x-goog-api-key": TOKEN})

    assert answer.status == 200
    assert fake_upstream.requests[0].path == path_of(NATIVE[written])


@pytest.mark.parametrize("path", CHAT)
def test_chat_paths(gateway: RunningGateway, fake_upstream: FakeUpstream, path: str) -> None:
    answer = call(gateway, path, chat_body())

    assert answer.status == 200
    assert answer.json["object"] == "chat.completion"
    assert fake_upstream.requests[0].path == f"/v1beta/models/{MODEL}:generateContent"


def test_the_azure_form_names_the_model_in_the_path(
    gateway: RunningGateway, fake_upstream: FakeUpstream
) -> None:
    body = orjson.dumps({"messages": [{"role": "user", "content": "hi"}]})

    answer = call(
        gateway,
        f"/openai/deployments/{MODEL}/chat/completions?api-version=2026-01-01",
        body,
        headers={"api-key": TOKEN},
    )

    assert answer.status == 200
    assert fake_upstream.requests[0].path == f"/v1beta/models/{MODEL}:generateContent"
    assert fake_upstream.requests[0].query == ""


@pytest.mark.parametrize("path", LISTS)
def test_model_lists_come_in_the_callers_shape(gateway: RunningGateway, path: str) -> None:
    answer = call(gateway, path, None, method="GET")

    assert answer.status == 200
    assert ("data" in answer.json) == (LISTS[path] == "openai")
    assert ("models" in answer.json) == (LISTS[path] == "gemini")


@pytest.mark.parametrize("name", [MODEL, f"models%2F{MODEL}", f"models/{MODEL}"])
def test_one_model_is_told_in_either_shape(gateway: RunningGateway, name: str) -> None:
    as_openai = call(gateway, f"/v1/models/{name}", None, method="GET")
    as_gemini = call(gateway, f"/v1beta/models/{name}", None, method="GET")

    assert as_openai.json["object"] == "model"
    assert MODEL in as_openai.json["id"]
    assert as_gemini.json["name"] == f"models/{MODEL}"


@pytest.mark.parametrize("dialect", ROUTES)
@pytest.mark.parametrize("place", CREDENTIALS)
def test_a_token_is_taken_from_any_place(
    gateway: RunningGateway, fake_upstream: FakeUpstream, dialect: str, place: str
) -> None:
    headers, query = CREDENTIALS[place]
    body = chat_body() if dialect == "openai" else GEMINI_BODY

    answer = call(gateway, path_of(ROUTES[dialect]) + query, body, headers=headers)

    assert answer.status == 200
    assert "sk-" not in str(fake_upstream.requests[0].header_list) + fake_upstream.requests[0].query


@pytest.mark.parametrize("dialect", ROUTES)
@pytest.mark.parametrize("case", WRONG)
def test_a_missing_or_wrong_token_is_a_401_in_the_dialect(
    gateway: RunningGateway, fake_upstream: FakeUpstream, dialect: str, case: str
) -> None:
    headers, query = WRONG[case]

    answer = call(gateway, path_of(ROUTES[dialect]) + query, headers=headers)

    assert answer.status == 401
    assert_dialect(answer, dialect)
    assert TOKEN not in answer.body.decode()
    assert answer.headers["x-gateway-request-id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert fake_upstream.requests == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("dialect", ROUTES)
def test_call_routes_take_post_only(gateway: RunningGateway, dialect: str, method: str) -> None:
    body = None if method in ("GET", "HEAD") else b"{}"

    answer = call(gateway, path_of(ROUTES[dialect]), body, method=method)

    assert answer.status == 405
    assert answer.headers["x-gateway-request-id"]
    if method == "HEAD":
        assert answer.body == b""
    else:
        assert_dialect(answer, dialect)


def test_head_of_a_model_list_has_no_body(gateway: RunningGateway) -> None:
    answer = call(gateway, "/v1beta/models", None, method="HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("dialect", ROUTES)
def test_a_browser_may_call_without_cookies(gateway: RunningGateway, dialect: str) -> None:
    asked = {
        "origin": "https://chat.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-lang",
    }

    preflight = call(gateway, path_of(ROUTES[dialect]), None, method="OPTIONS", headers=asked)
    answer = call(
        gateway,
        path_of(ROUTES[dialect]),
        chat_body() if dialect == "openai" else GEMINI_BODY,
        headers={**BEARER, "origin": "https://chat.example"},
    )

    assert (preflight.status, preflight.body) == (204, b"")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-stainless-lang" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["x-gateway-request-id"]
    for each in (preflight, answer):
        assert each.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in each.headers
    assert "x-gateway-attempts" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("asked", ["x\x80y", "a" * 5000, "a: b"])
def test_an_odd_preflight_gets_the_usual_names(gateway: RunningGateway, asked: str) -> None:
    answer = call(
        gateway,
        "/v1/chat/completions",
        None,
        method="OPTIONS",
        headers={"access-control-request-headers": asked},
    )

    assert answer.status == 204
    assert "authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("req-1.A_b:c", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("two words", False),
        ("<script>", False),
        ("\x80", False),
        ("", False),
    ],
)
def test_a_request_id_is_echoed_when_it_is_sane(gateway: RunningGateway, given: str, is_kept: bool) -> None:
    answer = call(gateway, "/v1/chat/completions", chat_body(), headers={**BEARER, "x-request-id": given})

    assert answer.status == 200
    assert answer.headers["x-request-id"] == answer.request_id
    assert (answer.request_id == given) == is_kept
    assert len(answer.request_id) >= 3


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1beta/nothing", "gemini"),
        ("/gemini/v1beta/", "gemini"),
        ("/v1/nothing", "openai"),
        ("/v1/audio", "openai"),
        ("/hf/v1/audio/nothing", "openai"),
        ("/nothing", "openai"),
        ("/%00%ff", "openai"),
        ("/..%2f..%2fetc/passwd", "openai"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_route_is_a_404_in_json(
    gateway: RunningGateway, path: str, dialect: str, method: str
) -> None:
    answer = call(gateway, path_of(path), b"{}" if method == "POST" else None, method=method)

    assert answer.status == 404
    assert_dialect(answer, dialect)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-gateway-request-id"]


def test_an_answer_of_the_front_itself_has_an_id_too(gateway: RunningGateway) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), WAIT_S) as client:
        client.sendall(b"GET /v1beta/models HTTP/1.1\r\n\r\n")  # no Host
        seen = b""
        while piece := client.recv(65536):
            seen += piece
            if b"}" in piece:
                break

    assert seen.startswith(b"HTTP/1.1 400 ")
    assert b"x-gateway-request-id:" in seen.lower()
