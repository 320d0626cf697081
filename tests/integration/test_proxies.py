"""Calls through proxies: all through one, each key through its own, and past one that fails."""

import socket
from collections.abc import Iterator

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import assert_untouched, chat, kinds_of, native, record_of, sse
from tests.integration.conftest import StartGateway
from tests.integration.proxy import SmallProxy
from tests.integration.running import KEYS


@pytest.fixture
def proxies() -> Iterator[list[SmallProxy]]:
    with SmallProxy() as first, SmallProxy() as second:
        yield [first, second]


def dead_address() -> str:
    """An address nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def test_every_call_goes_through_the_proxy_with_its_login(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, proxies: list[SmallProxy]
) -> None:
    gateway = start_gateway(PROXIES=f"http://user:s3cret-pass@{proxies[0].address}")

    answers = [native(gateway), sse(gateway), chat(gateway)]

    assert [answer.status for answer in answers] == [200] * 3
    assert proxies[0].seen == ["user:s3cret-pass"] * 3
    for seen in fake_upstream.requests:
        assert "proxy-authorization" not in seen.headers
        assert seen.headers["x-goog-api-key"] in KEYS


def test_a_key_keeps_its_proxy(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, proxies: list[SmallProxy]
) -> None:
    # Ports are random and so is the order: of twenty keys, one proxy of two gets none once in 500,000 runs.
    keys = [f"AIza-test-key-number-{number:08}" for number in range(20)]
    gateway = start_gateway(
        API_KEYS=",".join(keys), PROXIES=",".join(f"http://{proxy.address}" for proxy in proxies)
    )
    carried: dict[str | None, set[int]] = {}

    for _ in range(2 * len(keys)):
        before = [len(proxy.seen) for proxy in proxies]
        assert native(gateway).status == 200
        used = next(i for i, proxy in enumerate(proxies) if len(proxy.seen) > before[i])
        carried.setdefault(fake_upstream.requests[-1].key, set()).add(used)

    assert len(carried) == len(keys)
    assert all(len(used) == 1 for used in carried.values())
    assert set.union(*carried.values()) == {0, 1}


@pytest.mark.parametrize("fault", ["refuses", "hangs up"])
def test_a_proxy_that_fails_is_passed_over(
    start_gateway: StartGateway, fake_upstream: FakeUpstream, proxies: list[SmallProxy], fault: str
) -> None:
    bad = dead_address() if fault == "refuses" else proxies[1].address
    proxies[1].broken = True
    gateway = start_gateway(PROXIES=f"http://{proxies[0].address},http://{bad}")

    answers = [chat(gateway) for _ in range(9)]

    assert [answer.status for answer in answers] == [200] * 9
    attempts = [answer.attempts for answer in answers]
    assert max(attempts) <= 2
    assert attempts.count(2) <= 1  # it is remembered
    for answer in answers:
        if answer.attempts == 2:
            assert kinds_of(record_of(gateway, answer.request_id)) == ["network", None]
    assert_untouched(gateway)


def test_when_no_proxy_carries_the_call_is_a_502(start_gateway: StartGateway) -> None:
    gateway = start_gateway(PROXIES=f"http://user:s3cret-pass@{dead_address()}")

    answer = native(gateway)

    assert answer.status == 502
    assert "s3cret" not in answer.body.decode()
    assert_untouched(gateway)
