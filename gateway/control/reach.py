"""Whether the upstream can be reached, directly and through each proxy, and how long it takes.

Asked without a key: any answer of the upstream's shows that there is a way. Used by the settings page, the
API and `doctor`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gateway.upstream.fetch import Response, UpstreamCallFailed, fetch
from gateway.upstream.providers import Provider
from gateway.upstream.proxies import masked_proxy
from gateway.upstream.transport import Timeouts, Transport, UpstreamRequest

AT_ONCE = 8
MOST_PROXIES = 500
_LIMIT_S = 15.0
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way to the upstream.

    proxy        masked, "" for the direct one
    status       of the upstream's answer, 0 for none
    latency_ms   from the question to the end of the answer, a connection's making included
    message      why there was no answer
    skew_s       how far our clock is ahead of the upstream's; None when it does not say the time
    """

    proxy: str
    ok: bool
    status: int = 0
    latency_ms: int = 0
    message: str = ""
    skew_s: float | None = None


class Reach:
    """Tries ways out.

    provider   the upstream, asked anew each time: it is a setting
    proxies    those of the settings
    """

    def __init__(
        self,
        transport: Transport,
        *,
        provider: Callable[[], Provider],
        proxies: Callable[[], Sequence[str]],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._provider = provider
        self._proxies = proxies
        self._wall_s = wall_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def direct(self) -> WayOut:
        """The way without a proxy."""
        return await self._try(None)

    async def through(self, proxies: Sequence[str] | None = None) -> list[WayOut]:
        """The way through each of some proxies, or of the settings', in their order."""
        chosen = self._proxies() if proxies is None else proxies
        return list(await asyncio.gather(*(self._try(proxy) for proxy in chosen[:MOST_PROXIES])))

    async def _try(self, proxy: str | None) -> WayOut:
        shown = "" if proxy is None else masked_proxy(proxy)
        request = UpstreamRequest(
            "GET",
            self._provider().url("models", query="pageSize=1"),
            timeouts=Timeouts(_LIMIT_S, _LIMIT_S, _LIMIT_S, _LIMIT_S),
            proxy=proxy,
        )
        async with self._turns:
            began_s = time.perf_counter()
            try:
                response = await fetch(self._transport, request, _MAX_BYTES)
            except UpstreamCallFailed as error:
                return WayOut(shown, ok=False, message=error.failure.message)
            except ValueError:
                return WayOut(shown, ok=False, message="This is no address a request can be sent to.")
            latency_ms = round((time.perf_counter() - began_s) * 1000)
        return WayOut(
            shown, ok=True, status=response.status, latency_ms=latency_ms, skew_s=self._skew_s(response)
        )

    def _skew_s(self, response: Response) -> float | None:
        try:
            return self._wall_s() - parsedate_to_datetime(response.head.get("date") or "").timestamp()
        except (TypeError, ValueError):
            return None
