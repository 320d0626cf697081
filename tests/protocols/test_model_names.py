"""What a model's name may be, and what it tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.protocols.model_names import (
    Thinking,
    Tier,
    model_traits,
    parse_model,
    parse_path_model,
    resource_name,
)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("gemini-3.5-flash", "gemini-3.5-flash"),
        ("models/gemini-3.5-flash", "gemini-3.5-flash"),
        (" gemini-3.5-flash ", "gemini-3.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("claude-x[1m]", "claude-x[1m]"),
    ],
)
def test_a_name_is_stripped_of_its_prefix(written: str, name: str) -> None:
    assert parse_model(written) == name


def test_a_name_in_a_path_is_decoded_first() -> None:
    assert parse_path_model("models%2Fgemini-3-flash") == "gemini-3-flash"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "models/",
        "a/b",
        "../x",
        "a..b",
        "models/../files/x",
        "a\nb",
        "a b",
        "<script>",
        "a%2e",
        "é",
        "a" * 257,
    ],
)
def test_a_name_that_no_model_has_is_refused(written: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_model(written)
    assert refused.value.param == "model"


def test_a_path_trick_hidden_by_encoding_is_refused() -> None:
    with pytest.raises(BadRequest):
        parse_path_model("..%2f..%2fv1%2ffiles")


@given(st.text(max_size=300))
def test_any_text_is_a_safe_name_or_refused(written: str) -> None:
    try:
        name = parse_model(written)
    except BadRequest:
        return
    path = resource_name(name)
    assert path.isascii()
    assert path.count("/") == 1
    assert ":" not in path
    assert ".." not in path


def test_the_upstream_path_keeps_tuned_models_and_hides_colons() -> None:
    assert resource_name("gemini-3.5-flash") == "models/gemini-3.5-flash"
    assert resource_name("tunedModels/x") == "tunedModels/x"
    assert resource_name("x:countTokens") == "models/x%3AcountTokens"


@pytest.mark.parametrize(
    ("name", "thinking", "tier", "third", "system"),
    [
        ("gemini-2.0-flash", Thinking.NONE, Tier.FLASH, False, True),
        ("gemini-2.5-flash", Thinking.BUDGET, Tier.FLASH, False, True),
        ("gemini-2.5-flash-lite", Thinking.BUDGET, Tier.FLASH, False, True),
        ("gemini-2.5-pro", Thinking.BUDGET, Tier.PRO, False, True),
        ("gemini-2.5-flash-image", Thinking.NONE, Tier.FLASH, False, False),
        ("gemini-2.5-flash-preview-tts", Thinking.NONE, Tier.FLASH, False, False),
        ("gemini-3-pro-preview", Thinking.LEVEL, Tier.PRO, True, True),
        ("gemini-3.8-flash", Thinking.LEVEL, Tier.FLASH, True, True),
        ("gemini-3-pro-image", Thinking.NONE, Tier.PRO, True, True),
        ("gemini-4-argon", Thinking.LEVEL, Tier.OTHER, True, True),
        ("gemini-flash-latest", Thinking.LEVEL, Tier.FLASH, True, True),
        ("gemini-embedding-2", Thinking.NONE, Tier.OTHER, False, True),
        ("gemma-3-27b-it", Thinking.NONE, Tier.OTHER, False, False),
        ("learnlm-2", Thinking.LEVEL, Tier.OTHER, False, True),
    ],
)
def test_a_name_tells_what_its_model_takes(
    name: str, thinking: Thinking, tier: Tier, third: bool, system: bool
) -> None:
    traits = model_traits(name)

    assert (traits.thinking, traits.tier, traits.third_or_later, traits.accepts_system) == (
        thinking,
        tier,
        third,
        system,
    )
