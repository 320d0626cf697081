"""Checks a single setting's value must pass beyond its type and bounds. Used by declared/, and by whoever
reads or offers the same values elsewhere.

Each takes a parsed value, gives it back (some in one canonical spelling), or raises Unusable.
"""

import base64
import binascii
import re
import zoneinfo
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from gateway.settings.unusable import Unusable

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LOG_LEVEL_NAMES = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_OUR_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "x-goog-api-key"})
_CATEGORY = "HARM_CATEGORY_"
_CATEGORY_NAME = re.compile(r"HARM_CATEGORY_[A-Z_]{1,60}")
THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")
_UPSTREAM_EXAMPLE = "https://generativelanguage.googleapis.com/v1beta"
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def check_no_control(text: str) -> str:
    if _CONTROL.search(text):
        raise Unusable("must not contain line breaks or control characters")
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: bytes of the environment that are not UTF-8
        raise Unusable("must be UTF-8 text") from None
    return text


def plain_file_name(text: str) -> str:
    if not text or text in (".", "..") or "/" in text or "\\" in text:
        raise Unusable("must be a file name without a folder; DATA_DIR names the folder")
    return text


def check_fernet_key(text: str) -> str:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise Unusable(
            "must be Fernet keys: 32 random bytes in URL-safe base64, as "
            "`openssl rand -base64 32 | tr '+/' '-_'` prints them"
        )
    return text


def _split_url(text: str, *, otherwise: Unusable) -> tuple[str, str]:
    """Give scheme and host of a URL, both non-empty and lower case, or raise what is said `otherwise`."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
        parts.port  # noqa: B018 - raises when the port is not a number
    except ValueError:
        raise otherwise from None
    if not host or any(character.isspace() for character in text):
        raise otherwise
    return parts.scheme, host


def upstream_url(text: str) -> str:
    """Give the upstream's address without a slash at its end."""
    no_address = Unusable(
        "must be an http:// or https:// address, for example %(example)s", example=_UPSTREAM_EXAMPLE
    )
    scheme, _ = _split_url(text, otherwise=no_address)
    parts = urlsplit(text)
    if scheme not in ("http", "https"):
        raise no_address
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        raise Unusable(
            "must be an http:// or https:// address such as %(example)s, without user name, `?` and `#`",
            example=_UPSTREAM_EXAMPLE,
        )
    return text.rstrip("/")


def proxy_url(text: str) -> str:
    """Give a proxy's URL; a bare host:port is an HTTP proxy."""
    url = text if _SCHEME.match(text) else f"http://{text}"
    scheme, _ = _split_url(
        url,
        otherwise=Unusable(
            "must be proxy addresses such as http://user:password@host:8080 or socks5://host:1080"
        ),
    )
    if scheme not in _PROXY_SCHEMES:
        raise Unusable(
            "must be proxy addresses such as http://user:password@host:8080 or socks5://host:1080; "
            "known kinds are %(kinds)s",
            kinds=", ".join(_PROXY_SCHEMES),
        )
    return url


def web_url(text: str) -> str:
    """Give an http or https address, or "" for none."""
    no_address = Unusable("must be an http:// or https:// address")
    if text and _split_url(text, otherwise=no_address)[0] not in ("http", "https"):
        raise no_address
    return text


def fold_word(value: Any) -> Any:
    """Give a word in the spelling that is declared: lower case, with underscores."""
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Give the headers as a read-only mapping."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Unusable("must map header names to values; a name has a character no header name may have")
        if name.lower() in _OUR_HEADERS:
            raise Unusable(
                "must not set %(names)s: the gateway sets them itself", names=", ".join(sorted(_OUR_HEADERS))
            )
        if value != value.strip():
            raise Unusable("must not have spaces around a header's value")
    return MappingProxyType(dict(headers))


def model_name(text: str) -> str:
    """Give a model's bare name."""
    name = text.removeprefix("models/")
    if not name or any(character.isspace() for character in name):
        raise Unusable("must name models such as gemini-3.5-flash, without spaces")
    return name


def by_model(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a map whose names are models' bare names, as a read-only mapping."""
    return MappingProxyType({model_name(name): value for name, value in values.items()})


def spread_safety(value: Any) -> Any:
    """Give rows for a map of categories to thresholds, which says the same in fewer words."""
    if not isinstance(value, Mapping) or "category" in value:
        return [value] if isinstance(value, Mapping) else value
    return [{"category": category, "threshold": threshold} for category, threshold in value.items()]


def check_safety(rows: tuple[Mapping[str, str], ...]) -> tuple[Mapping[str, str], ...]:
    """Give the rows in Gemini's spelling, each category once; the last one of a category counts."""
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if row.keys() != {"category", "threshold"}:
            raise Unusable('must be rows of "category" and "threshold" and nothing else')
        category = row["category"].strip().upper()
        threshold = row["threshold"].strip().upper()
        if not category.startswith(_CATEGORY):
            category = _CATEGORY + category
        if not _CATEGORY_NAME.fullmatch(category):
            raise Unusable("must have categories such as %(example)s", example=f"{_CATEGORY}HARASSMENT")
        if threshold not in THRESHOLDS:
            raise Unusable("must have one of %(known)s as threshold", known=", ".join(THRESHOLDS))
        found[category] = MappingProxyType({"category": category, "threshold": threshold})
    return tuple(found.values())


def fold_database_type(value: Any) -> Any:
    return "mysql" if isinstance(value, str) and value.lower() == "mariadb" else value


def fold_log_level(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    level = value.upper()
    return _LOG_LEVEL_NAMES.get(level, level)


def check_time_zone(text: str) -> str:
    """Give an IANA zone's name in its proper spelling; the case of what was typed does not matter."""
    name = text.removeprefix(":")
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        folded = name.casefold()
        for known in zoneinfo.available_timezones():
            if known.casefold() == folded:
                return known
        raise Unusable(
            "must be the name of a time zone such as Asia/Shanghai, Europe/Berlin or UTC"
        ) from None
    return name
