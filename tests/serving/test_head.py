"""A request's headers as routes see them, however their names are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.serving.head import judge_head
from gateway.serving.refusal import Refusal

TOKENS = st.sampled_from(["User-Agent", "x-goog-api-key", "Accept", "X-Stainless-OS", "x-unheard-of"])


@given(
    fields=st.lists(
        st.tuples(TOKENS, st.sampled_from([str, str.lower, str.upper, str.title]), st.text("a \t"))
    ),
)
def test_names_come_in_lower_case_and_repeated_ones_joined(
    fields: list[tuple[str, type[str], str]],
) -> None:
    sent = [(b"Host", b"x")] + [(spell(name).encode(), value.encode()) for name, spell, value in fields]

    headers = judge_head(b"GET", b"/", True, True, sent)[0].headers

    expected: dict[str, list[str]] = {"host": ["x"]}
    for name, _, value in fields:
        expected.setdefault(name.lower(), []).append(value.strip(" \t"))
    assert headers == {name: ", ".join(values) for name, values in expected.items()}


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Transfer-Encoding"])
def test_what_frames_a_request_may_stand_in_it_once_however_it_is_spelled(name: bytes) -> None:
    fields = [(b"Host", b"x"), (name, b"1"), (name.swapcase(), b"1")]

    with pytest.raises(Refusal) as refused:
        judge_head(b"GET", b"/", True, True, fields)

    assert refused.value.status == 400
