"""What went wrong, from libcurl's numbers to a cause the retry loop knows and words a person can act on.

No secret gets through: libcurl's own text is used only where it names hosts and certificates, and
everything the request carried is struck out of it. Called by curl_transfer.py.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import pycurl

from gateway.upstream.transport import FailureCause, TransportFailure, UpstreamRequest

_CODE_PROXY = 97  # CURLE_PROXY, not named by pycurl 7.49; likewise the next three. Source: curl/curl.h
_CODE_HTTP2_STREAM = 92
_CODE_HTTP3 = 95
_CODE_TOO_LARGE = 100
_CODE_WEIRD_SERVER_REPLY = 8

_CAUSES: dict[int, FailureCause] = {
    pycurl.E_COULDNT_RESOLVE_HOST: FailureCause.RESOLVE,
    pycurl.E_COULDNT_RESOLVE_PROXY: FailureCause.PROXY,
    _CODE_PROXY: FailureCause.PROXY,
    pycurl.E_COULDNT_CONNECT: FailureCause.CONNECT,
    pycurl.E_OPERATION_TIMEDOUT: FailureCause.TIMEOUT_CONNECT,  # the only limit libcurl itself is given
    pycurl.E_INTERFACE_FAILED: FailureCause.CONNECT,
    pycurl.E_NO_CONNECTION_AVAILABLE: FailureCause.CONNECT,
    pycurl.E_SSL_CONNECT_ERROR: FailureCause.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: FailureCause.TLS,
    pycurl.E_SSL_CERTPROBLEM: FailureCause.TLS,
    pycurl.E_SSL_CIPHER: FailureCause.TLS,
    pycurl.E_SSL_CACERT_BADFILE: FailureCause.TLS,
    pycurl.E_SSL_ISSUER_ERROR: FailureCause.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureCause.TLS,
    pycurl.E_SSL_PINNEDPUBKEYNOTMATCH: FailureCause.TLS,
    pycurl.E_SSL_ENGINE_INITFAILED: FailureCause.TLS,
    pycurl.E_USE_SSL_FAILED: FailureCause.TLS,
    pycurl.E_GOT_NOTHING: FailureCause.RESET,
    pycurl.E_RECV_ERROR: FailureCause.RESET,
    pycurl.E_SEND_ERROR: FailureCause.RESET,
    pycurl.E_SEND_FAIL_REWIND: FailureCause.RESET,
    _CODE_HTTP2_STREAM: FailureCause.RESET,
    pycurl.E_PARTIAL_FILE: FailureCause.TRUNCATED,
    _CODE_WEIRD_SERVER_REPLY: FailureCause.PROTOCOL,
    pycurl.E_UNSUPPORTED_PROTOCOL: FailureCause.PROTOCOL,  # an answer without a status line (HTTP/0.9)
    pycurl.E_HTTP2: FailureCause.PROTOCOL,
    _CODE_HTTP3: FailureCause.PROTOCOL,
    pycurl.E_BAD_CONTENT_ENCODING: FailureCause.PROTOCOL,
    pycurl.E_FILESIZE_EXCEEDED: FailureCause.TOO_LARGE,
    _CODE_TOO_LARGE: FailureCause.TOO_LARGE,
}

_WORDS: dict[FailureCause, str] = {
    FailureCause.RESOLVE: "the name {peer} could not be resolved",
    FailureCause.FORBIDDEN: "{peer} is at a private or reserved address",
    FailureCause.CONNECT: "no connection to {peer}",
    FailureCause.PROXY: "the proxy {proxy} did not pass the request on",
    FailureCause.TLS: "no trusted TLS connection to {peer}",
    FailureCause.TIMEOUT_CONNECT: "no connection to {peer} within {limit_s:g} s",
    FailureCause.TIMEOUT_FIRST_BYTE: "no answer from {peer} within {limit_s:g} s",
    FailureCause.TIMEOUT_IDLE: "{peer} sent nothing more for {limit_s:g} s",
    FailureCause.TIMEOUT_TOTAL: "the call to {peer} was not finished within {limit_s:g} s",
    FailureCause.RESET: "{peer} closed the connection before the answer was complete",
    FailureCause.TRUNCATED: "{peer} ended the answer short of its announced length",
    FailureCause.PROTOCOL: "what came from {peer} is not valid HTTP",
    FailureCause.TOO_LARGE: "the answer's head from {peer} is too large",
    FailureCause.OTHER: "the call to {peer} failed",
}

_LIBCURL_TEXT_HELPS = frozenset(
    {FailureCause.RESOLVE, FailureCause.CONNECT, FailureCause.PROXY, FailureCause.TLS, FailureCause.PROTOCOL}
)

_HEAD_TOO_LARGE = "Too large response header"  # libcurl's own limit (300 KB), reported as a receive error
_USERINFO = re.compile(r"//[^/\s@]*@")
_SHORTEST_SECRET = 4  # shorter ones would strike out every word


def failure_from_curl(
    code: int, text: str, request: UpstreamRequest, getinfo: Callable[[int], object]
) -> TransportFailure:
    """Name a failed transfer.

    code      libcurl's CURLE_ number
    text      libcurl's own words (the error buffer)
    getinfo   the handle's `getinfo`, still holding the failed transfer

    Until the request itself is on its way (libcurl's REQUEST_SIZE; its PRETRANSFER_TIME is filled in by the
    failure) a lost connection is the proxy's doing, where there is one.
    """
    cause = _CAUSES.get(code, FailureCause.OTHER)
    if code == pycurl.E_RECV_ERROR:
        cause = _cause_of_receive_error(text)
    if (
        request.proxy is not None
        and cause in (FailureCause.CONNECT, FailureCause.RESET)
        and not getinfo(pycurl.REQUEST_SIZE)
    ):
        cause = FailureCause.PROXY
    return describe(cause, request, code=code, detail=text if cause in _LIBCURL_TEXT_HELPS else "")


def _cause_of_receive_error(text: str) -> FailureCause:
    """libcurl reports two of its own refusals as a receive error; only the words tell."""
    if text.startswith(_HEAD_TOO_LARGE):
        return FailureCause.TOO_LARGE
    return FailureCause.PROTOCOL if "chunk" in text else FailureCause.RESET


def describe(
    cause: FailureCause, request: UpstreamRequest, *, code: int = 0, detail: str = "", limit_s: float = 0.0
) -> TransportFailure:
    """The failure in words: who, what, and `detail` with everything secret struck out."""
    peer = _host_and_port(request.url)
    proxy = "" if request.proxy is None else _host_and_port(request.proxy)
    message = _WORDS[cause].format(peer=peer, proxy=proxy, limit_s=limit_s or request.timeouts.connect_s)
    if proxy and cause is not FailureCause.PROXY:
        message = f"{message} (through the proxy {proxy})"
    if detail:
        message = f"{message}: {_without_secrets(detail, request)}"
    return TransportFailure(cause, message, code)


def _host_and_port(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or "?"
        return f"{host}:{parts.port}" if parts.port is not None else host
    except ValueError:
        return "?"


def _without_secrets(text: str, request: UpstreamRequest) -> str:
    text = _USERINFO.sub("//", text)
    for secret in sorted(set(_secrets(request)), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(request: UpstreamRequest) -> Iterator[str]:
    """Every string of the request that could be a key or a password, raw and percent-decoded."""
    candidates = [word for _, value in request.headers for word in (value, *value.split())]
    for url in (request.url, request.proxy or ""):
        try:
            parts = urlsplit(url)
        except ValueError:
            candidates.append(url)
            continue
        candidates += [parts.password or "", parts.username or ""]
        candidates += [pair.partition("=")[2] for pair in parts.query.split("&")]
    for candidate in candidates:
        if len(candidate) >= _SHORTEST_SECRET:
            yield candidate
            yield unquote(candidate)
