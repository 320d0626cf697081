"""libcurl's options: what is set once on a handle, and how its method and its way to send change.

Facts about options: libcurl's own pages, curl_easy_setopt(3) and CURLOPT_*(3).
"""

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import certifi
import pycurl


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How the driver behaves towards all upstreams.

    http2                     speak HTTP/2 to https upstreams that offer it by ALPN
    verify_tls                check certificates and host names
    ca_bundle                 PEM file of trusted roots; None takes the system's
    max_connections_per_host  further requests wait for a free one; 0 means no limit
    max_cached_connections    kept open for the next request, all hosts together
    max_idle_handles          libcurl handles kept for the next request
    max_idle_roomy_handles    likewise of those that hold a large buffer to send through
    idle_connection_s         an idle connection older than this is not used again
    max_response_head_bytes   a longer head fails as TOO_LARGE
    sweep_interval_s          how often time limits are looked at while transfers run; a limit may be noticed
                              up to two intervals late
    may_connect               asked with the IP address of each connection before it is made, except to
                              proxies; a refused one fails as FORBIDDEN, and none is kept for later
    """

    http2: bool = True
    verify_tls: bool = True
    ca_bundle: str | None = None
    max_connections_per_host: int = 0
    max_cached_connections: int = 512
    max_idle_handles: int = 512
    max_idle_roomy_handles: int = 8
    idle_connection_s: int = 118
    max_response_head_bytes: int = 65_536
    sweep_interval_s: float = 0.1
    may_connect: Callable[[str], bool] | None = None


_EMPTY_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
"""Without a body these are sent with `Content-Length: 0` (RFC 9110, 8.6)."""
TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""What a method and a header's name are made of (RFC 9110, 5.6.2)."""


_SUPPRESS_CONNECT_HEADERS: Final = (
    265  # CURLOPT_SUPPRESS_CONNECT_HEADERS, not named by pycurl 7.49; curl/curl.h
)


def preset(curl: pycurl.Curl, options: TransportOptions, ca_bundle: str | None) -> None:
    """Set on a fresh handle everything that all its requests share."""
    put = curl.setopt
    put(pycurl.NOSIGNAL, 1)
    put(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    put(pycurl.FOLLOWLOCATION, 0)
    put(pycurl.NETRC, pycurl.NETRC_IGNORED)
    put(pycurl.PATH_AS_IS, 1)
    put(pycurl.TCP_NODELAY, 1)
    put(pycurl.TCP_KEEPALIVE, 1)
    put(pycurl.DNS_CACHE_TIMEOUT, 60)
    put(pycurl.MAXAGE_CONN, options.idle_connection_s)
    put(pycurl.USERAGENT, "")
    # An empty string, unlike an unset option, keeps libcurl from reading HTTP_PROXY and NO_PROXY.
    put(pycurl.PROXY, "")
    put(pycurl.NOPROXY, "")
    # Else the proxy's answer to CONNECT would come to us as the head of the upstream's.
    put(_SUPPRESS_CONNECT_HEADERS, 1)
    # The upstream's headers carry the key: none of them may go to the proxy in a CONNECT.
    put(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
    if options.may_connect is not None:
        put(pycurl.FORBID_REUSE, 1)
    if options.http2:
        # 2TLS: HTTP/2 where ALPN offers it over https, HTTP/1.1 elsewhere.
        put(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    else:
        put(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    verify = options.verify_tls
    put(pycurl.SSL_VERIFYPEER, int(verify))
    put(pycurl.SSL_VERIFYHOST, 2 if verify else 0)
    put(pycurl.PROXY_SSL_VERIFYPEER, int(verify))
    put(pycurl.PROXY_SSL_VERIFYHOST, 2 if verify else 0)
    if ca_bundle is not None:
        put(pycurl.CAINFO, ca_bundle)
        put(pycurl.PROXY_CAINFO, ca_bundle)


def set_method(curl: pycurl.Curl, method: str, *, has_body: bool) -> None:
    """Set a handle that may have been used for another method to this one.

    A HEAD goes without its body: it has no meaning there (RFC 9110, 9.3.2), and libcurl cannot send both.
    """
    if not TOKEN.fullmatch(method):
        raise ValueError("the method contains a character that is not allowed")
    curl.setopt(pycurl.NOBODY, 0)
    curl.unsetopt(pycurl.CUSTOMREQUEST)
    if method != "HEAD" and (has_body or method in _EMPTY_BODY_METHODS):
        curl.setopt(pycurl.POST, 1)
        if method != "POST":
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        return
    curl.setopt(pycurl.HTTPGET, 1)
    if method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    elif method != "GET":
        curl.setopt(pycurl.CUSTOMREQUEST, method)


def begin_upload(curl: pycurl.Curl, method: str, size_bytes: int | None) -> None:
    """Set a handle to send a body that is asked for piece by piece; chunked when its size is not known.

    On a fresh connection: what has been read of such a body cannot be sent again when a kept one is dead.
    """
    if not TOKEN.fullmatch(method):
        raise ValueError("the method contains a character that is not allowed")
    curl.setopt(pycurl.NOBODY, 0)
    curl.setopt(pycurl.UPLOAD, 1)
    curl.setopt(pycurl.CUSTOMREQUEST, method)
    curl.setopt(pycurl.INFILESIZE_LARGE, -1 if size_bytes is None else size_bytes)
    curl.setopt(pycurl.FRESH_CONNECT, 1)


def end_upload(curl: pycurl.Curl) -> None:
    """Undo `begin_upload`, for the handle's next request."""
    curl.setopt(pycurl.UPLOAD, 0)
    curl.setopt(pycurl.INFILESIZE_LARGE, -1)
    curl.setopt(pycurl.FRESH_CONNECT, 0)


def check_target(url: str) -> None:
    """Raise ValueError for a URL that is neither http nor https or has characters no URL has."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("only http and https addresses can be called")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the address contains a character that is not allowed")


def system_ca_bundle() -> str:
    """The file of trusted roots: the system's, which an operator may have added to, else certifi's.

    pycurl's wheels carry a libcurl built on another distribution, whose built-in path need not exist here;
    Python's own OpenSSL knows the system's. Slim images have none at all.
    """
    paths = ssl.get_default_verify_paths()
    for candidate in (
        paths.cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ):
        if candidate is not None and Path(candidate).is_file():
            return candidate
    return certifi.where()
