"""Proxies in whatever somebody pastes: found in every usual form, what is none is told and not shown."""

import pytest

from gateway.control.pasting import Malformed
from gateway.control.proxy_paste import read_proxies


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("http://host:8080", ["http://host:8080"]),
        ("  socks5://user:pass@10.0.0.1:1080/ ", ["socks5://user:pass@10.0.0.1:1080"]),
        ("10.0.0.1:3128", ["http://10.0.0.1:3128"]),
        ("user:p,w@host:80", ["http://user:p,w@host:80"]),
        ("10.0.0.1:3128:user:pass", ["http://user:pass@10.0.0.1:3128"]),
        ("[::1]:8080", ["http://[::1]:8080"]),
        ("- a:1\n- b:2", ["http://a:1", "http://b:2"]),
        ("a:1, b:2; socks5h://c:3", ["http://a:1", "http://b:2", "socks5h://c:3"]),
        ('PROXIES=["http://a:1", "http://b:2"]', ["http://a:1", "http://b:2"]),
        ("# ours\n\n1 | a:1 | Berlin\r\n", ["http://a:1"]),
        ("your new proxy is a:1, enjoy", ["http://a:1"]),
    ],
)
def test_every_usual_form_is_understood(text: str, proxies: list[str]) -> None:
    pasted = read_proxies(text)

    assert list(pasted.proxies) == proxies
    assert pasted.malformed == ()


def test_what_stands_there_again_counts_once() -> None:
    pasted = read_proxies("a:1\nhttp://a:1\na:1/ b:2")

    assert (pasted.proxies, pasted.repeated) == (("http://a:1", "http://b:2"), 2)


@pytest.mark.parametrize(
    "line", ["nonsense", "host:99999", "socks4://host:1", "http://", "someone:password-one@host", "host"]
)
def test_a_line_that_is_no_proxy_is_told_and_not_shown(line: str) -> None:
    pasted = read_proxies(f"a:1\n{line}")

    assert pasted.proxies == ("http://a:1",)
    ((number, shown),) = [(each.line, each.shown) for each in pasted.malformed]
    assert number == 2
    assert "password-one" not in shown
    assert "password-one" not in repr(pasted)


def test_of_a_line_the_wrong_part_is_told() -> None:
    assert read_proxies("a:1, ftp://elsewhere:21").malformed == (Malformed(1, "ft…21"),)
