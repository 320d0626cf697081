"""The headers that every answer carries."""

import pytest

from gateway.handlers.answers import common_headers, preflight_headers, request_id_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1", "abc-1"), ("", "new"), ("a b", "new"), ("a\r\nb", "new"), ("x" * 129, "new"), ("é", "new")],
)
def test_a_sane_request_id_is_kept(given: str, kept: str) -> None:
    assert request_id_of({"x-request-id": given}, lambda: "new") == kept


def test_both_id_headers_are_sent() -> None:
    headers = dict(common_headers("abc"))

    assert headers["x-request-id"] == headers["x-gateway-request-id"] == "abc"
    assert headers["access-control-allow-origin"] == "*"


def test_a_preflight_repeats_what_was_asked_when_it_is_a_list_of_names() -> None:
    def allowed(asked: str) -> str:
        return dict(preflight_headers({"access-control-request-headers": asked}))[
            "access-control-allow-headers"
        ]

    assert allowed("x-a, x-b") == "x-a, x-b"
    assert "authorization" in allowed("x-a\r\nset-cookie: b")
    assert "authorization" in allowed("")
