"""Responses that clients go on from: kept when they are told, found by their ids, forgotten in time.

Memory holds one only until the database has it. What is another token's looks as if it did not exist.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeGuard, TypeVar

import orjson

from gateway.errors import BadRequest, StoreError
from gateway.log import get_logger
from gateway.protocols.response_ids import RESPONSE, input_item_id, response_of_item
from gateway.protocols.shapes import JsonObject
from gateway.settings.live import LiveHolder
from gateway.store.records import KeptResponse, ResponseLink
from gateway.store.responses import ID_CHARS
from gateway.store.store import Store

log = get_logger("gateway.responses")
PRUNED_EVERY_S = 60.0
MOST_BYTES = 8 * 1024 * 1024
"""JSON of a response with its input. Packed and encrypted it still fits into what MySQL takes at once."""
MOST_WAITING_BYTES = 32 * 1024 * 1024
MOST_RESPONSES = 500
MOST_BYTES_TOGETHER = 32 * 1024 * 1024
"""Of a conversation, or of the responses whose items a request points at."""
_LOOK_UP_S = 2.0
_PATIENCE_S = (0.05, 0.15, 0.3, 0.5)
"""The pauses before a miss is asked again: another process may be writing it down just now."""
_AT_ONCE = 50
_PRUNED_AT_ONCE = 200
_PAUSE_S = 0.05
_DAY_MS = 86_400_000
_MB = 1_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A Response object as the client got it, and the input items of its request."""

    response: JsonObject = field(repr=False)
    input: list[JsonObject] = field(repr=False)


class KeptResponses:
    """Keeps responses as RESPONSES_KEPT_DAYS and RESPONSES_KEPT_MB say.

    A token finds its own ones, or those of all when FILES_USER_ISOLATION_ENABLED is off; the administrator's
    (token_id None) finds all.

    counts   responses by what became of them: kept, too_large, unfit (no id of ours, no JSON), or lost,
             because the database was away or too slow
    """

    def __init__(
        self,
        store: Store,
        live: LiveHolder,
        *,
        wall_s: Callable[[], float] = time.time,
        patience_s: Sequence[float] = _PATIENCE_S,
    ) -> None:
        self._store = store
        self._live = live
        self._wall_s = wall_s
        self._patience_s = patience_s
        self._waiting: dict[str, KeptResponse] = {}
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()

    def keep(self, response: JsonObject, input_items: list[JsonObject], token_id: int | None) -> None:
        """Have a response written down soon; it is found from now on. Never raises; on the running loop.

        One with the id of another is not kept, nor is one whose JSON is larger than MOST_BYTES.
        """
        if not self._live.current.responses_kept_days:
            return
        response_id, previous_id = response.get("id"), response.get("previous_response_id")
        if not _is_id(response_id) or not (previous_id is None or _is_id(previous_id)):
            self._pass_over("unfit", "its id, or that of the one before, is not ours")
            return
        if response_id in self._waiting:
            return
        try:
            body = orjson.dumps({"response": response, "input": input_items})
        except TypeError:
            self._pass_over("unfit", "it is no JSON")
            return
        if len(body) > MOST_BYTES:
            self._pass_over("too_large", f"its JSON has {len(body)} bytes")
            return
        if self._waiting_bytes + len(body) > MOST_WAITING_BYTES:
            self._pass_over("lost", "the database is too slow")
            return
        link = ResponseLink(response_id, previous_id, token_id, int(self._wall_s() * 1000), len(body))
        self._waiting[response_id] = KeptResponse(link, body)
        self._waiting_bytes += len(body)
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())

    async def find(self, response_id: str, token_id: int | None) -> Kept | None:
        """A response; None for one that is not there. Raises BadRequest when the database is away."""
        return (await self._named([response_id], token_id)).get(response_id)

    async def conversation(self, response_id: str, token_id: int | None) -> list[JsonObject] | None:
        """The items of a response and of all before it, the oldest first: of each its input, then its output.

        None when one of them is not there. Raises BadRequest for a conversation that is too long, and when
        the database is away.
        """
        waiting: list[KeptResponse] = []
        wanted: str | None = response_id
        while wanted in self._waiting and len(waiting) < MOST_RESPONSES:
            waiting.append(self._waiting[wanted])
            wanted = waiting[-1].link.previous_id
        links = [] if wanted is None else await self._chain(wanted)
        chain = [*(each.link for each in waiting), *links]
        is_whole = bool(chain) and chain[-1].previous_id is None
        if len(chain) >= MOST_RESPONSES and not is_whole:
            raise _too_much()
        if not is_whole or not all(self._may_see(link, token_id) for link in chain):
            return None
        kept = {each.link.id: _opened(each.body) for each in waiting}
        kept |= await self._bodies(links)
        if len(kept) < len(chain):
            return None  # one was deleted just now
        turns = [kept[link.id] for link in reversed(chain)]
        return [item for turn in turns for item in (*turn.input, *_output(turn))]

    async def items(self, ids: Sequence[str], token_id: int | None) -> dict[str, JsonObject]:
        """Those of the input and output items named that are there, by id.

        Raises BadRequest when they stand in too many responses, and when the database is away.
        """
        owners = {item_id: owner for item_id in ids if (owner := response_of_item(item_id)) is not None}
        kept = await self._named(list(dict.fromkeys(owners.values())), token_id)
        found: dict[str, JsonObject] = {}
        for item_id, owner in owners.items():
            if owner in kept and (item := _item(kept[owner], owner, item_id)) is not None:
                found[item_id] = item
        return found

    async def remove(self, response_id: str, token_id: int | None) -> bool:
        """Forget a response; False when it is not there. Raises BadRequest when the database is away."""
        links = await self._links([response_id])
        if not any(self._may_see(link, token_id) for link in links):
            return False
        self._let_go(response_id)
        try:
            await self._store.write(lambda: self._store.responses.remove([response_id]))
        except StoreError:
            raise _away() from None
        return True

    async def prune(self) -> int:
        """Forget what is too old, and the oldest of what is too much; gives how many. Raises StoreError."""
        settings, responses = self._live.current, self._store.responses
        before_ms = int(self._wall_s() * 1000) - settings.responses_kept_days * _DAY_MS + 1
        total = 0
        while old := await self._store.read(lambda: responses.oldest(_PRUNED_AT_ONCE, before_ms=before_ms)):
            total += await self._forget(response_id for response_id, _ in old)
        too_much = await self._store.read(responses.total_bytes) - settings.responses_kept_mb * _MB
        while too_much > 0 and (old := await self._store.read(lambda: responses.oldest(_PRUNED_AT_ONCE))):
            gone: list[str] = []
            for response_id, packed_bytes in old:
                if too_much > 0:
                    gone.append(response_id)
                    too_much -= packed_bytes
            total += await self._forget(gone)
        if total:
            log.info("pruned", what="responses", count=total)
        return total

    async def stop(self) -> None:
        """Wait until what was kept is written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """Write what waits, what came meanwhile together: one at a time would cost a transaction each."""
        try:
            while self._waiting:
                rows = list(self._waiting.values())[:_AT_ONCE]
                try:
                    await self._store.write(partial(self._store.responses.put, rows))
                except StoreError as error:
                    self._pass_over("lost", str(error), count=len(rows))
                else:
                    self.counts["kept"] += len(rows)
                finally:
                    for row in rows:
                        self._let_go(row.link.id)
        finally:
            self._writing = None

    def _let_go(self, response_id: str) -> None:
        if (row := self._waiting.pop(response_id, None)) is not None:
            self._waiting_bytes -= len(row.body)

    def _pass_over(self, outcome: str, reason: str, *, count: int = 1) -> None:
        self.counts[outcome] += count
        log.debug("response_not_kept", count=count, reason=reason)

    async def _named(self, ids: Sequence[str], token_id: int | None) -> dict[str, Kept]:
        """Those of the responses named that are there and may be seen."""
        if len(ids) > MOST_RESPONSES:
            raise _too_much()
        links = [link for link in await self._links(ids) if self._may_see(link, token_id)]
        waiting = [row for link in links if (row := self._waiting.get(link.id)) is not None]
        kept = {row.link.id: _opened(row.body) for row in waiting}
        return kept | await self._bodies([link for link in links if link.id not in kept])

    async def _links(self, ids: Sequence[str]) -> list[ResponseLink]:
        """Those of the responses named that there are, whoever's."""
        found = [row.link for each in ids if (row := self._waiting.get(each)) is not None]
        known = {link.id for link in found}
        asked = [each for each in ids if each not in known and self._may_be_there(each)]
        if not asked:
            return found
        responses = self._store.responses
        return found + await self._patiently(
            lambda: responses.links(asked), lambda links: len(links) == len(asked)
        )

    async def _chain(self, response_id: str) -> list[ResponseLink]:
        """A response of the database and those before it, the newest first, to the first or to a gap."""
        if not self._may_be_there(response_id):
            return []
        responses = self._store.responses
        return await self._patiently(
            lambda: responses.chain(response_id, MOST_RESPONSES),
            lambda links: bool(links) and (links[-1].previous_id is None or len(links) >= MOST_RESPONSES),
        )

    async def _patiently(self, query: Callable[[], T], is_all: Callable[[T], bool]) -> T:
        found = await self._read(query)
        for pause_s in self._patience_s:
            if is_all(found):
                break
            await asyncio.sleep(pause_s)
            found = await self._read(query)
        return found

    async def _bodies(self, links: Sequence[ResponseLink]) -> dict[str, Kept]:
        """Read responses whole, a bounded amount of them."""
        if not links:
            return {}
        if sum(link.body_bytes for link in links) > MOST_BYTES_TOGETHER:
            raise _too_much()
        ids = [link.id for link in links]
        bodies = self._store.responses.bodies
        return await self._read(lambda: {each: _opened(body) for each, body in bodies(ids)})

    async def _read(self, query: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                return await self._store.read(query)
        except (StoreError, TimeoutError) as error:
            log.warning("response_not_looked_up", reason=str(error) or "the database is slow")
            raise _away() from None

    async def _forget(self, ids: Iterable[str]) -> int:
        gone = list(ids)
        removed = await self._store.write(lambda: self._store.responses.remove(gone))
        await asyncio.sleep(_PAUSE_S)  # calls are written between two batches
        return removed

    def _may_be_there(self, response_id: str) -> bool:
        """Whether the database is worth a question."""
        return self._live.current.responses_kept_days > 0 and _is_id(response_id)

    def _may_see(self, link: ResponseLink, token_id: int | None) -> bool:
        """Whether a response has not expired and is this token's."""
        settings = self._live.current
        if link.created_at_ms <= self._wall_s() * 1000 - settings.responses_kept_days * _DAY_MS:
            return False
        return token_id is None or link.token_id == token_id or not settings.files_user_isolation_enabled


def _is_id(response_id: object) -> TypeGuard[str]:
    """Whether something can be the id of a kept response: begun as ours are, and the column's length."""
    return (
        isinstance(response_id, str)
        and response_id.startswith(RESPONSE)
        and len(response_id) <= ID_CHARS
        and response_id.isascii()
    )


def _opened(body: bytes) -> Kept:
    held = orjson.loads(body)
    return Kept(held["response"], held["input"])


def _output(kept: Kept) -> list[JsonObject]:
    output: list[JsonObject] = kept.response.get("output") or []
    return output


def _item(kept: Kept, response_id: str, item_id: str) -> JsonObject | None:
    """The item of this id; an input item that came without one is known by its place."""
    for item in (*_output(kept), *kept.input):
        if item.get("id") == item_id:
            return item
    prefix = item_id.partition("_")[0]
    for n, item in enumerate(kept.input):
        if not item.get("id") and input_item_id(prefix, response_id, n) == item_id:
            return {**item, "id": item_id}
    return None


def _away() -> BadRequest:
    return BadRequest("Kept responses cannot be read now: the gateway's database is away.", status=503)


def _too_much() -> BadRequest:
    return BadRequest(
        f"What this request goes on from or points at is more than {MOST_RESPONSES} responses or "
        f"{MOST_BYTES_TOGETHER // 2**20} MiB. Begin anew, with a summary of it as the input."
    )
