"""The model list: pages as one, pages of our own, and OpenAI's form."""

import pytest

from gateway.errors import BadRequest
from gateway.protocols.models import (
    CREATED_S,
    find_model,
    gemini_page,
    next_page_token,
    openai_models,
    read_models,
)
from gateway.protocols.shapes import JsonObject

MODELS = tuple({"name": f"models/m{number}"} for number in range(5))


def test_pages_are_joined_in_order_and_each_name_once() -> None:
    pages: list[JsonObject] = [
        {"models": [{"name": "models/b", "displayName": "B"}, {"name": "models/a"}]},
        {"models": [{"name": "models/b"}, {"name": "tunedModels/t"}]},
    ]

    models = read_models(pages)

    assert [model["name"] for model in models] == ["models/b", "models/a", "tunedModels/t"]
    assert models[0]["displayName"] == "B"


@pytest.mark.parametrize(
    "page", [{}, {"models": None}, {"models": [1, {}, {"name": 3}, {"name": "models/"}]}]
)
def test_what_has_no_name_is_no_model(page: JsonObject) -> None:
    assert read_models([page]) == ()


def test_openais_form_has_bare_names() -> None:
    assert openai_models(read_models([{"models": [{"name": "models/b"}]}])) == {
        "object": "list",
        "data": [{"id": "b", "object": "model", "created": CREATED_S, "owned_by": "google"}],
    }


def test_the_upstreams_token_is_fit_for_a_query() -> None:
    assert next_page_token({"nextPageToken": "a b/=="}) == "a%20b%2F%3D%3D"
    assert next_page_token({"nextPageToken": 3}) == next_page_token({}) == ""


def test_our_pages_lead_through_the_whole_list() -> None:
    seen: list[str] = []
    token = ""
    while True:
        page = gemini_page(MODELS, page_size="2", page_token=token)
        seen += [model["name"] for model in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break

    assert seen == [model["name"] for model in MODELS]


def test_without_a_size_a_page_holds_what_it_may() -> None:
    assert gemini_page(MODELS, page_size="", page_token="") == {"models": list(MODELS)}
    assert gemini_page(MODELS, page_size="0", page_token="9") == {"models": []}


@pytest.mark.parametrize(
    ("size", "token"), [("x", ""), ("-1", ""), ("", "CAE="), ("", "9" * 30), ("\u0663", "")]
)
def test_a_page_that_makes_no_sense_is_refused(size: str, token: str) -> None:
    with pytest.raises(BadRequest, match="Invalid value for 'page"):
        gemini_page(MODELS, page_size=size, page_token=token)


def test_a_model_is_found_by_its_bare_name() -> None:
    assert find_model(MODELS, "m3") is MODELS[3]
    assert find_model(MODELS, "models/m3") is None
