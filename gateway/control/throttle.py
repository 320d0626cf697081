"""How often somebody may guess the administrator's token: freely a few times, then ever more slowly.

Pure: time is an argument. Used by the admin's sign-in; each process counts for itself.
"""

import ipaddress
from dataclasses import dataclass

FREE_GUESSES = 5
FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 15 * 60.0
FORGOTTEN_AFTER_S = 60 * 60.0
_MAX_GUESSERS = 10_000


@dataclass(slots=True)
class _Guesser:
    wrong: int
    last_s: float

    def until_s(self, free: int) -> float:
        """When the next guess may be made."""
        if self.wrong < free:
            return 0.0
        # Beyond a few doublings the longest wait is reached; the bound keeps the number small.
        doublings = min(self.wrong - free, 16)
        return self.last_s + min(FIRST_WAIT_S * 2.0**doublings, LONGEST_WAIT_S)


class Throttle:
    """Counts wrong guesses by where they come from. Bounded: whoever guessed longest ago is forgotten first.

    free   wrong guesses that cost no wait
    """

    __slots__ = ("_free", "_guessers")

    def __init__(self, free: int = FREE_GUESSES) -> None:
        self._free = free
        self._guessers: dict[str, _Guesser] = {}  # in the order of their last guess

    def wait_s(self, peer: str, now_s: float) -> float:
        """How long a peer must wait before a guess of its is looked at; 0 for not at all."""
        guesser = self._guessers.get(_network(peer))
        if guesser is None or now_s - guesser.last_s > FORGOTTEN_AFTER_S:
            return 0.0
        return max(guesser.until_s(self._free) - now_s, 0.0)

    def was_wrong(self, peer: str, now_s: float) -> None:
        """Count a wrong guess."""
        network = _network(peer)
        guesser = self._guessers.pop(network, None)
        if guesser is None or now_s - guesser.last_s > FORGOTTEN_AFTER_S:
            guesser = _Guesser(0, now_s)
        guesser.wrong += 1
        guesser.last_s = now_s
        self._guessers[network] = guesser
        if len(self._guessers) > _MAX_GUESSERS:
            del self._guessers[next(iter(self._guessers))]

    def was_right(self, peer: str) -> None:
        """Forget a peer's wrong guesses."""
        self._guessers.pop(_network(peer), None)

    def __len__(self) -> int:
        return len(self._guessers)


def _network(peer: str) -> str:
    """Who guesses: an IPv4 address, or the /64 of an IPv6 one, since whoever has one of it has all."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
