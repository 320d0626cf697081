"""Taking secrets out of text: keys, tokens, credentials in URLs and headers.

Pure and idempotent. Used on every upstream message before it is logged, stored or answered, and by
the log processor. It does not know the configured secrets: pass them in where they are at hand.
"""

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

# Google names the caller's key in messages ("Consumer 'api_key:AIza…' has been suspended") and in
# ErrorInfo.metadata.containerInfo, so the api_key: form is hidden whatever shape the key has.
_VALUE = r"""[^\s"'&,;<>{}()\[\]\\]+"""
_HEADERS = r"x-goog-api-key|x-api-key|api[-_]key|apikey|authorization"
_NAMED = rf"{_HEADERS}|access_token|auth_token|key"
_PATTERN = (
    r"AIza[0-9A-Za-z_\-]{8,}"
    r"|\bAQ\.[0-9A-Za-z_\-]{8,}"
    rf"|(?i:\b(?P<name>{_HEADERS})(?P<sep>\\?[\"']?\s?:\s?\\?[\"']?(?:bearer )?+)){_VALUE}"
    rf"|(?i:\b(?P<param>{_NAMED})=){_VALUE}"
    r"|(?i:\b(?P<scheme>bearer) +)[0-9A-Za-z._~+/=\-]{6,}"
)
_LOGIN = r"://[^\s/@:\"']+:[^\s/@\"']+@"
_TEXT = re.compile(_PATTERN)
_BYTES = re.compile(_PATTERN.encode())
_LOGIN_TEXT = re.compile(_LOGIN)
_LOGIN_BYTES = re.compile(_LOGIN.encode())
# Every match of the pattern holds one of these. Most errors hold none, and looking is far cheaper.
_MARKS = ("aiza", "aq.", "key", "authorization", "bearer", "token=")
_BYTE_MARKS = tuple(mark.encode() for mark in _MARKS)


def redact(text: str, extra_secrets: Iterable[str] = ()) -> str:
    """Give `text` with everything that looks like a credential replaced by `[redacted]`.

    extra_secrets   secrets the caller knows (the leased key, the client's token), hidden wherever they stand
    returns         the same object when nothing had to go
    """
    for secret in extra_secrets:
        if secret and secret in text:
            text = text.replace(secret, REDACTED)
    lowered = text.lower()
    if any(mark in lowered for mark in _MARKS):
        text = _TEXT.sub(_replacement, text)
    return _LOGIN_TEXT.sub(f"://{REDACTED}@", text)


def safe_error_body(body: bytes, extra_secrets: Iterable[str] = ()) -> bytes:
    """Give an upstream's error body fit for relaying: the same bytes unless a credential stands in it.

    Works on bytes so that a body in any encoding, valid JSON or not, keeps its shape.
    """
    for secret in extra_secrets:
        raw = secret.encode()
        if raw and raw in body:
            body = body.replace(raw, REDACTED.encode())
    lowered = body.lower()
    if any(mark in lowered for mark in _BYTE_MARKS):
        body = _BYTES.sub(_replacement_bytes, body)
    return _LOGIN_BYTES.sub(f"://{REDACTED}@".encode(), body)


def masked(secret: str) -> str:
    """Give the form of a secret that may be shown: `AIza…x81k`; short ones show less, tiny ones nothing."""
    if len(secret) >= 20:
        return f"{secret[:4]}…{secret[-4:]}"
    if len(secret) >= 10:
        return f"{secret[:2]}…{secret[-2:]}"
    return "…"


def _replacement(match: re.Match[str]) -> str:
    name, sep, param, scheme = match.group("name", "sep", "param", "scheme")
    if name is not None:
        return f"{name}{sep}{REDACTED}"
    if param is not None:
        return f"{param}={REDACTED}"
    return f"{scheme} {REDACTED}" if scheme is not None else REDACTED


def _replacement_bytes(match: re.Match[bytes]) -> bytes:
    name, sep, param, scheme = match.group("name", "sep", "param", "scheme")
    hidden = REDACTED.encode()
    if name is not None:
        return name + sep + hidden
    if param is not None:
        return param + b"=" + hidden
    return scheme + b" " + hidden if scheme is not None else hidden
