"""How a request becomes libcurl options: what is set once on a handle and what on every request.

Options that seldom change make a preset; handles are kept per preset so that a request costs a few setopts.
Facts about options: libcurl's own pages, curl_easy_setopt(3) and CURLOPT_*(3).
"""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import pycurl

from gateway.upstream.transport import UpstreamRequest


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How the driver behaves towards all upstreams.

    http2                     speak HTTP/2 to https upstreams that offer it by ALPN
    verify_tls                check certificates and host names
    ca_bundle                 PEM file of trusted roots; None takes the system's
    max_connections_per_host  further requests wait for a free one; 0 means no limit
    max_idle_connections      kept open for the next request, all hosts together
    max_idle_handles          libcurl handles kept for the next request
    max_streams               HTTP/2 requests at a time on one connection
    idle_connection_s         an idle connection older than this is not used again
    sweep_s                   how often time limits are looked at while transfers run; a limit of
                              first byte or idle is noticed up to two sweeps late, the others up to one
    """

    http2: bool = True
    verify_tls: bool = True
    ca_bundle: str | None = None
    max_connections_per_host: int = 0
    max_idle_connections: int = 512
    max_idle_handles: int = 512
    max_streams: int = 100
    idle_connection_s: int = 118
    sweep_s: float = 0.1


class Preset(NamedTuple):
    """What a handle is set up for; two requests of one preset differ in URL, headers, body, timeout."""

    secure: bool
    method: str
    with_body: bool
    proxy: str | None
    stream: bool


_EMPTY_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
"""Without a body these are sent with `Content-Length: 0` (RFC 9110, 8.6)."""
_SILENCED: Final = ("Accept:", "Content-Type:", "Expect:", "Proxy-Connection:")
"""Headers libcurl would add by itself; an empty value takes them away, a value given elsewhere stays."""
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MAX_KNOWN_NAMES: Final = 256


def preset_of(request: UpstreamRequest) -> Preset:
    """The preset a request needs."""
    method = request.method
    return Preset(
        request.url.startswith("https:"),
        method,
        request.body is not None or method in _EMPTY_BODY_METHODS,
        request.proxy,
        request.stream,
    )


class RequestOptions:
    """Sets handles up. One per transport: it keeps what all its handles share."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._ca_file, self._ca_path = _trusted_roots(options.ca_bundle)
        self._known_names: set[str] = set()

    def apply_preset(self, curl: pycurl.Curl, preset: Preset) -> None:
        """Set on a fresh handle everything that its later requests share."""
        options = self._options
        put = curl.setopt
        put(pycurl.NOSIGNAL, 1)
        put(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        put(pycurl.FOLLOWLOCATION, 0)
        put(pycurl.NETRC, pycurl.NETRC_IGNORED)
        put(pycurl.PATH_AS_IS, 1)
        put(pycurl.TCP_KEEPALIVE, 1)
        put(pycurl.MAXAGE_CONN, options.idle_connection_s)
        # An empty string, unlike an unset option, keeps libcurl from reading HTTP_PROXY and NO_PROXY.
        put(pycurl.NOPROXY, "")
        put(pycurl.PROXY, preset.proxy or "")
        # The upstream's headers carry the key: none of them may go to the proxy in a CONNECT.
        put(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
        self._set_method(curl, preset)
        if not preset.stream:
            put(pycurl.ACCEPT_ENCODING, "gzip, br")
        if preset.secure or (preset.proxy or "").startswith("https:"):
            self._set_tls(curl)
        if preset.secure and options.http2:
            put(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
            # Wait for the first connection's ALPN instead of opening one for each of a burst of requests.
            put(pycurl.PIPEWAIT, 1)
        else:
            put(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)

    def header_lines(self, headers: Sequence[tuple[str, str]], *, stream: bool) -> list[str] | list[bytes]:
        """Header lines for libcurl, with the ones it would add by itself silenced.

        raises ValueError for a name that is no token or a value with CR, LF or NUL; the value is not shown
        """
        known = self._known_names
        lines: list[str] = []
        for name, value in headers:
            if name not in known:
                self._learn_name(name)
            # libcurl reads "Name:" as "leave it out"; "Name;" is its word for an empty value.
            lines.append(f"{name}: {value}" if value else f"{name};")
        text = "".join(lines)
        if "\n" in text or "\r" in text or "\0" in text:
            raise ValueError("a header value contains a line break or NUL")
        if stream:
            lines.append("Accept-Encoding: identity")
        lines += _SILENCED
        if text.isascii():
            return lines
        return [_encoded(line) for line in lines]

    def _learn_name(self, name: str) -> None:
        if not _TOKEN.fullmatch(name):
            raise ValueError("a header name contains a character that is not allowed")
        if len(self._known_names) < _MAX_KNOWN_NAMES:
            self._known_names.add(name)

    def _set_method(self, curl: pycurl.Curl, preset: Preset) -> None:
        method = preset.method
        if not _TOKEN.fullmatch(method):
            raise ValueError("the method contains a character that is not allowed")
        if preset.with_body:
            curl.setopt(pycurl.POST, 1)
            if method != "POST":
                curl.setopt(pycurl.CUSTOMREQUEST, method)
        elif method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        elif method != "GET":
            curl.setopt(pycurl.CUSTOMREQUEST, method)

    def _set_tls(self, curl: pycurl.Curl) -> None:
        verify = self._options.verify_tls
        curl.setopt(pycurl.SSL_VERIFYPEER, int(verify))
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 if verify else 0)
        curl.setopt(pycurl.PROXY_SSL_VERIFYPEER, int(verify))
        curl.setopt(pycurl.PROXY_SSL_VERIFYHOST, 2 if verify else 0)
        if self._ca_file is not None:
            curl.setopt(pycurl.CAINFO, self._ca_file)
            curl.setopt(pycurl.PROXY_CAINFO, self._ca_file)
        if self._ca_path is not None:
            curl.setopt(pycurl.CAPATH, self._ca_path)
            curl.setopt(pycurl.PROXY_CAPATH, self._ca_path)


def encoded_url(url: str) -> str | bytes:
    """The URL as pycurl takes it: bytes when it has characters beyond ASCII."""
    return url if url.isascii() else url.encode()


def _encoded(line: str) -> bytes:
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode()


def _trusted_roots(ca_bundle: str | None) -> tuple[str | None, str | None]:
    """The file and folder of trusted roots.

    pycurl's wheels carry a libcurl built on another distribution, whose built-in path need not exist
    here; Python's own OpenSSL knows the system's.
    """
    if ca_bundle is not None:
        return ca_bundle, None
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if candidate is not None and Path(candidate).is_file():
            return candidate, None
    return None, paths.capath
