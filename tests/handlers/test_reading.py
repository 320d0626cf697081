"""What is read in a head once, and when it is read again."""

from dataclasses import replace

import pytest

from gateway.handlers.reading import read_head
from gateway.protocols.paths import Api, read_route
from gateway.serving.light import RequestHead

HEADERS = {"authorization": "Bearer a", "x-api-key": "b", "x-request-id": "mine"}


def test_the_same_head_is_read_once() -> None:
    head = RequestHead("POST", "/v1/chat/completions?key=c", HEADERS)
    route = read_route(head.path)

    reading = read_head(head, route)

    assert reading is read_head(head, route)
    assert reading.secrets == ("a", "b", "c")
    assert reading.given_id == "mine"


def test_a_path_that_means_something_else_by_now_is_read_again() -> None:
    head = RequestHead("POST", "/v1/chat/completions", HEADERS)
    route = read_route(head.path)
    reading = read_head(head, route)

    assert read_head(head, replace(route, api=Api.GEMINI)).api is Api.GEMINI
    assert read_head(head, route) is not reading


@pytest.mark.parametrize(
    ("headers", "query", "api"),
    [
        ({}, "", Api.OPENAI),
        ({"x-goog-api-key": "a"}, "", Api.GEMINI),
        ({"x-goog-api-client": "a"}, "", Api.GEMINI),
        ({"anthropic-version": "a", "x-goog-api-key": "a"}, "", Api.ANTHROPIC),
        ({}, "key=a", Api.GEMINI),
        ({}, "pageSize=1", Api.GEMINI),
    ],
)
def test_whose_client_asks_on_a_shared_path(headers: dict[str, str], query: str, api: Api) -> None:
    head = RequestHead("GET", f"/v1/models?{query}", headers)

    assert read_head(head, read_route(head.path)).api is api
