"""The bounds of the HTTP front, one frozen value for every connection of it.

What happens at each bound is said beside it. The front reads them; nothing here acts.
Built by app/lifecycle from settings, by tests as they like.
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long the front bears with a client.

    max_head_bytes           request line and header lines together; above it 431, or 414
    max_header_count         header lines; above it 431
    max_body_bytes           body without its chunking; above it 413. Tornado handlers may change it
    chunk_overhead_bytes     what chunk sizes, extensions and trailers may cost on top of
    chunk_overhead_factor    times the body; above it 400
    head_timeout_s           from a request's first byte to the end of its head: 408. A connection that sends
                             nothing at all is closed without an answer
    body_timeout_s           between two pieces of a body: 408, or the cut of an answer already begun
    idle_timeout_s           a kept-alive connection between requests: closed
    write_stall_timeout_s    a client that reads nothing of what is unsent: cut
    linger_s                 how long input is thrown away after an answer that closes the connection
    write_high_bytes         unsent bytes above which writers wait; they go on below a quarter of it
    max_connections          open connections; one more is answered 503 and closed
    """

    max_head_bytes: int = 64 * KIB
    max_header_count: int = 200
    max_body_bytes: int = 100 * MIB
    chunk_overhead_bytes: int = 64 * KIB
    chunk_overhead_factor: int = 8
    head_timeout_s: float = 30.0
    body_timeout_s: float = 60.0
    idle_timeout_s: float = 120.0
    write_stall_timeout_s: float = 60.0
    linger_s: float = 2.0
    write_high_bytes: int = 64 * KIB
    max_connections: int = 20_000
