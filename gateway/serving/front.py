"""The choice between the two HTTP fronts, and what both offer to lifecycle.

Setting HTTP_FRONT: `llhttp` is ours (server.py), `tornado` the fall-back (tornado_front.py). Routes and the
application are the same on either.
"""

import socket
from collections.abc import Iterable
from typing import Literal, Protocol

from tornado.httputil import HTTPServerConnectionDelegate

from gateway.serving.light import LightRouter
from gateway.serving.limits import Limits
from gateway.serving.refusal import Reject
from gateway.serving.server import LlhttpFront
from gateway.serving.tornado_front import TornadoFront

FrontKind = Literal["llhttp", "tornado"]


class Front(Protocol):
    """An HTTP front on bound listening sockets."""

    async def add_sockets(self, sockets: Iterable[socket.socket]) -> None: ...

    async def drain(self, timeout_s: float) -> int: ...

    @property
    def open_connections(self) -> int: ...


def make_front(
    kind: FrontKind,
    *,
    application: HTTPServerConnectionDelegate,
    light: LightRouter,
    limits: Limits | None = None,
    xheaders: bool = True,
    reject: Reject | None = None,
) -> Front:
    """A front inside the running event loop; it serves once `add_sockets` is awaited.

    application   a tornado.web.Application, or anything that starts requests like one
    light         asked first for every request; None from it means the application
    xheaders      take the client's address and scheme from X-Forwarded-For, X-Forwarded-Proto and the like
    reject        renders the answers the front gives by itself; None for a small JSON body
    """
    front_class = LlhttpFront if kind == "llhttp" else TornadoFront
    return front_class(
        application=application, light=light, limits=limits or Limits(), xheaders=xheaders, reject=reject
    )
