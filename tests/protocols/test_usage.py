"""Each token is counted once."""

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.shapes import JsonObject
from gateway.protocols.usage import NO_USAGE, Usage, anthropic_usage_of, openai_usage, read_counts, read_usage

COUNT = st.integers(0, 100_000)


@given(COUNT, COUNT, COUNT, COUNT)
def test_the_sum_is_the_upstreams_total(prompt: int, completion: int, thoughts: int, tool_use: int) -> None:
    total = prompt + completion + thoughts + tool_use
    usage = read_usage(
        {
            "promptTokenCount": prompt,
            "candidatesTokenCount": completion,
            "thoughtsTokenCount": thoughts,
            "toolUsePromptTokenCount": tool_use,
            "totalTokenCount": total,
        }
    )

    said = openai_usage(usage)
    assert said["total_tokens"] == said["prompt_tokens"] + said["completion_tokens"] == total
    assert said["prompt_tokens"] == prompt + tool_use


@pytest.mark.parametrize(
    ("prompt", "candidates", "thoughts", "tool_use", "total", "said_prompt", "said_completion"),
    [
        pytest.param(10, 25, 20, 0, 35, 10, 25, id="thoughts inside candidates"),
        pytest.param(10, 5, 0, 4, 15, 10, 5, id="tool results inside prompt"),
        pytest.param(10, 25, 20, 4, 35, 10, 25, id="both"),
        pytest.param(10, 0, 3, 0, 0, 10, 3, id="no total"),
    ],
)
def test_what_overlaps_is_taken_out(
    prompt: int,
    candidates: int,
    thoughts: int,
    tool_use: int,
    total: int,
    said_prompt: int,
    said_completion: int,
) -> None:
    usage = read_usage(
        {
            "promptTokenCount": prompt,
            "candidatesTokenCount": candidates,
            "thoughtsTokenCount": thoughts,
            "toolUsePromptTokenCount": tool_use,
            "totalTokenCount": total,
        }
    )

    said = openai_usage(usage)
    assert (said["prompt_tokens"], said["completion_tokens"]) == (said_prompt, said_completion)


def test_anthropic_s_input_is_told_apart_from_what_a_cache_gave() -> None:
    said = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 132,
    }

    usage = anthropic_usage_of(said)

    assert usage == {
        "input_tokens": 45,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 27,
        "output_tokens_details": {"thinking_tokens": 20},
    }
    assert sum(usage[name] for name in usage if name.endswith("_tokens")) == said["totalTokenCount"]


_ODD = st.one_of(st.none(), st.booleans(), st.text(max_size=2), st.floats(), st.integers(-5, 30))
_DETAILS = st.none() | st.lists(
    st.fixed_dictionaries({"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE"]), "tokenCount": _ODD})
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(
                (
                    "promptTokenCount",
                    "candidatesTokenCount",
                    "thoughtsTokenCount",
                    "toolUsePromptTokenCount",
                    "cachedContentTokenCount",
                    "totalTokenCount",
                ),
                _ODD,
            ),
            "promptTokensDetails": _DETAILS,
            "candidatesTokensDetails": _DETAILS,
        },
    )
)
def test_what_is_recorded_is_what_clients_are_told_but_for_sounds_and_pictures(said: JsonObject) -> None:
    usage = read_usage(said)

    assert Usage(*read_counts(said)) == replace(
        usage, prompt_audio=0, prompt_image=0, completion_audio=0, completion_image=0
    )
    assert all(type(count) is int and count >= 0 for count in astuple(usage))


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"promptTokenCount": "8"}, {"promptTokenCount": -1}])
def test_odd_metadata_counts_nothing(odd: object) -> None:
    assert read_usage(odd) == NO_USAGE
    assert set(anthropic_usage_of(odd)) == set(anthropic_usage_of({"promptTokenCount": 8}))
