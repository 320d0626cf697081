"""OpenAI's own names stand for the operator's model on routes where apps offer no others."""

import pytest

from gateway.errors import BadRequest
from gateway.protocols.openai_names import model_or


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "dall-e-3",
        "gpt-image-2.5-flare",
        "chatgpt-image-latest",
        "tts-1-hd",
        "gpt-4o-mini-tts",
        "whisper-1",
    ],
)
def test_openais_name_or_none_is_the_default(name: str | None) -> None:
    assert model_or("the-default", {"model": name}) == "the-default"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gemini-3.1-flash-image", "gemini-3.1-flash-image"),
        ("models/gemini-x", "gemini-x"),
        ("imagen-4.0-generate-001", "imagen-4.0-generate-001"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("tts-of-mine", "tts-of-mine"),
    ],
)
def test_any_other_name_is_itself(name: str, model: str) -> None:
    assert model_or("the-default", {"model": name}) == model


@pytest.mark.parametrize("name", [3, ["a"], "a/b", ".."])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(BadRequest) as refused:
        model_or("the-default", {"model": name})
    assert refused.value.param == "model"
