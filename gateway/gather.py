"""One scrape for all workers: each tells its siblings its totals, and keeps them for when it is gone.

Over Unix sockets in a private folder that the parent makes (workers.py); asked only when somebody scrapes,
so counting costs what it costs in one process. With one worker nothing of this exists.

A worker writes down what it tells before it tells it, and once more when it stops. A worker that is dead or
does not answer in time is represented by that file, without its gauges; its successor starts from it. So a
counter never goes back, and a crash loses what was counted since the last scrape.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gateway.log import get_logger
from gateway.metrics.declared import WORKER_RESTARTS, WORKERS, WORKERS_SILENT
from gateway.metrics.exposition import write_text
from gateway.metrics.registry import NO_LABELS, Registry
from gateway.totals import Totals, add_up, lasting, read_back, write_down

log = get_logger("gateway.gather")
ANSWER_WITHIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands in the row of workers.

    number       from 0 to count - 1
    folder       private to the workers of one parent
    is_restart   it follows one that ended
    """

    number: int
    count: int
    folder: Path
    is_restart: bool = False

    def socket_of(self, number: int) -> Path:
        return self.folder / f"{number}.sock"

    def totals_of(self, number: int) -> Path:
        return self.folder / f"{number}.totals"


class Siblings:
    """The workers beside this one, as far as metrics go.

    `start` on the loop, `close` when the last call has been counted.
    """

    def __init__(self, place: Place, metrics: Registry, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._place = place
        self._metrics = metrics
        self._answer_within_s = answer_within_s
        self._others = [number for number in range(place.count) if number != place.number]
        self._before = self._kept(place.number)
        self._is_kept = True
        self._server: asyncio.Server | None = None
        watch_workers(metrics, place.count, is_restart=place.is_restart)

    async def start(self) -> None:
        """Answer the siblings from now on. A failure is logged only: calls are served all the same."""
        self._totals()
        try:
            self._server = await asyncio.get_running_loop().create_unix_server(
                lambda: _Answer(self), str(self._place.socket_of(self._place.number))
            )
        except OSError as error:
            log.warning("metrics_are_not_shared", reason=str(error))

    def close(self) -> None:
        """Leave the last totals behind and stop answering."""
        self._totals()
        if self._server is not None:
            self._server.close()
            with suppress(OSError):
                self._place.socket_of(self._place.number).unlink()

    async def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The text and media type that answer a scrape, summed over the workers.

        accept   the scraper's header of that name
        """
        answers = await asyncio.gather(*map(self._ask, self._others))
        totals, _ = self._totals()
        # From here on nobody else has these values: a thread adds up and writes thousands of lines.
        return await asyncio.to_thread(self._summed, totals, answers, accept)

    async def gauge(self, name: str) -> float:
        """A gauge without labels, read over the workers by its rule; the silent ones are left out."""
        answers = await asyncio.gather(*map(self._ask, self._others))
        totals, _ = self._totals()
        others = []
        for answer in answers:
            with suppress(ValueError):
                others.append(read_back(answer or b""))
        add_up(totals, others, self._metrics.over_workers)
        family = totals.get(name)
        return family.samples.get(name, 0.0) if family is not None else 0.0

    def answer(self) -> bytes:
        """What this worker tells a sibling."""
        return self._totals()[1]

    def _summed(self, totals: Totals, answers: list[bytes | None], accept: str) -> tuple[bytes, str]:
        silent = 0
        others: list[Totals] = []
        for number, answer in zip(self._others, answers, strict=True):
            try:
                others.append(read_back(answer or b""))
            except ValueError:  # none, or cut off by the sibling's end
                silent += 1
                others.append(self._kept(number))
        add_up(totals, others, self._metrics.over_workers)
        totals[WORKERS_SILENT.name] = WORKERS_SILENT.reading({NO_LABELS: float(silent)})
        return write_text(totals, accept)

    def _totals(self) -> tuple[Totals, bytes]:
        """This worker's totals with those of its predecessors, as they now stand in its file."""
        totals = self._metrics.totals()
        add_up(totals, [self._before], {})
        text = write_down(totals)
        self._keep(text)
        return totals, text

    def _keep(self, text: bytes) -> None:
        # Small, without fsync, and only at a scrape: the page cache takes it in well under a millisecond.
        file = self._place.totals_of(self._place.number)
        fresh = file.with_suffix(".new")
        try:
            fresh.write_bytes(text)
            fresh.replace(file)
        except OSError as error:
            if self._is_kept:
                log.warning("totals_are_not_kept", reason=str(error))
            self._is_kept = False
        else:
            self._is_kept = True

    def _kept(self, number: int) -> Totals:
        try:
            return lasting(read_back(self._place.totals_of(number).read_bytes()))
        except (OSError, ValueError):
            return {}

    async def _ask(self, number: int) -> bytes | None:
        """What a sibling tells, or None when it does not within the time."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(self._answer_within_s):
                reader, writer = await asyncio.open_unix_connection(str(self._place.socket_of(number)))
                return await reader.read()
        except OSError:  # not there, or too late
            return None
        finally:
            if writer is not None:
                writer.close()


def watch_workers(metrics: Registry, count: int, *, is_restart: bool = False) -> None:
    """Tell how many processes serve, and whether this one follows one that ended."""
    metrics.watch_number(WORKERS, lambda: count)
    metrics.watch_number(WORKERS_SILENT, lambda: 0)
    metrics.watch_number(WORKER_RESTARTS, lambda: is_restart)


class _Answer(asyncio.Protocol):
    """One question of a sibling: to connect is to ask."""

    def __init__(self, siblings: Siblings) -> None:
        self._siblings = siblings

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast("asyncio.Transport", transport)
        pipe.write(self._siblings.answer())
        pipe.close()
