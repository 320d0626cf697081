"""Several workers on one port, as real processes: sharing, sums, crashes, stops, and a parent that dies."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes import gemini_replies
from tests.fakes.upstream import FakeUpstream
from tests.run_contract.child import WAIT_S, Child, Event, assert_clean, run_command

T = TypeVar("T")
TOKEN = "sk-123456"
METRICS_TOKEN = "scraper"
EVENTS = gemini_replies.text_events("One, ", "two, ", "three.")
# The kernel chooses a worker by the client's port: that all of these go to one of two is not to be expected.
ENOUGH = 30


class Workers(Child):
    """A gateway of two workers; `with` waits until both serve.

    command   a program that runs a supervisor of its own instead; of that one log line is waited for
    """

    def __init__(self, folder: Path, *, command: Sequence[str] = (), **settings: str) -> None:
        self.folder = folder / "tmp"
        self.folder.mkdir()
        super().__init__(
            folder,
            "--workers",
            "2",
            settings={
                "API_KEYS": "a-key-of-any-shape",
                "METRICS_TOKEN": METRICS_TOKEN,
                "TMPDIR": str(self.folder),
                **settings,
            },
        )
        self._count = 1 if command else 2
        self._command = list(command) or self._command

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_events("serving", self._count)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._child.poll() is not None:  # a parent that was killed: see that nothing of it stays
            for event in self.all_events("worker_started"):
                if _is_alive(event["pid"]):
                    os.kill(event["pid"], signal.SIGKILL)
        super().__exit__(*raised)

    def wait_events(self, name: str, count: int) -> list[Event]:
        """Wait until a line was logged so many times; gives all of them."""
        return wait_until(
            lambda: seen if len(seen := self.all_events(name)) >= count else None,
            lambda: f"{count} × {name} in:\n{self.output}",
        )

    def all_events(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    def pid(self, worker: int) -> int:
        """Give the process that fills a place now."""
        pids = [event["pid"] for event in self.all_events("worker_started") if event["worker"] == worker]
        return int(pids[-1])

    @property
    def parent(self) -> int:
        return int(_status_of(self.pid(0))["PPid"])

    def refuse(self, count: int) -> None:
        """Send calls without a token, each on a connection of its own; who takes them says so in the log."""
        assert [self.get("/v1/models").status for _ in range(count)] == [401] * count

    def refused_by(self) -> set[int]:
        """Give the workers that refused something since the last one died."""
        names = [event["event"] for event in self.events]
        since = len(names) - names[::-1].index("worker_died") if "worker_died" in names else 0
        return {event["worker"] for event in self.events[since:] if event["event"] == "request_refused"}

    def scrape(self) -> dict[str, float]:
        """Give the value of every sample, summed over its labels."""
        answer = self.get("/metrics", token=METRICS_TOKEN)
        assert answer.status == 200
        values: dict[str, float] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                values[sample.name] = values.get(sample.name, 0) + sample.value
        return values

    @contextlib.contextmanager
    def running_stream(self) -> Iterator[HTTPResponse]:
        """Start a stream and read its first content."""
        connection, response = self.stream(token=TOKEN)
        try:
            seen = b""
            while b"One, " not in seen:
                piece = response.read1()
                assert piece, f"the stream ended early: {seen!r}"
                seen += piece
            yield response
        finally:
            connection.close()


def wait_until(look: Callable[[], T | None], complaint: Callable[[], str]) -> T:
    """Look until there is something."""
    give_up_at = time.monotonic() + WAIT_S
    while (seen := look()) is None:
        assert time.monotonic() < give_up_at, f"not in {WAIT_S:g} s: {complaint()}"
        time.sleep(0.02)
    return seen


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two workers at their first start, without a token; for tests that only look."""
    with Workers(tmp_path_factory.mktemp("fresh")) as gateway:
        yield gateway
        assert gateway.stop() == 0


@pytest.fixture
def workers(tmp_path: Path, fake_upstream: FakeUpstream) -> Iterator[Workers]:
    """Two workers over `fake_upstream`."""
    with Workers(tmp_path, AUTH_TOKEN=TOKEN, BASE_URL=fake_upstream.url) as gateway:
        yield gateway


def test_both_workers_serve_the_port_and_the_log_says_which(fresh: Workers) -> None:
    fresh.refuse(ENOUGH)

    wait_until(lambda: fresh.refused_by() == {0, 1} or None, lambda: f"served by {fresh.refused_by()} only")


def test_metrics_are_summed_whichever_worker_is_asked(fresh: Workers) -> None:
    before = fresh.scrape().get("gateway_refused_requests_total", 0)
    fresh.refuse(ENOUGH)

    scrapes = [fresh.scrape() for _ in range(10)]

    assert {values["gateway_refused_requests_total"] for values in scrapes} == {before + ENOUGH}
    assert {values["gateway_workers"] for values in scrapes} == {2}
    assert {values["gateway_workers_silent"] for values in scrapes} == {0}
    assert {values["gateway_keys"] for values in scrapes} == {1}, "one key, known to both"


def test_memory_and_time_are_those_of_all_workers(fresh: Workers) -> None:
    fresh.refuse(ENOUGH)

    values = fresh.scrape()

    resident = [1024 * int(_status_of(fresh.pid(number))["VmRSS"].split()[0]) for number in (0, 1)]
    assert values["process_resident_memory_bytes"] == pytest.approx(sum(resident), rel=0.2)
    assert values["process_start_time_seconds"] < time.time(), "the first one's, not both added up"
    assert values["process_max_fds"] > values["process_open_fds"] > 20
    assert values["process_cpu_seconds_total"] > 0
    assert values["gateway_store_duration_seconds_count"] > 0


def test_most_of_a_workers_memory_is_its_parents(workers: Workers) -> None:
    for pid in (workers.pid(0), workers.pid(1)):
        assert _memory_kb(pid, "Private_Dirty") < _memory_kb(pid, "Rss") / 2


def test_the_administrators_token_is_shown_once(fresh: Workers) -> None:
    assert fresh.output.count("It is the administrator's token") == 1
    assert len(fresh.all_events("no_keys_yet")) == 0


def test_the_parent_has_no_threads_and_the_workers_folder_is_private(fresh: Workers) -> None:
    assert _status_of(fresh.parent)["Threads"] == "1"
    (folder,) = fresh.folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_killed_worker_is_replaced_and_clients_that_waited_are_served(workers: Workers) -> None:
    workers.refuse(ENOUGH)
    counted = workers.scrape()["gateway_refused_requests_total"]
    killed = workers.pid(0)

    os.kill(killed, signal.SIGKILL)
    workers.wait_events("worker_died", 1)
    with ThreadPoolExecutor(ENOUGH) as clients:  # some of them wait at the dead worker's socket
        statuses = list(clients.map(lambda _: workers.get("/v1/models").status, range(ENOUGH)))

    assert statuses == [401] * ENOUGH
    assert workers.pid(0) != killed
    workers.wait_events("serving", 3)
    wait_until(lambda: workers.refused_by() == {0, 1} or None, lambda: f"served by {workers.refused_by()}")
    values = workers.scrape()
    assert values["gateway_refused_requests_total"] == counted + ENOUGH
    assert values["gateway_worker_restarts_total"] == 1
    assert values["gateway_workers_silent"] == 0
    died = workers.all_events("worker_died")
    assert [(event["worker"], event["pid"], event["exit_code"]) for event in died] == [(0, killed, -9)]
    assert workers.stop() == 0


@pytest.mark.parametrize("reaches", ["the parent", "everyone"])
def test_a_stop_lets_streams_finish(
    workers: Workers, tmp_path: Path, fake_upstream: FakeUpstream, reaches: str
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([EVENTS[0], gate, *EVENTS[1:]])

    with workers.running_stream() as response:
        if reaches == "everyone":  # as systemd does, and Ctrl-C with SIGINT
            for number in (0, 1):
                os.kill(workers.pid(number), signal.SIGTERM)
                os.kill(workers.pid(number), signal.SIGINT)
        workers.send(signal.SIGTERM)
        workers.wait_events("stopping", 2)
        wait_until(lambda: _is_refused(workers) or None, lambda: "the port is still open")
        gate.release()
        rest = response.read()

    assert rest.endswith(b"data: [DONE]\n\n")
    assert b"three." in rest
    assert workers.exit_code() == 0
    assert [event["connections_cut"] for event in workers.all_events("stopped")] == [0, 0]
    assert list(workers.folder.iterdir()) == []
    assert_clean(workers.output, TOKEN)


def test_a_second_signal_ends_the_wait(tmp_path: Path, fake_upstream: FakeUpstream) -> None:
    fake_upstream.stream(EVENTS[:1], then="hang")
    patient = {"AUTH_TOKEN": TOKEN, "BASE_URL": fake_upstream.url, "SHUTDOWN_TIMEOUT_SECONDS": "600"}

    with Workers(tmp_path, **patient) as workers, workers.running_stream():
        workers.send(signal.SIGINT)
        workers.wait_events("stopping", 2)
        code = workers.stop(signal.SIGINT)

    assert code == 0
    assert sorted(event["connections_cut"] for event in workers.all_events("stopped")) == [0, 1]
    assert_clean(workers.output, TOKEN)


def test_workers_stop_gracefully_when_their_parent_is_killed(
    workers: Workers, fake_upstream: FakeUpstream
) -> None:
    gate = fake_upstream.gate()
    fake_upstream.stream([EVENTS[0], gate, *EVENTS[1:]])
    pids = [workers.pid(0), workers.pid(1)]

    with workers.running_stream() as response:
        workers.send(signal.SIGKILL)
        workers.wait_events("stopping", 2)
        gate.release()
        rest = response.read()

    assert rest.endswith(b"data: [DONE]\n\n")
    assert workers.exit_code() == -signal.SIGKILL
    wait_until(lambda: not any(map(_is_alive, pids)) or None, lambda: f"{pids} live on")
    assert len(workers.all_events("stopped")) == 2
    assert list(workers.folder.iterdir()) == []


def test_a_port_in_use_is_found_before_anything_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run_command(tmp_path, "--workers", "2", "--host", "127.0.0.1", "--port", port)

    assert answer.returncode == 1
    assert f"Port {port} is in use by another program." in answer.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun: no database, no token shown"
    assert_clean(answer.stdout + answer.stderr)


FAILING = """
import sys
from gateway.errors import StartupError
from gateway.log import configure, get_logger
from gateway.workers import Supervisor

def work(place, sockets):
    if place.number == 1:
        raise StartupError("The database is gone.")
    sockets[0].setblocking(True)
    while True:
        with sockets[0].accept()[0] as client:
            client.sendall(b"served")

configure(level="INFO", log_format="json")
supervisor = Supervisor("127.0.0.1", 0, 2)
host, port = supervisor.address
get_logger("gateway").info("serving", host=host, port=port)
sys.exit(supervisor.run(work, stop_within_s=5))
"""


def test_a_worker_that_cannot_start_is_tried_ever_later_and_others_take_its_clients(tmp_path: Path) -> None:
    with Workers(tmp_path, command=(sys.executable, "-c", FAILING)) as workers:
        deaths = workers.wait_events("worker_died", 3)
        answers = [_said_by(workers) for _ in range(ENOUGH)]
        code = workers.stop()

    assert [death["again_in_s"] for death in deaths[:3]] == [0.5, 1.0, 2.0]
    assert answers == [b"served"] * ENOUGH, "none was left waiting at a socket that nobody accepts from"
    assert code == 0
    reasons = {(event["worker"], event["reason"]) for event in workers.all_events("worker_cannot_start")}
    assert reasons == {(1, "The database is gone.")}
    assert_clean(workers.output)


STUCK = """
import signal, sys
from gateway.log import configure, get_logger
from gateway.workers import Supervisor

def work(place, sockets):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    get_logger("gateway").info("serving", host="127.0.0.1", port=0)
    while True:
        signal.pause()

configure(level="INFO", log_format="json")
sys.exit(Supervisor("127.0.0.1", 0, 1).run(work, stop_within_s=0.3))
"""


def test_a_worker_that_does_not_stop_is_killed_at_the_bound_and_the_exit_code_says_so(tmp_path: Path) -> None:
    with Workers(tmp_path, command=(sys.executable, "-c", STUCK)) as workers:
        code = workers.stop()

    assert code == 1
    assert [event["workers"] for event in workers.all_events("workers_killed")] == ["[0]"]
    assert list(workers.folder.iterdir()) == []


def _said_by(workers: Workers) -> bytes:
    parts = urlsplit(workers.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=WAIT_S) as client:
        return client.recv(100)


def _is_refused(workers: Workers) -> bool:
    connection: HTTPConnection = workers.connect()
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()
    return False


def _is_alive(pid: int) -> bool:
    try:
        return not _status_of(pid)["State"].startswith("Z")
    except OSError:
        return False


def _memory_kb(pid: int, name: str) -> int:
    """A line of the sums over a process's mappings. Source: proc(5), smaps_rollup."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(text.split(f"{name}:", 1)[1].split()[0])


def _status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
