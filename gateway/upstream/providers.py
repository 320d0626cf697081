"""How a call is addressed at a provider: its URL and the headers that carry the key.

A provider is a value, not a class per vendor: two providers that differ in a URL are one function and two
values. The key travels only in `x-goog-api-key`, never in a URL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from gateway.protocols.paths import VERSIONS, upstream_version

KEY_HEADER = "x-goog-api-key"


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

    def url(self, resource: str, *, query: str = "", client_version: str = "") -> str:
        """The address of a resource such as `models/gemini-3.5-flash:generateContent`."""
        version = upstream_version(client_version, self.version)
        path = f"{self.root}/{version}/{resource}" if version else f"{self.root}/{resource}"
        return f"{path}?{query}" if query else path

    def call_headers(self, secret: str, extra: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """The headers of one call with one key; `extra` are the client's that may travel on."""
        return [(KEY_HEADER, secret), *extra, *self.headers]


def read_provider(base_url: str, custom_headers: Sequence[tuple[str, str]] = ()) -> Provider:
    """Split a BASE_URL such as `https://host/prefix/v1beta`; a missing version is allowed.

    Custom headers cannot replace the key's header: a second key would make Google refuse the call
    (400 "Multiple authentication credentials received").
    """
    parts = urlsplit(base_url.rstrip("/"))
    path, _, last = parts.path.rpartition("/")
    version = last if last in VERSIONS else ""
    root_path = path if version else parts.path
    root = urlunsplit((parts.scheme, parts.netloc, root_path.rstrip("/"), "", ""))
    reserved = (KEY_HEADER, "authorization", "host", "content-length", "transfer-encoding")
    headers = tuple((name, value) for name, value in custom_headers if name.lower() not in reserved)
    return Provider(root=root, version=version, headers=headers)
