"""Which proxy a key goes through: stable, even, and moved as little as possible."""

from collections import Counter
from collections.abc import Container

import pytest

from gateway.upstream.proxies import REST_S, Egress, masked_proxy, rank
from tests.fakes.clock import FakeClock

_PROXIES = [f"http://proxy-{number}.example:3128" for number in range(5)]
_KEYS = [f"AIzaSy-key-{number:05d}" for number in range(5_000)]


def egress(proxies: list[str], clock: FakeClock, *, pinned: bool = True, random: float = 0.0) -> Egress:
    return Egress(proxies, pinned=pinned, random=lambda: random, clock_s=clock)


def test_the_order_of_a_key_is_the_same_in_every_process_and_version() -> None:
    # Were this to change, every key would move to another proxy at the next upgrade.
    order = [_PROXIES.index(proxy) for proxy in rank(_PROXIES, "AIzaSy-key-00000")]
    assert order == [4, 2, 1, 0, 3]
    assert rank(list(reversed(_PROXIES)), "AIzaSy-key-00000") == rank(_PROXIES, "AIzaSy-key-00000")


def test_keys_are_shared_out_evenly() -> None:
    shares = Counter(rank(_PROXIES, key)[0] for key in _KEYS)
    assert set(shares) == set(_PROXIES)
    assert all(0.85 < share / (len(_KEYS) / 5) < 1.15 for share in shares.values())


def test_a_proxy_that_leaves_moves_only_its_own_keys_and_spreads_them() -> None:
    gone = _PROXIES[2]
    left = [proxy for proxy in _PROXIES if proxy != gone]
    moved: Counter[str] = Counter()
    for key in _KEYS:
        before, after = rank(_PROXIES, key)[0], rank(left, key)[0]
        if before == gone:
            moved[after] += 1
        else:
            assert after == before
    assert set(moved) == set(left)
    assert max(moved.values()) < 1.4 * min(moved.values())


def test_a_proxy_that_comes_takes_only_its_share() -> None:
    more = [*_PROXIES, "socks5://new.example:1080"]
    moved = [key for key in _KEYS if rank(more, key)[0] != rank(_PROXIES, key)[0]]
    assert {rank(more, key)[0] for key in moved} == {"socks5://new.example:1080"}
    assert 0.8 < len(moved) / (len(_KEYS) / 6) < 1.2


@pytest.mark.parametrize("key", ["", "k" * 5_000, "\udc80", "钥匙"])
def test_any_string_is_a_key(key: str) -> None:
    assert sorted(rank(_PROXIES, key)) == _PROXIES


def test_long_keys_that_begin_alike_are_told_apart() -> None:
    keys = ["k" * 64 + str(number) for number in range(200)]
    assert len({rank(_PROXIES, key)[0] for key in keys}) == 5


def test_without_proxies_the_way_is_direct(clock: FakeClock) -> None:
    assert egress([], clock).choose("key", ()) is None


def test_a_pinned_key_stays_with_its_proxy(clock: FakeClock) -> None:
    chooser = egress(_PROXIES, clock, random=0.7)
    for key in _KEYS[:50]:
        assert {chooser.choose(key, ()) for _ in range(3)} == {rank(_PROXIES, key)[0]}


def test_a_proxy_that_failed_is_passed_over_for_a_while(clock: FakeClock) -> None:
    chooser = egress(_PROXIES, clock)
    first, second, *_ = rank(_PROXIES, "key")
    chooser.failed(first)
    assert chooser.choose("key", ()) == second
    clock.advance(REST_S - 0.1)
    assert chooser.choose("key", ()) == second
    clock.advance(0.2)
    assert chooser.choose("key", ()) == first


def test_when_all_rest_the_keys_own_is_tried_all_the_same(clock: FakeClock) -> None:
    chooser = egress(_PROXIES, clock)
    for proxy in _PROXIES:
        chooser.failed(proxy)
    assert chooser.choose("key", ()) == rank(_PROXIES, "key")[0]


@pytest.mark.parametrize("avoided", [1, 2, 4])
def test_what_this_call_failed_through_is_avoided_before_what_rests(clock: FakeClock, avoided: int) -> None:
    chooser = egress(_PROXIES, clock)
    order = rank(_PROXIES, "key")
    avoid: Container[str] = frozenset(order[:avoided])
    assert chooser.choose("key", avoid) == order[avoided]
    for proxy in _PROXIES:
        chooser.failed(proxy)
    assert chooser.choose("key", avoid) == order[avoided]


def test_with_every_proxy_avoided_one_is_taken_all_the_same(clock: FakeClock) -> None:
    assert egress(_PROXIES, clock).choose("key", frozenset(_PROXIES)) == rank(_PROXIES, "key")[0]
    assert egress(_PROXIES, clock, pinned=False).choose("key", frozenset(_PROXIES)) == _PROXIES[0]


def test_a_proxy_that_is_not_configured_does_not_rest(clock: FakeClock) -> None:
    chooser = egress(_PROXIES, clock)
    chooser.failed("http://removed.example:1")
    assert chooser.choose("key", ()) == rank(_PROXIES, "key")[0]


@pytest.mark.parametrize(("random", "index"), [(0.0, 0), (0.39, 1), (0.4, 2), (0.999999, 4)])
def test_without_pinning_chance_decides(clock: FakeClock, random: float, index: int) -> None:
    chooser = egress(_PROXIES, clock, pinned=False, random=random)
    assert chooser.choose("key", ()) == _PROXIES[index]
    chooser.failed(_PROXIES[index])
    assert chooser.choose("key", ()) == _PROXIES[(index + 1) % 5]


def test_a_proxy_named_twice_counts_once(clock: FakeClock) -> None:
    chooser = egress([_PROXIES[0], _PROXIES[0], _PROXIES[1]], clock, pinned=False, random=0.5)
    assert chooser.choose("key", ()) == _PROXIES[1]


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://user:pass@proxy.example:3128", "http://***@proxy.example:3128"),
        ("socks5h://user:p%40ss@proxy.example", "socks5h://***@proxy.example"),
        ("http://token@proxy.example:1/", "http://***@proxy.example:1/"),
        ("http://user:pass@[::1]:3128", "http://***@[::1]:3128"),
        ("http://user:pa/ss@proxy.example:3128", "http://***@proxy.example:3128"),
        ("http://user:pass@proxy.example:port", "http://***@proxy.example:port"),
        ("user:pass@proxy.example:3128", "***@proxy.example:3128"),
        ("http://user:pass@proxy.example:3128?password=pass", "http://***@proxy.example:3128"),
        ("http://[broken:pass@", "http://***@"),
    ],
)
def test_a_masked_proxy_shows_where_but_not_who(url: str, masked: str) -> None:
    assert masked_proxy(url) == masked
