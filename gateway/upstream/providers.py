"""How a call is addressed at a provider: its URL and the headers that carry the key.

A provider is a value, not a class per vendor: two providers that differ in a URL are one function and two
values. The key travels in `x-goog-api-key`, for one endpoint as a bearer token, never in a URL.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from gateway.protocols.paths import VERSIONS, upstream_version
from gateway.upstream.framing import TRANSPORT_HEADERS

KEY_HEADER = "x-goog-api-key"
_PLAIN = re.compile(r"[A-Za-z0-9/:._~-]*")
_RESERVED = TRANSPORT_HEADERS | {KEY_HEADER, "authorization"}


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream's address, split once.

    root          scheme, host and path before the version, without a trailing slash
    version       the version segment of the configured base URL, "" when it has none
    headers       sent with every call (CUSTOM_HEADERS), names as written by the operator
    """

    root: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()

    def url(self, resource: str, *, query: str = "", client_version: str = "", door: str = "") -> str:
        """The address of a resource such as `models/gemini-3.5-flash:generateContent` (decoded).

        door   what stands before the version: `upload`, `download`, mostly ""
        """
        return _url(self.root, door, client_version, self.version, resource, query)

    def call_headers(
        self, secret: str, extra: Sequence[tuple[str, str]] = (), *, bearer: bool = False
    ) -> tuple[tuple[str, str], ...]:
        """The headers of one call with one key; `extra` are the call's own, which the operator's replace.

        secret   "" for a call that goes without: its address is a secret by itself
        bearer   the key as a bearer token, which only Google's OpenAI-compatible endpoint takes
        """
        return _call_headers(self.headers, secret, tuple(extra), bearer)


# One key sends the same headers to the same few addresses again and again.
@functools.lru_cache(maxsize=1024)
def _url(root: str, door: str, client_version: str, base_version: str, resource: str, query: str) -> str:
    version = upstream_version(client_version, base_version)
    if not _PLAIN.fullmatch(resource):
        resource = quote(resource, safe="/:@!$&'()*+,;=")
    path = "/".join(filter(None, (root, door, version, resource)))
    return f"{path}?{query}" if query else path


@functools.lru_cache(maxsize=1024)
def _call_headers(
    operators: tuple[tuple[str, str], ...], secret: str, extra: tuple[tuple[str, str], ...], bearer: bool
) -> tuple[tuple[str, str], ...]:
    key = ((KEY_HEADER, secret),) if secret else ()
    if bearer:
        key = (("authorization", f"Bearer {secret}"),)
    replaced = {name.lower() for name, _ in operators}
    kept = tuple(header for header in extra if header[0].lower() not in replaced)
    return (*key, *kept, *operators)


def read_provider(base_url: str, custom_headers: Sequence[tuple[str, str]] = ()) -> Provider:
    """Split a BASE_URL such as `https://host/prefix/v1beta`; a missing version is allowed.

    Custom headers cannot replace the key's header: a second key would make Google refuse the call
    (400 "Multiple authentication credentials received").
    """
    parts = urlsplit(base_url.rstrip("/"))
    segments = parts.path.rstrip("/").split("/")
    version = segments[-1] if segments[-1] in VERSIONS else ""
    while segments[-1] in VERSIONS or (len(segments) > 1 and not segments[-1]):
        segments.pop()  # all of a doubled version: the last one counts
    root = urlunsplit((parts.scheme, parts.netloc, "/".join(segments), "", ""))
    headers = tuple((name, value) for name, value in custom_headers if name.strip().lower() not in _RESERVED)
    return Provider(root=root, version=version, headers=headers)
