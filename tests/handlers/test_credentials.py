"""Tokens found wherever clients put them, and taken out of what travels on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.handlers.credentials import presented, query_value, without_credentials


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        ({}, "", []),
        ({"authorization": "Bearer a"}, "", ["a"]),
        ({"authorization": "BEARER  a "}, "", ["a"]),
        ({"authorization": "Basic a"}, "", []),
        ({"authorization": "Bearer"}, "", [""]),
        ({"x-goog-api-key": "a", "x-api-key": "b", "api-key": "c"}, "key=d", ["a", "b", "c", "d"]),
        ({}, "alt=sse&key=a%2Bb", ["a+b"]),
        ({}, "monkey=a", []),
    ],
)
def test_where_a_request_may_carry_its_token(headers: dict[str, str], query: str, found: list[str]) -> None:
    assert list(presented(headers, query)) == found


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("alt=sse", "alt=sse"),
        ("key=a", ""),
        ("key=a&alt=sse", "alt=sse"),
        ("alt=sse&key=a&x=%20y&&z", "alt=sse&x=%20y&&z"),
        ("k%65y=a&alt=sse", "alt=sse"),
        ("%24key=a&$access_token=b&oauth_token=c&token=d&KEY=e", ""),
        ("pageToken=a&keys=b&monkey=c", "pageToken=a&keys=b&monkey=c"),
        ("%24alt=json%3Benum-encoding%3Dint", "%24alt=json%3Benum-encoding%3Dint"),
        ("key", ""),
        ("q=key=a", "q=key=a"),
    ],
)
def test_what_is_left_of_a_query(query: str, left: str) -> None:
    assert without_credentials(query) == left


@given(st.text(alphabet="key=&%65+a$tonTK", max_size=40))
def test_no_spelling_of_key_is_left(query: str) -> None:
    assert list(presented({}, without_credentials(query))) == []


def test_a_parameter_is_read_decoded() -> None:
    assert query_value("a=1&alt=s%73e", "alt") == "sse"
    assert query_value("%61lt=sse", "alt") == "sse"
    assert query_value("alternative=x", "alt") == ""
