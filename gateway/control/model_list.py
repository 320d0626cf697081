"""The upstream's list of models, kept in memory: for clients, for the admin's pickers, for names in requests.

Asked by a call like any client's, so it moves to another key when one fails. A list that has aged is given
as it is while a new one is fetched; the last one stays when the upstream is away.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.control.jobs import cancelled
from gateway.log import get_logger
from gateway.pool.key import GEMINI
from gateway.protocols.error_bodies import Problem, gemini_error, gemini_error_event
from gateway.protocols.models import next_page_token, read_models
from gateway.protocols.shapes import JsonObject
from gateway.relay.call import Ticket
from gateway.relay.engine import Engine
from gateway.relay.inner import CallFailed, reply_of
from gateway.relay.plan import Framing, Plan

log = get_logger("gateway.models")
FRESH_S = 600.0
RETRY_S = 30.0
"""How long after a refresh that failed the next one is tried, while there is a list."""
MOST_PAGES = 20
NO_NAMES: frozenset[str] = frozenset()
_PAGE_SIZE = 1000  # the largest Google gives
_UNKNOWN = Problem(502, "The list of models could not be read.", "upstream_error")


@dataclass(frozen=True, slots=True)
class ModelListing:
    """One reading of the list.

    models   Gemini's own entries in its order, each name once; not to be changed
    names    their bare names
    read_s   the loop's time
    """

    models: tuple[JsonObject, ...]
    names: frozenset[str]
    read_s: float


class ModelList:
    """The list of one gateway; a process keeps its own.

    names   the bare names known now, the same object until it is read anew; empty before it was first read
    """

    def __init__(self, engine: Engine, new_id: Callable[[], str]) -> None:
        self._engine = engine
        self._new_id = new_id
        self._listing: ModelListing | None = None
        self.names = NO_NAMES
        self._problem = _UNKNOWN
        self._not_before_s = 0.0
        self._refreshing: asyncio.Task[None] | None = None

    async def current(self) -> ModelListing:
        """The list, at most a little old. Waits only while there is none; raises CallFailed then."""
        self.refresh_soon()
        if self._listing is None:
            # Somebody waits for it: read it, even if that failed just now.
            reading = self._refreshing or self._begin()
            await asyncio.wait((reading,))  # a client that leaves does not end it for the others
        if self._listing is None:
            raise CallFailed(self._problem)
        return self._listing

    def refresh_soon(self) -> None:
        """Have the list read anew unless it is fresh, is being read, or could not be read just now."""
        now_s = self._engine.loop.time()
        is_fresh = self._listing is not None and now_s < self._listing.read_s + FRESH_S
        if self._refreshing is None and not is_fresh and now_s >= self._not_before_s:
            self._begin()

    def _begin(self) -> asyncio.Task[None]:
        self._refreshing = self._engine.loop.create_task(self._refresh(), name="refresh-models")
        return self._refreshing

    def forget(self) -> None:
        """Let go of the list, and of what is being read: it is another upstream's."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._listing = self._refreshing = None
        self.names = NO_NAMES
        self._not_before_s = 0.0

    async def stop(self) -> None:
        """End what runs."""
        await cancelled(self._refreshing)

    async def _refresh(self) -> None:
        try:
            models = await self._read()
        except CallFailed as failed:
            self._problem = failed.problem
            self._not_before_s = self._engine.loop.time() + RETRY_S
            log.info("models_not_read", reason=failed.problem.message, kept=self._listing is not None)
        except Exception:  # nobody awaits this task when there is a list
            self._problem = _UNKNOWN
            log.exception("models_not_read")
        else:
            self.names = frozenset(model["name"].removeprefix("models/") for model in models)
            self._listing = ModelListing(models, self.names, self._engine.loop.time())
        finally:
            if self._refreshing is asyncio.current_task():  # not forgotten meanwhile
                self._refreshing = None

    async def _read(self) -> tuple[JsonObject, ...]:
        pages: list[JsonObject] = []
        token = ""
        for _ in range(MOST_PAGES):
            query = f"pageSize={_PAGE_SIZE}" + (f"&pageToken={token}" if token else "")
            pages.append(await reply_of(self._engine, listing_plan(query), self._ticket()))
            token = next_page_token(pages[-1])
            if not token:
                break
        return read_models(pages)

    def _ticket(self) -> Ticket:
        return Ticket(self._new_id(), None, (), request_bytes=0, started_s=self._engine.loop.time())


def listing_plan(query: str, *, provider: str = GEMINI) -> Plan:
    """The plan of a page of a provider's model list."""
    return Plan(
        dialect="gemini",
        operation="models",
        model="",
        method="GET",
        resource="models",
        query=query,
        framing=Framing.WHOLE,
        error_body=gemini_error,
        error_tail=gemini_error_event,
        generates=False,
        provider=provider,
    )
