"""Live parts: composed once for all who read the same, only while somebody reads, in nobody's way."""

import asyncio
import http.client
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from admin.events import Broadcaster, Subscription, Topic, as_event
from admin.readers import Reader
from tests.admin.browsing import Browser
from tests.admin.conftest import StartGateway
from tests.admin.html import assert_readable, assert_safe, parse
from tests.control.waiting import until
from tests.integration.running import RunningGateway

TOPIC = Topic("", (), "http://here", Reader())
OTHER = Topic("overview", (("range", "1h"),), "http://here", Reader())
SOON_S = 5.0


class Source:
    """What is composed: changes only when told."""

    def __init__(self) -> None:
        self.text = "first"
        self.composed: list[Topic] = []
        self.fails = False

    async def __call__(self, topic: Topic) -> str:
        self.composed.append(topic)
        if self.fails:
            raise LookupError("made to fail")
        return f"{topic.page}:{self.text}"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def live(source: Source) -> Broadcaster:
    return Broadcaster(source, every_s=0.001, most=3)


async def taken(subscription: Subscription | None) -> str | None:
    assert subscription is not None
    return await subscription.take(SOON_S)


async def composed_again(source: Source) -> None:
    """Wait for a composition that began after now."""
    count = len(source.composed)
    await until(lambda: len(source.composed) >= count + 2)


async def test_who_comes_is_told_at_once_and_then_what_changes(live: Broadcaster, source: Source) -> None:
    reader = live.join(TOPIC)
    assert await taken(reader) == ":first"
    source.text = "second"
    assert await taken(reader) == ":second"
    assert reader is not None
    assert await reader.take(0.02) is None, "nothing changed"
    live.leave(TOPIC, reader)


async def test_all_who_read_the_same_share_one_composition(live: Broadcaster, source: Source) -> None:
    readers = [live.join(TOPIC), live.join(TOPIC), live.join(OTHER)]

    assert [await taken(reader) for reader in readers] == [":first", ":first", "overview:first"]
    source.composed.clear()
    await composed_again(source)
    assert abs(source.composed.count(TOPIC) - source.composed.count(OTHER)) <= 1
    for reader, topic in zip(readers, (TOPIC, TOPIC, OTHER), strict=True):
        assert reader is not None
        live.leave(topic, reader)


async def test_nothing_is_composed_while_nobody_reads(live: Broadcaster, source: Source) -> None:
    reader = live.join(TOPIC)
    assert await taken(reader)
    assert reader is not None
    live.leave(TOPIC, reader)
    await asyncio.sleep(0.01)
    before = len(source.composed)
    await asyncio.sleep(0.02)

    assert len(source.composed) == before
    assert len(live) == 0


async def test_a_slow_reader_misses_what_was_in_between(live: Broadcaster, source: Source) -> None:
    slow = live.join(TOPIC)
    for number in range(5):
        source.text = str(number)
        await composed_again(source)

    assert await taken(slow) == ":4"
    assert slow is not None
    assert await slow.take(0.01) is None
    live.leave(TOPIC, slow)


async def test_there_are_only_so_many_readers(live: Broadcaster) -> None:
    readers = [live.join(TOPIC) for _ in range(4)]

    assert readers[3] is None
    assert readers[0] is not None
    live.leave(TOPIC, readers[0])
    assert live.join(TOPIC) is not None
    live.end()


async def test_at_the_end_everybody_is_sent_away(live: Broadcaster) -> None:
    reader = live.join(TOPIC)
    assert reader is not None
    waiting: asyncio.Task[str | None] = asyncio.create_task(reader.take(SOON_S))
    await asyncio.sleep(0)
    live.end()
    await waiting

    assert reader.is_over
    assert live.join(TOPIC) is None
    live.leave(TOPIC, reader)


@pytest.mark.logs_errors("a page's mistake is logged and stills nobody")
async def test_one_pages_mistake_does_not_still_the_stream(live: Broadcaster, source: Source) -> None:
    source.fails = True
    reader = live.join(TOPIC)
    await until(lambda: len(source.composed) >= 2)
    source.fails = False

    assert await taken(reader) == ":first"
    assert reader is not None
    live.leave(TOPIC, reader)


def test_an_event_is_one_whatever_lines_it_has() -> None:
    assert as_event("<p>\n\n  a: b\r\n</p>") == "data: <p>\ndata:   a: b\ndata: </p>\n\n"


# On the wire


class Stream:
    """An event stream of a browser that is signed in."""

    def __init__(self, browser: Browser, gateway: RunningGateway, path: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=15)
        cookies = "; ".join(f"{name}={each.value}" for name, each in browser.cookies.items())
        self._connection.request("GET", path, headers={"Cookie": cookies, "HX-Request": "true"})
        self.answer = self._connection.getresponse()

    def event(self) -> str:
        lines = []
        while (line := self.answer.readline().decode()) not in ("\n", ""):
            if line.startswith("data: "):
                lines.append(line.removeprefix("data: "))
        return "".join(lines)

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(
    ("path", "targets"),
    [("/events", ["#sentence"]), ("/events/overview?range=1h", ["#sentence", "#overview"])],
)
def test_a_stream_brings_the_live_parts_of_its_page(
    gateway: RunningGateway, browser: Browser, path: str, targets: list[str]
) -> None:
    with closing(Stream(browser, gateway, path)) as stream:
        assert stream.answer.status == 200
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store"
        document = parse(stream.event())

    parts = document.all("hx-partial")
    assert [part["hx-target"] for part in parts] == targets
    assert [f"#{part.all()[0]['id']}" for part in parts] == targets, "a part's root is what it replaces"
    assert_safe(document)
    assert_readable(document)


def test_strangers_get_no_stream(gateway: RunningGateway, stranger: Browser) -> None:
    answer = stranger.get("/events/overview", HX_Request="true")

    assert (answer.status, answer.text) == (401, "")


def test_a_page_without_live_parts_has_no_stream(browser: Browser) -> None:
    assert browser.get("/events/nothing").status == 404


def test_a_stream_does_not_hold_up_a_stop(start_gateway: StartGateway) -> None:
    gateway = start_gateway(SHUTDOWN_TIMEOUT_SECONDS="20")
    browser = Browser(gateway)
    browser.sign_in()
    with closing(Stream(browser, gateway, "/events")) as stream:
        assert stream.event()
        began_s = time.monotonic()
        gateway.stop()

    assert time.monotonic() - began_s < 10
