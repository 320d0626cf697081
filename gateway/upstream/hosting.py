"""Puts pictures on an image host and gives their addresses; a host that fails is no failure of the call.

Which host, and how it is spoken to: gateway/protocols/image_hosts. Called by the relay's stage and by the
planners of pictures, through `Services.host`.
"""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gateway.log import get_logger
from gateway.protocols.image_hosts.uploads import ImageHost, Picture, UploadRefused
from gateway.protocols.media import Media
from gateway.upstream.fetch import UpstreamCallFailed, fetch
from gateway.upstream.transport import FailureCause, Timeouts, Transport, UpstreamRequest

log = get_logger("gateway.hosting")

REST_S = 30.0
"""How long a host that did not answer in time is left alone: each of its pictures would hold up a reply."""
_TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=20.0, idle_s=10.0, total_s=30.0)
_ANSWER_BYTES = 1024 * 1024
_AT_ONCE = 8
_SLOW = frozenset(
    {
        FailureCause.TIMEOUT_CONNECT,
        FailureCause.TIMEOUT_FIRST_BYTE,
        FailureCause.TIMEOUT_IDLE,
        FailureCause.TIMEOUT_TOTAL,
    }
)


class Hosting:
    """The host of pictures that the settings name, if any. Call it with a picture.

    choose_proxy   the proxy for a host's name, None for a direct connection
    wall_s         epoch seconds
    new_id         a fresh random token
    host           set by `use`; None puts nothing anywhere
    counts         pictures by what became of them: stored, refused, failed, skipped
    """

    def __init__(
        self,
        transport: Transport,
        *,
        choose_proxy: Callable[[str], str | None],
        wall_s: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self.host: ImageHost | None = None
        self.counts: Counter[str] = Counter()
        self._transport = transport
        self._choose_proxy = choose_proxy
        self._wall_s = wall_s
        self._new_id = new_id
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._trouble = ""
        self._rests_until_s = 0.0

    def use(self, host: ImageHost | None) -> None:
        """Put pictures there from now on."""
        if host != self.host:
            self.host = host
            self._trouble = ""
            self._rests_until_s = 0.0

    async def __call__(self, media: Media) -> str | None:
        """The address at which everybody sees the picture; None when it has none: show it inline then."""
        host = self.host
        if host is None:
            return None
        if self._wall_s() < self._rests_until_s:
            self.counts["skipped"] += 1
            return None
        try:
            content = base64.b64decode(media.data)
        except binascii.Error:
            return None
        async with self._turns:
            return await self._put(host, media.mime_type, content)

    async def _put(self, host: ImageHost, mime_type: str, content: bytes) -> str | None:
        now = datetime.fromtimestamp(self._wall_s(), UTC)
        picture = Picture(f"{now:%Y/%m/%d}/{self._new_id()}", mime_type, content)
        upload = host.upload(picture, now)
        request = UpstreamRequest(
            method=upload.method,
            url=upload.url,
            headers=(*upload.headers, ("user-agent", "gemini-balance-gateway"), ("accept", "*/*")),
            body=upload.body,
            timeouts=_TIMEOUTS,
            proxy=self._choose_proxy(urlsplit(upload.url).hostname or ""),
        )
        try:
            response = await fetch(self._transport, request, _ANSWER_BYTES)
            address = host.address(picture, response.status, response.body)
        except UploadRefused as refusal:
            self._note(host, "refused", str(refusal))
        except UpstreamCallFailed as failed:
            if failed.failure.cause in _SLOW:
                self._rests_until_s = self._wall_s() + REST_S
            self._note(host, "failed", failed.failure.message)
        except ValueError as error:
            self._note(host, "failed", str(error))
        else:
            self._note(host, "stored", "")
            return address
        return None

    def _note(self, host: ImageHost, outcome: str, trouble: str) -> None:
        """Count it, and tell the operator once when a trouble begins, changes or is over."""
        self.counts[outcome] += 1
        for secret in filter(None, host.secrets):
            trouble = trouble.replace(secret, "***")
        if trouble == self._trouble or host != self.host:
            return
        self._trouble = trouble
        if trouble:
            log.warning("image_host_fails", host=host.name, reason=trouble, effect="pictures stay inline")
        else:
            log.info("image_host_works_again", host=host.name)
