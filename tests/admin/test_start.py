"""The start page: says whether it works and what to do next, in HTML that runs nothing."""

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from admin.contexts import StartPage
from admin.rendering import Renderer
from gateway import __version__
from tests.integration.running import TOKEN, RunningGateway

VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})
NO_UPSTREAM = "http://127.0.0.1:9/v1beta"


class Page(HTMLParser):
    """An HTML page taken apart: tags, text, and whether every element is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = unescape(re.sub(r"<[^>]*>", "", html))
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(**changes: object) -> StartPage:
    usual: dict[str, object] = {
        "version": "1.2.3",
        "origin": "http://localhost:8000",
        "keys_ready": 2,
        "keys_total": 3,
        "tokens": 1,
    }
    return StartPage(**(usual | changes))  # type: ignore[arg-type]  # a test names what it changes


def render(context: StartPage) -> Page:
    return Page(Renderer().render("pages/start.html", context))


@pytest.fixture(scope="module", params=["llhttp", "tornado"])
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway without any key."""
    settings = {"API_KEYS": "", "HTTP_FRONT": str(request.param)}
    with RunningGateway(tmp_path_factory.mktemp("empty"), NO_UPSTREAM, settings) as gateway:
        yield gateway


def fetch(
    gateway: RunningGateway, path: str, *, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, str]:
    parts = urlsplit(gateway.url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read().decode()


@pytest.mark.parametrize(
    ("ready", "total", "state", "words"),
    [
        (0, 0, "empty", "no key yet"),
        (0, 3, "resting", "none of its 3 keys is usable"),
        (1, 1, "ready", "1 of 1 key ready"),
        (2, 3, "ready", "2 of 3 keys ready"),
    ],
)
def test_one_sentence_says_whether_it_works(ready: int, total: int, state: str, words: str) -> None:
    shown = render(page(keys_ready=ready, keys_total=total))

    (status,) = [attributes for _, attributes in shown.tags if attributes.get("role") == "status"]
    assert f"state-{state}" in (status["class"] or "")
    assert words in shown.text


def test_what_to_do_next_is_shown_only_while_there_is_no_key() -> None:
    assert "API_KEYS=[" in render(page(keys_ready=0, keys_total=0)).text
    assert "API_KEYS=[" not in render(page()).text


def test_addresses_are_those_the_reader_came_by() -> None:
    shown = render(page(origin="https://gateway.example.org"))

    assert "https://gateway.example.org/v1" in shown.text
    assert "https://gateway.example.org/gemini/v1beta" in shown.text
    assert "localhost" not in shown.text


@pytest.mark.parametrize("field", ["origin", "version"])
def test_values_cannot_become_markup(field: str) -> None:
    hostile = "\"><script>alert('1')</script><b onclick=x>"
    shown = render(page(**{field: hostile}))

    assert hostile in shown.text
    assert shown.named("script") == []
    assert shown.named("b") == []


def test_nothing_in_the_page_runs_or_styles_inline() -> None:
    shown = render(page(keys_total=0, keys_ready=0))

    assert shown.named("script") == []
    assert shown.named("style") == []
    for tag, attributes in shown.tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src"):
            assert (attributes.get(name) or "/").startswith("/"), "everything comes from here"


def test_the_page_can_be_read_by_everyone() -> None:
    shown = render(page())

    assert shown.named("html") == [{"lang": "en"}]
    assert len(shown.named("h1")) == len(shown.named("main")) == 1
    assert all("alt" in image for image in shown.named("img"))
    assert {"lang": "zh"} in shown.named("section")
    assert any(meta.get("name") == "viewport" for meta in shown.named("meta"))


def test_a_name_the_template_does_not_know_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="has no attribute"):
        Renderer().render("pages/start.html", object())


def test_the_served_page_forbids_what_it_does_not_need(empty: RunningGateway) -> None:
    response, text = fetch(empty, "/")

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=UTF-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert "server" not in response.headers
    shown = Page(text)
    assert "no key yet" in shown.text
    assert __version__ in shown.text


def test_everything_the_page_asks_for_is_served(empty: RunningGateway) -> None:
    shown = Page(fetch(empty, "/")[1])
    wanted = [each.get("href") or "" for each in shown.named("link") if each.get("rel") != "canonical"]
    wanted += [each.get("src") or "" for each in shown.named("img")]

    assert wanted
    for path in set(wanted):
        response, content = fetch(empty, path)
        assert (response.status, bool(content)) == (200, True), path


def test_the_page_tells_no_secret(empty: RunningGateway) -> None:
    _, text = fetch(empty, "/")

    assert TOKEN not in text
    assert "sk-test-admin" not in text


def test_head_is_answered_like_get_without_the_body(empty: RunningGateway) -> None:
    response, text = fetch(empty, "/", method="HEAD")

    assert response.status == 200
    assert text == ""
    assert int(response.headers["content-length"]) > 500


def test_behind_a_proxy_addresses_are_those_of_the_proxy(empty: RunningGateway) -> None:
    _, text = fetch(
        empty, "/", Host="gateway.example.org", X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.7"
    )

    assert "https://gateway.example.org/v1" in Page(text).text


def test_a_page_takes_no_posts(empty: RunningGateway) -> None:
    response, _ = fetch(empty, "/", method="POST")

    assert response.status == 405
