"""What clients and upstreams send, as text columns take it: no NUL, no half characters, bounded."""

from functools import lru_cache

MAX_BODY_BYTES = 60_000
"""MySQL's TEXT holds 64 KiB; of a longer body the beginning is kept."""


def as_name(text: str, length: int) -> str:
    """A client's text as a column takes it: lone surrogates and NULs are no text."""
    if len(text) > length:
        text = text[:length]
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "?")


Labels = tuple[str, str, str, str]
"""What a call is counted by: its dialect, operation, model and outcome, as columns take them."""


@lru_cache(maxsize=1_000)
def as_labels(dialect: str, operation: str, model: str, outcome: str) -> Labels:
    """A call's labels; the same few come again and again."""
    return dialect[:20], as_name(operation, 40), as_name(model, 256), outcome[:20]


def as_text(body: bytes | None) -> str | None:
    if body is None:
        return None
    # Both databases would keep a NUL, but many programs that read them stop at one.
    text = body[:MAX_BODY_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
    # A replaced byte takes three, and MySQL's TEXT is bounded in bytes.
    return text if text.isascii() else text.encode()[:MAX_BODY_BYTES].decode("utf-8", "ignore")
