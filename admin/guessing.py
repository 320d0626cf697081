"""How often somebody may guess the administrator's token, wherever it is asked for: sign-in and API alike."""

import math
from typing import Any

from tornado.httputil import HTTPServerRequest

from admin.parts import Parts


def wait_s(parts: Parts, request: HTTPServerRequest, now_s: float) -> int:
    """Whole seconds until a guess from here is looked at."""
    return math.ceil(
        max(
            parts.peers.wait_s(request.remote_ip or "", now_s),
            parts.connections.wait_s(_connection(request), now_s),
        )
    )


def count_wrong(parts: Parts, request: HTTPServerRequest, now_s: float) -> None:
    """Note a guess that was wrong."""
    parts.peers.was_wrong(request.remote_ip or "", now_s)
    parts.connections.was_wrong(_connection(request), now_s)


def _connection(request: HTTPServerRequest) -> str:
    """The address of the socket, which nobody can make up."""
    address: Any = getattr(getattr(request.connection, "context", None), "address", "")
    return str(address[0] if isinstance(address, tuple) and address else address)
