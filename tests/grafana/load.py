"""Clients of every kind while the block lasts: two dialects, streams, several models and access tokens."""

import http.client
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import orjson

TOKENS = ("sk-alice-of-the-tests", "sk-bob-of-the-tests", "sk-carol-of-the-tests")
PLAIN, THINKING, OVERLOADED = "gemini-3.5-flash", "gemini-3.8-flash", "gemini-3-flash-preview"
PAINTER = "gemini-3.1-flash-image"
_HELLO = [{"role": "user", "content": "Hello, what can you tell me about rivers?"}]
_NATIVE: dict[str, object] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
_CLIENTS = 3
_PAUSE_S = 0.05

Request = tuple[str, dict[str, object]]


def requests() -> Sequence[Request]:
    """One round of what clients ask: paths and bodies."""
    return (
        ("/v1/chat/completions", {"model": PLAIN, "messages": _HELLO}),
        ("/v1/chat/completions", {"model": PLAIN, "messages": _HELLO, "stream": True}),
        ("/v1/chat/completions", {"model": THINKING, "messages": _HELLO, "stream": True}),
        ("/v1/chat/completions", {"model": OVERLOADED, "messages": _HELLO}),
        ("/v1/chat/completions", {"model": PAINTER, "messages": _HELLO}),
        ("/v1/embeddings", {"model": "gemini-embedding-001", "input": ["a", "b"]}),
        (f"/v1beta/models/{THINKING}:generateContent", _NATIVE),
        (f"/v1beta/models/{OVERLOADED}:streamGenerateContent?alt=sse", _NATIVE),
        (f"/v1beta/models/{PLAIN}:countTokens", _NATIVE),
        ("/v1/chat/completions", {"model": "gemini-9-nowhere", "messages": _HELLO}),
        ("/v1/chat/completions", {"model": PLAIN, "messages": "no list"}),
    )


@contextmanager
def clients(*urls: str) -> Iterator[None]:
    """Let clients call the gateways in turn until the block ends; every tenth has a wrong token."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=_keep_calling, args=(number, urls, stop), name=f"client-{number}")
        for number in range(_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _keep_calling(number: int, urls: Sequence[str], stop: threading.Event) -> None:
    """Endless rounds; clients start at different requests, and each gateway gets all of them in time."""
    asked = itertools.cycle(requests())
    for _ in range(number * 3):
        next(asked)
    for turn in itertools.count(number):
        token = "sk-unknown-to-all" if turn % 10 == 9 else TOKENS[turn % len(TOKENS)]
        _call(urls[turn % len(urls)], *next(asked), token)
        if stop.wait(_PAUSE_S):
            return


def _call(url: str, path: str, body: dict[str, object], token: str) -> None:
    """One call, read to its end, however it ends."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    try:
        connection.request("POST", path, orjson.dumps(body), headers)
        connection.getresponse().read()
    except (http.client.HTTPException, OSError):
        pass  # a stream that breaks is a part of the picture
    finally:
        connection.close()
