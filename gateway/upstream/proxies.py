"""Which proxy carries an attempt: rendezvous hashing keeps a key on its proxy over restarts and changes.

The choice is pure; `Egress` holds the list and the proxies that rest, with its clock and chance injected.
"""

import hashlib
from collections.abc import Callable, Container, Sequence

REST_S = 30.0
"""How long a proxy that did not carry an attempt is passed over."""


def rank(proxies: Sequence[str], key: str) -> list[str]:
    """The proxies in a key's own order: the first carries it, the second when the first cannot.

    Rendezvous (highest random weight) hashing: a proxy that leaves moves only its own keys, one that comes
    takes an even share. The same in every process and after every restart.
    """
    secret = b"\0" + key.encode("utf-8", "surrogateescape")
    return sorted(proxies, key=lambda proxy: hashlib.blake2b(proxy.encode() + secret).digest())


def masked_proxy(url: str) -> str:
    """A proxy's URL without its user and password, for logs and pages. Takes any string."""
    scheme, separator, rest = url.rpartition("://")
    _, at, where = rest.rpartition("@")
    if not at:
        return url
    return f"{scheme}{separator}***@{where.partition('?')[0]}"


class Egress:
    """Chooses the way out of an attempt.

    pinned   a key always takes the first of its own order that is not resting; else any at random
    """

    __slots__ = ("_clock_s", "_order", "_pinned", "_proxies", "_random", "_resting")

    def __init__(
        self,
        proxies: Sequence[str],
        *,
        pinned: bool,
        random: Callable[[], float],
        clock_s: Callable[[], float],
    ) -> None:
        self._proxies = tuple(dict.fromkeys(proxies))
        self._pinned = pinned
        self._random = random
        self._clock_s = clock_s
        self._resting: dict[str, float] = {}
        self._order: dict[str, list[str]] = {}

    def choose(self, key: str, avoid: Container[str]) -> str | None:
        """A proxy for a key, or None for a direct connection when no proxy is configured.

        avoid   proxies this call has already failed through; taken all the same when there are no others
        """
        if not self._proxies:
            return None
        if self._resting:
            self._wake()
        order = self._ranked(key) if self._pinned else self._shuffled()
        usable = [proxy for proxy in order if proxy not in avoid]
        for proxy in usable:
            if proxy not in self._resting:
                return proxy
        return usable[0] if usable else order[0]

    def failed(self, proxy: str) -> None:
        """The proxy did not carry an attempt: pass it over for a while."""
        if proxy in self._proxies:
            self._resting[proxy] = self._clock_s() + REST_S

    def _wake(self) -> None:
        now_s = self._clock_s()
        for proxy in [proxy for proxy, until_s in self._resting.items() if until_s <= now_s]:
            del self._resting[proxy]

    def _ranked(self, key: str) -> list[str]:
        order = self._order.get(key)
        if order is None:
            if len(self._order) >= 10_000:
                self._order.clear()  # only a memory of what can be worked out again
            order = self._order[key] = rank(self._proxies, key)
        return order

    def _shuffled(self) -> list[str]:
        start = int(self._random() * len(self._proxies))
        return [*self._proxies[start:], *self._proxies[:start]]
