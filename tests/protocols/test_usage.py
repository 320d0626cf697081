"""Each token is counted once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.usage import NO_USAGE, openai_usage, read_usage

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


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"promptTokenCount": "8"}, {"promptTokenCount": -1}])
def test_odd_metadata_counts_nothing(odd: object) -> None:
    assert read_usage(odd) == NO_USAGE
