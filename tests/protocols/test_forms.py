"""Fields of forms become what the JSON body of the same request has."""

import pytest

from gateway.protocols.forms import typed_fields


@pytest.mark.parametrize(
    ("texts", "fields"),
    [
        (
            {"n": ["2"], "temperature": ["0.5"], "stream": ["true"]},
            {"n": 2, "temperature": 0.5, "stream": True},
        ),
        ({"stream": ["False"]}, {"stream": False}),
        ({"stream": ["maybe"], "n": ["two"]}, {"stream": "maybe", "n": "two"}),  # for the reader to refuse
        ({"prompt": ["2"], "size": ["1024x1024"]}, {"prompt": "2", "size": "1024x1024"}),
        ({"prompt": ["first", "last"]}, {"prompt": "last"}),
        (
            {"timestamp_granularities[]": ["word", "segment"], "include[]": ["logprobs"]},
            {"timestamp_granularities": ["word", "segment"], "include": ["logprobs"]},
        ),
        ({}, {}),
    ],
)
def test_a_field_has_the_type_of_its_json(texts: dict[str, list[str]], fields: dict[str, object]) -> None:
    assert typed_fields(texts) == fields
