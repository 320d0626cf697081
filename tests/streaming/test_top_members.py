"""Members of an object that streams by are found in any cut, and nothing else is kept."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.streaming.top_members import TopMembers

NAMES = ("name", "id", "file", "usage")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "id", 'a"b', "\\", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
MEMBERS = st.dictionaries(st.sampled_from([*NAMES, "steps", 'quo"te', "back\\"]), JSON, max_size=7)


def members_of(body: bytes, cuts: list[int] | None = None) -> dict[str, Any]:
    members = TopMembers(NAMES)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    for start, end in pairwise(places):
        members.feed(body[start:end])
    return members.found


@given(value=MEMBERS, cuts=st.lists(st.integers(0, 10_000), max_size=12), indent=st.booleans())
def test_any_cut_finds_what_parsing_finds(value: dict[str, Any], cuts: list[int], indent: bool) -> None:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0)

    assert members_of(body, cuts) == {name: value[name] for name in NAMES if name in value}


@given(value=MEMBERS, cut=st.integers(0, 10_000))
def test_a_body_that_broke_off_gives_only_what_was_whole(value: dict[str, Any], cut: int) -> None:
    body = orjson.dumps(value)

    found = members_of(body[: cut % (len(body) + 1)])

    assert all(value[name] == found[name] for name in found)


def test_an_empty_piece_escapes_nothing() -> None:
    body = orjson.dumps({"file": {"\\": 1}, "id": 2})
    after_backslash = body.index(b"\\") + 1

    assert members_of(body, [after_backslash, after_backslash]) == {"file": {"\\": 1}, "id": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"[]",
        b'[{"name":"x"}]',
        b"<html>",
        b'"name":"x"',
        b"{",
        b'{"name"',
        b'{"name":',
        b'{"name":nul}',
        b"{]",
    ],
)
def test_what_is_no_object_holds_nothing(body: bytes) -> None:
    assert members_of(body) == {}


def test_a_name_inside_another_value_is_not_the_object_s() -> None:
    body = b'{"steps":[{"name":"files/inner","id":"i"}],"text":"\\"name\\":\\"said\\"","name":"files/true"}'

    assert members_of(body) == {"name": "files/true"}


def test_pictures_before_the_name_are_not_kept() -> None:
    members = TopMembers(NAMES)
    members.feed(b'{"picture":"')
    for _ in range(100):
        members.feed(b"A" * 65_536)
        assert len(members._rest) < 100
    members.feed(b'","id":"i-1","usage":{"total_tokens":3}}')

    assert members.found == {"id": "i-1", "usage": {"total_tokens": 3}}


def test_a_value_longer_than_the_bound_is_left_out() -> None:
    members = TopMembers(NAMES, max_value_bytes=100)
    members.feed(b'{"name":"' + b"x" * 60)
    members.feed(b"x" * 60 + b'","file":{"a":"' + b"y" * 200 + b'"},"id":"i-1"}')

    assert members.found == {"id": "i-1"}


def test_it_is_over_once_everything_was_found() -> None:
    members = TopMembers(("id",))
    members.feed(b'{"id":"i-1"')

    assert members.is_over
