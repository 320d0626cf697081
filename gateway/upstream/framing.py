"""The headers that only the transport may set, because they say where a message ends or who it is for.

A second length or host is how requests are smuggled. Asked by curl_setup.py and providers.py.
"""

from typing import Final

TRANSPORT_HEADERS: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Lower case. Hop-by-hop headers (RFC 9110, 7.6.1) and the host."""
