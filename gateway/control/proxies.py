"""Proxies for an operator: listed masked, added from whatever was pasted, removed, tried one by one.

They are a setting (PROXIES) and stay one: a change here is a change of it, checked and audited like any.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.control.pasting import Preview
from gateway.control.proxy_paste import read_proxies
from gateway.control.reach import MOST_PROXIES, Reach, WayOut
from gateway.control.results import Actor, Refused
from gateway.control.setting_desk import SettingDesk
from gateway.settings.live import LiveHolder
from gateway.upstream.proxies import masked_proxy

SETTING = "PROXIES"


@dataclass(frozen=True, slots=True)
class ProxyView:
    """One proxy. `id` stands for it in forms and gives nothing away; `shown` is masked."""

    id: str
    shown: str


class ProxyDesk:
    """Reads, changes and tries proxies. Raises StoreError when the database is away or refuses."""

    def __init__(self, settings: SettingDesk, reach: Reach, live: LiveHolder) -> None:
        self._settings = settings
        self._reach = reach
        self._live = live

    def all(self) -> tuple[ProxyView, ...]:
        """Every proxy in the order of the setting."""
        return tuple(ProxyView(_id(each), masked_proxy(each)) for each in self._there)

    def preview(self, text: str) -> Preview:
        """Say what adding a text would do."""
        pasted, there = read_proxies(text), set(self._there)
        known = tuple(masked_proxy(each) for each in pasted.proxies if each in there)
        fresh = len(pasted.proxies) - len(known)
        room = max(MOST_PROXIES - len(there), 0)
        return Preview(
            new=min(fresh, room),
            known=known,
            repeated=pasted.repeated,
            malformed=pasted.malformed,
            left_out=max(fresh - room, 0),
        )

    async def add(self, text: str, actor: Actor) -> int | Refused:
        """Add the proxies of a text behind those that are there; gives how many are new."""
        there = self._there
        fresh = [each for each in read_proxies(text).proxies if each not in set(there)]
        if not fresh:
            return Refused.because("text", "There is no new proxy in this text.")
        wanted = [*there, *fresh][: max(MOST_PROXIES, len(there))]
        if len(wanted) == len(there):
            return Refused.because("text", "There are %(most)s proxies already.", most=MOST_PROXIES)
        changed = await self._put(wanted, actor)
        return changed if isinstance(changed, Refused) else len(wanted) - len(there)

    async def remove(self, proxy_id: str, actor: Actor) -> bool | Refused:
        """Remove a proxy; False when there is none."""
        kept = [each for each in self._there if _id(each) != proxy_id]
        if len(kept) == len(self._there):
            return False
        changed = await self._put(kept, actor)
        return changed if isinstance(changed, Refused) else True

    async def check(self, proxy_id: str) -> WayOut | None:
        """Try the way through one proxy; None when there is none."""
        named = [each for each in self._there if _id(each) == proxy_id]
        return (await self._reach.through(named))[0] if named else None

    async def check_all(self) -> dict[str, WayOut]:
        """Try the way through every proxy, by its id."""
        there = self._there
        ways = await self._reach.through(there)
        return {_id(proxy): way for proxy, way in zip(there, ways, strict=False)}

    @property
    def _there(self) -> Sequence[str]:
        return self._live.current.proxies

    async def _put(self, wanted: Sequence[str], actor: Actor) -> tuple[str, ...] | Refused:
        return await self._settings.change({SETTING: list(wanted)}, actor)


def _id(proxy: str) -> str:
    return hashlib.sha256(proxy.encode()).hexdigest()[:16]
