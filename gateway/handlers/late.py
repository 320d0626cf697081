"""Routes that are loaded at their first request, off the loop's thread: calls go on meanwhile.

Knows nothing of what they are; app.py asks it for what no other route takes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.routing import Router


class LateRouter(Router):
    """Finds handlers in a router that the first request has loaded.

    load   gives it, once; what it raises fails the requests that wait, and the next one tries again
    """

    def __init__(self, load: Callable[[], Awaitable[Router]]) -> None:
        self._load = load
        self._loaded: Router | None = None
        self._loading = asyncio.Lock()

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate | None:
        """The handler of a request, or what waits for it."""
        return _Waiting(self, request) if self._loaded is None else self._loaded.find_handler(request)

    async def loaded(self) -> Router:
        """The router behind, as soon as it is loaded."""
        async with self._loading:
            if self._loaded is None:
                self._loaded = await self._load()
            return self._loaded


class _Waiting(HTTPMessageDelegate):
    """A request that came before its routes; fronts read nothing more of it until its head is taken."""

    def __init__(self, late: LateRouter, request: HTTPServerRequest) -> None:
        self._late = late
        self._request = request
        self._delegate: HTTPMessageDelegate | None = None
        self._is_gone = False

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        router = await self._late.loaded()
        if self._is_gone:
            return
        self._delegate = router.find_handler(self._request)
        if self._delegate is not None:
            taken = self._delegate.headers_received(start_line, headers)
            if taken is not None:
                await taken

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return None if self._delegate is None else self._delegate.data_received(chunk)

    def finish(self) -> None:
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        self._is_gone = True
        if self._delegate is not None:
            self._delegate.on_connection_close()
