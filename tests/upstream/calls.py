"""Short ways to send a request and wait, for tests that are about what comes back."""

from gateway.upstream.curl import CurlTransport
from gateway.upstream.transport import TransportFailure, UpstreamRequest
from tests.upstream.sinks import RecordingSink


def as_request(request: UpstreamRequest | str) -> UpstreamRequest:
    return UpstreamRequest("GET", request) if isinstance(request, str) else request


async def call(transport: CurlTransport, request: UpstreamRequest | str) -> RecordingSink:
    """A whole answer, whatever its status; a URL alone is a GET."""
    sink = RecordingSink()
    transport.submit(as_request(request), sink)
    return await sink.ended()


async def failing_call(transport: CurlTransport, request: UpstreamRequest | str) -> TransportFailure:
    """The failure of a call that must fail."""
    sink = RecordingSink()
    transport.submit(as_request(request), sink)
    return await sink.failed()
