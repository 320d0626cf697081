"""Secrets leave no text; everything else stays as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.redaction import masked, redact, safe_error_body
from tests.pool import gemini_errors as seen


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (
            f"Consumer 'api_key:{seen.KEY}' has been suspended",
            "Consumer 'api_key:[redacted]' has been suspended",
        ),
        ("containerInfo: api_key:any-shape-1", "containerInfo: api_key:[redacted]"),
        (f"key {seen.KEY}, next", "key [redacted], next"),
        ("new AQ.Ab8RN6IabcDEF_0123-456789xyz!", "new [redacted]!"),
        ("GET https://host/v1/models?key=abc&alt=sse", "GET https://host/v1/models?key=[redacted]&alt=sse"),
        ("GET /v1?alt=sse&key=abc HTTP/1.1", "GET /v1?alt=sse&key=[redacted] HTTP/1.1"),
        ("Authorization: Bearer sk-123456", "Authorization: Bearer [redacted]"),
        ("sent Bearer sk-123456 upstream", "sent Bearer [redacted] upstream"),
        ('{"x-goog-api-key": "abc"}', '{"x-goog-api-key": "[redacted]"}'),
        (r"{\"api_key\": \"abc\"}", r"{\"api_key\": \"[redacted]\"}"),
        ("via socks5://me:hush@10.0.0.1:1080", "via socks5://[redacted]@10.0.0.1:1080"),
    ],
)
def test_credentials_are_hidden_in_every_form(text: str, safe: str) -> None:
    assert redact(text) == safe
    assert redact(safe) == safe
    assert safe_error_body(text.encode()) == safe.encode()


@pytest.mark.parametrize(
    "text",
    [
        "API key not valid. Please pass a valid API key.",
        "reason API_KEY_INVALID",
        "monkey=banana",
        "http://127.0.0.1:8080/path",
        "Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) is text
    body = text.encode()
    assert safe_error_body(body) is body


def test_known_secrets_are_hidden_whatever_they_look_like() -> None:
    assert redact("the key odd was used", ["odd", ""]) == "the key [redacted] was used"
    assert safe_error_body("schlüssel ärger".encode(), ["ärger"]) == "schlüssel [redacted]".encode()


def test_a_redacted_error_body_is_still_json() -> None:
    body = safe_error_body(seen.SUSPENDED)
    assert seen.KEY.encode() not in body
    assert json.loads(body)["error"]["details"][0]["metadata"]["containerInfo"] == "api_key:[redacted]"


def test_a_body_that_is_not_text_is_relayed_as_it_is() -> None:
    body = b"\xff\xfe\x00 nothing"
    assert safe_error_body(body) is body


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    ("secret", "shown"),
    [(seen.KEY, "AIza…klmn"), ("0123456789", "01…89"), ("key-1", "…"), ("", "…")],
)
def test_the_masked_form_shows_less_of_shorter_secrets(secret: str, shown: str) -> None:
    assert masked(secret) == shown
