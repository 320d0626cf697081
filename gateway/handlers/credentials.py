"""Where a request carries its access token, and how it is taken out of what travels on.

Every route takes a token from any of the five places clients use. Pure reading of heads; the check itself is
control's TokenBook.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

_HEADERS = ("x-goog-api-key", "x-api-key", "api-key")
_QUERY_NAMES = frozenset({"key", "access_token", "oauth_token", "token"})


def presented(headers: Mapping[str, str], query: str) -> Iterator[str]:
    """Every secret a request presents, in order: Bearer, the key headers, `?key=`.

    headers   names in lower case
    """
    authorization = headers.get("authorization")
    if authorization:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            yield value.strip()
    for name in _HEADERS:
        value = headers.get(name, "")
        if value:
            yield value.strip()
    if "key=" in query:
        for part in query.split("&"):
            name, _, value = part.partition("=")
            if name == "key":
                yield unquote_plus(value)


def without_credentials(query: str) -> str:
    """The query string as it came, less every parameter that is a credential, however it is spelled."""
    if "%" not in query and "key" not in query and "token" not in query:
        return query
    return "&".join(part for part in query.split("&") if not _is_credential(part.partition("=")[0]))


def _is_credential(name: str) -> bool:
    # Google takes its system parameters with and without the dollar sign.
    return unquote_plus(name).lower().lstrip("$") in _QUERY_NAMES


def query_value(query: str, name: str) -> str:
    """The first value of a parameter, decoded; "" when it is absent."""
    if name not in query and "%" not in query:
        return ""
    for part in query.split("&"):
        found, _, value = part.partition("=")
        if found == name or ("%" in found and unquote_plus(found) == name):
            return unquote_plus(value)
    return ""
