"""The model list in OpenAI's form."""

import pytest

from gateway.protocols.models import openai_model, openai_models


def test_the_list_keeps_the_order_and_each_id_once() -> None:
    reply = {
        "models": [
            {"name": "models/b"},
            {"name": "models/a"},
            {"name": "models/b"},
            {"name": "tunedModels/t"},
        ]
    }

    listed = openai_models(reply, created_s=7)

    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["b", "a", "tunedModels/t"]
    assert listed["data"][0] == {"id": "b", "object": "model", "created": 7, "owned_by": "google"}


@pytest.mark.parametrize(
    "reply", [{}, {"models": None}, {"models": [1, {}, {"name": 3}, {"name": "models/"}]}]
)
def test_an_odd_list_is_empty(reply: dict[str, object]) -> None:
    assert openai_models(reply, created_s=7)["data"] == []


def test_a_single_model_without_a_name_is_none() -> None:
    assert openai_model({}, created_s=7) is None
