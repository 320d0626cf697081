"""One scrape for several workers: what is summed, what is not, and what stays when a worker is gone.

Siblings of one process here, each with metrics of its own; real processes are in test_workers.py.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.gather import Place, Siblings
from gateway.metrics.metric import Kind, Metric
from gateway.metrics.metrics import Metrics
from gateway.totals import Family, Over, Totals, add_up, lasting, read_back, sample_of, write_down
from tests.metrics.samples import CALL

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
REFUSED = ("gateway_refused_requests_total", (("dialect", "openai"), ("status", "401")))


class Worker:
    """Metrics with a place among others."""

    def __init__(self, place: Place, *, streams_open: float = 0.0, keys: float = 3.0) -> None:
        self.metrics = Metrics()
        watch = self.metrics.watch_number
        watch(Metric("streams_open", Kind.GAUGE, "A sum."), lambda: streams_open)
        watch(Metric("keys", Kind.GAUGE, "Shared.", over=Over.OWN), lambda: keys)
        watch(Metric("wait_s", Kind.GAUGE, "The worst.", over=Over.MAX), lambda: place.number)
        watch(Metric("since_s", Kind.GAUGE, "The first.", over=Over.MIN), lambda: place.number)
        self.siblings = Siblings(place, self.metrics, answer_within_s=0.1)

    def refuse(self, times: int) -> None:
        for _ in range(times):
            self.metrics.refused_request("openai", 401)

    def call(self, attempts: int, *, operation: str = "chat") -> None:
        record = replace(CALL, operation=operation, attempts=CALL.attempts * attempts)
        self.metrics.call_over(record, provider="gemini", token="alice", own_s=0.0004)

    async def scrape(self) -> Samples:
        text, media_type = await self.siblings.exposition()
        assert media_type.startswith("text/plain")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }


StartWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start_worker(tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Start a worker: `await start_worker(0, streams_open=2)`. There is room for two."""
    async with AsyncExitStack() as stack:

        async def start(number: int, *, is_restart: bool = False, **readings: float) -> Worker:
            worker = Worker(Place(number, 2, tmp_path, is_restart), **readings)
            await worker.siblings.start()
            stack.callback(worker.siblings.close)
            return worker

        yield start


@asynccontextmanager
async def mute_sibling(path: Path) -> AsyncIterator[None]:
    """Take questions at a sibling's socket and never answer, as a worker whose loop is stuck."""
    over = asyncio.Event()

    async def keep_waiting(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_unix_server(keep_waiting, path)
    try:
        yield
    finally:
        over.set()
        server.close()


async def test_whichever_worker_is_asked_tells_the_sum(start_worker: StartWorker) -> None:
    first, second = await start_worker(0, streams_open=2), await start_worker(1, streams_open=5)
    first.refuse(3)
    second.refuse(4)

    for asked in (first, second):
        samples = await asked.scrape()
        assert samples[REFUSED] == 7
        assert samples["streams_open", ()] == 7
        assert samples["gateway_workers", ()] == 2
        assert samples["gateway_workers_silent", ()] == 0


async def test_histograms_add_up_bucket_by_bucket(start_worker: StartWorker) -> None:
    first, second = await start_worker(0), await start_worker(1)
    first.call(1)
    second.call(2)
    second.call(1, operation="embed")

    samples = await first.scrape()

    def bucket(operation: str, bound: str) -> float:
        return samples["gateway_attempts_per_call_bucket", (("le", bound), ("operation", operation))]

    assert [bucket("chat", bound) for bound in ("1.0", "2.0", "+Inf")] == [1, 2, 2]
    assert bucket("embed", "+Inf") == 1
    assert samples["gateway_attempts_per_call_sum", (("operation", "chat"),)] == 3
    assert samples["gateway_attempts_per_call_count", (("operation", "chat"),)] == 2


async def test_a_shared_fact_is_not_multiplied(start_worker: StartWorker) -> None:
    first, second = await start_worker(0, keys=3), await start_worker(1, keys=2)

    assert (await first.scrape())["keys", ()] == 3
    assert (await second.scrape())["keys", ()] == 2
    version = [value for (name, _), value in (await first.scrape()).items() if name == "gateway_build_info"]
    assert version == [1]


async def test_the_largest_or_smallest_is_told_where_that_is_the_rule(
    start_worker: StartWorker,
) -> None:
    first, second = await start_worker(0), await start_worker(1)

    for asked in (first, second):
        samples = await asked.scrape()
        assert samples["wait_s", ()] == 1
        assert samples["since_s", ()] == 0


async def test_a_scrape_names_each_metric_once(start_worker: StartWorker) -> None:
    first, second = await start_worker(0), await start_worker(1)
    first.refuse(1)
    second.refuse(1)
    second.metrics.attempts_over("gemini-3.5-flash", None, 1)

    text, _ = await first.siblings.exposition()

    types = [line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert text.endswith(b"\n")


async def test_a_worker_that_does_not_answer_is_counted_and_does_not_hold_the_scrape_up(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    first = await start_worker(0)
    first.refuse(3)

    async with mute_sibling(tmp_path / "1.sock"):
        began_s = asyncio.get_running_loop().time()
        samples = await first.scrape()
        took_s = asyncio.get_running_loop().time() - began_s

    assert samples["gateway_workers_silent", ()] == 1
    assert samples["gateway_workers", ()] == 2
    assert samples[REFUSED] == 3
    assert took_s < 2


async def test_what_a_stopped_worker_counted_stays_and_what_it_held_goes(start_worker: StartWorker) -> None:
    first, second = await start_worker(0, streams_open=2), await start_worker(1, streams_open=5)
    first.refuse(3)
    second.refuse(4)

    second.siblings.close()

    samples = await first.scrape()
    assert samples[REFUSED] == 7, "counted after the last scrape, handed over at the stop"
    assert samples["streams_open", ()] == 2
    assert samples["gateway_workers_silent", ()] == 1


async def test_a_counter_does_not_go_back_when_a_worker_crashes(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    first, second = await start_worker(0), await start_worker(1)
    second.refuse(4)
    shown = (await first.scrape())[REFUSED]
    second.refuse(1)  # nobody ever saw this one
    (tmp_path / "1.sock").unlink()  # it answers no more, and had no time to say goodbye

    assert shown == 4
    assert (await first.scrape())[REFUSED] == 4

    successor = await start_worker(1, is_restart=True)
    successor.refuse(2)
    for asked in (first, successor):
        samples = await asked.scrape()
        assert samples[REFUSED] == 6
        assert samples["gateway_worker_restarts_total", ()] == 1
        assert samples["gateway_workers_silent", ()] == 0


async def test_totals_outlive_any_number_of_crashes(start_worker: StartWorker, tmp_path: Path) -> None:
    first = await start_worker(0)
    for number in range(3):
        worker = await start_worker(1, is_restart=number > 0)
        worker.refuse(2)
        await first.scrape()
        (tmp_path / "1.sock").unlink()

    samples = await first.scrape()

    assert samples[REFUSED] == 6
    assert samples["gateway_worker_restarts_total", ()] == 2
    assert _files(tmp_path) == {"0.totals", "1.totals", "0.sock"}, "one file a place, however often filled"


async def test_a_file_that_is_cut_off_counts_nothing(start_worker: StartWorker, tmp_path: Path) -> None:
    (tmp_path / "1.totals").write_bytes(b'[["gateway_refused')
    first = await start_worker(0)
    first.refuse(1)

    assert (await first.scrape())[REFUSED] == 1


async def test_a_folder_that_is_gone_takes_the_siblings_away_but_not_the_scrape(tmp_path: Path) -> None:
    worker = Worker(Place(0, 2, tmp_path / "never made"))
    await worker.siblings.start()
    worker.refuse(1)

    samples = await worker.scrape()

    assert samples[REFUSED] == 1
    assert samples["gateway_workers_silent", ()] == 1
    worker.siblings.close()


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def totals(value: float, *, kind: str = "counter") -> Totals:
    return {"n": Family("n", kind, "Words.", {sample_of("n_total", [("a", 'x"\n')]): value})}


def test_totals_are_read_back_as_they_were_written() -> None:
    assert read_back(write_down(totals(1.5))) == totals(1.5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_left_out(value: float) -> None:
    assert read_back(write_down(totals(value)))["n"].samples == {}


def test_only_what_has_happened_lasts() -> None:
    assert [lasting(totals(1, kind=kind)) != {} for kind in ("counter", "histogram", "gauge")] == [
        True,
        True,
        False,
    ]


def test_adding_up_leaves_what_is_added_as_it_was() -> None:
    into: Totals = {}
    part = totals(1)

    add_up(into, [part, part], {})

    assert into == totals(2)
    assert part == totals(1)


async def test_one_gauge_is_read_over_the_workers_by_its_rule(start_worker: StartWorker) -> None:
    first = await start_worker(0, streams_open=2)
    await start_worker(1, streams_open=3, keys=7)

    assert await first.siblings.gauge("streams_open") == 5
    assert await first.siblings.gauge("keys") == 3
    assert await first.siblings.gauge("wait_s") == 1
    assert await first.siblings.gauge("nothing of the kind") == 0


async def test_a_worker_that_does_not_answer_has_no_part_in_a_gauge(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    first = await start_worker(0, streams_open=2)
    async with mute_sibling(tmp_path / "1.sock"):
        assert await first.siblings.gauge("streams_open") == 2
