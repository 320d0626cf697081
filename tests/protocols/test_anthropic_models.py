"""Names of Anthropic's models are served by Gemini's, and the list comes in Anthropic's shape."""

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.protocols.anthropic_models import anthropic_page, served_model

SERVING = {"haiku": "gemini-small", "claude": "gemini-big", "claude-opus": "gemini-huge"}
MODELS: list[dict[str, Any]] = [{"name": f"models/m{n}", "displayName": f"M {n}"} for n in range(50)]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("gemini-3.5-flash", "gemini-3.5-flash"),
        ("gemini-3.5-flash[1m]", "gemini-3.5-flash"),
        ("claude-sonnet-5", "gemini-big"),
        ("claude-opus-5[1m]", "gemini-huge"),
        ("claude-3-5-haiku-latest", "gemini-big"),
        ("haiku-of-gemini", "haiku-of-gemini"),
    ],
)
def test_the_longest_part_of_a_name_says_who_serves_it(asked: str, served: str) -> None:
    assert served_model(asked, SERVING) == served


def test_a_name_that_nobody_serves_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadRequest, match="CLAUDE_MODELS") as caught:
        served_model("claude-sonnet-5", {"haiku": "gemini-small"})

    assert caught.value.status == 404


def test_pages_lead_forward_and_back() -> None:
    first = anthropic_page(MODELS, limit=0, after="", before="")
    second = anthropic_page(MODELS, limit=30, after=first["last_id"], before="")
    back = anthropic_page(MODELS, limit=5, after="", before="m20")

    assert (len(first["data"]), first["has_more"], first["first_id"]) == (20, True, "m0")
    assert (len(second["data"]), second["has_more"], second["last_id"]) == (30, False, "m49")
    assert [each["id"] for each in back["data"]] == ["m15", "m16", "m17", "m18", "m19"]
    assert back["has_more"]
    assert first["data"][0]["display_name"] == "M 0"


def test_an_empty_page_has_no_ids() -> None:
    page = anthropic_page([], limit=0, after="", before="")

    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None}
