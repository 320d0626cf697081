"""`make bench`: what a call costs the gateway, beside nginx and other gateways, against the goals to meet.

Ends with 1 when a goal is missed, or an answer was not what it must be. The method: docs/benchmarks.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.load import single
from tests.load.programs import BUILT, Program, gateway, litellm, mock, nginx, portkey
from tests.load.report import Verdict, machine, table, write_json
from tests.load.rounds import (
    BURST,
    CHAT,
    CHAT_PACED,
    NATIVE,
    PACED,
    Measure,
    Results,
    errors,
    ratio,
    run_rounds,
)


def main() -> int:
    """Run every measure and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes: short rounds, fewer streams")
    parser.add_argument("--rounds", type=int, help="of each comparison (6; quick: 4)")
    arguments = parser.parse_args()
    is_quick = arguments.quick
    rounds = arguments.rounds or (4 if is_quick else 6)
    facts, notes = machine(), list[str]()
    with mock() as upstream:
        alone = single.capacity_alone(upstream, seconds=2.0)
        notes.append(f"Mock and load alone: {alone:,.0f} calls/s on their core.")
        with gateway(upstream) as ours, _peers(upstream, notes) as peers:
            idle_mb = ours.resident_mb
            results = run_rounds(
                {"gateway": ours, **peers}, upstream, rounds=rounds, seconds=0.6 if is_quick else 2.0
            )
            verdicts = _compared(results)
            verdicts += _alone(ours, upstream, peers.get("nginx"), notes, is_quick=is_quick)
        verdicts.append(Verdict("resident memory, idle", idle_mb, 80, "MB"))
        verdicts += _started(upstream, is_quick=is_quick)
    text = table(facts, results, verdicts, notes)
    sys.stdout.write(text)
    write_json(Path("bench.json"), facts, results, verdicts, notes)
    wrong = errors(figures for (_, program), figures in results.items() if program == "gateway")
    return 1 if wrong or any(each.is_missed for each in verdicts) else 0


def _compared(results: Results) -> list[Verdict]:
    """Ratios between programs: ours over nginx's, Portkey's over ours."""

    def over_nginx(name: str, measure: Measure, goal: float, floor: Measure | None = None) -> Verdict:
        value = ratio(results, (measure, "gateway"), (floor or measure, "nginx"))
        return Verdict(f"{name}, CPU over nginx's", value, goal, "times")

    def under_portkey(name: str, measure: Measure, goal: float) -> Verdict:
        value = ratio(results, (measure, "portkey"), (measure, "gateway"))
        return Verdict(f"{name}, Portkey's CPU over ours", value, goal, "times", at_least=True)

    return [
        over_nginx("native call", NATIVE, 6),
        over_nginx("OpenAI call (nginx: native)", CHAT, 9, NATIVE),
        under_portkey("OpenAI call", CHAT, 12),
        over_nginx("native paced event", PACED, 2),
        under_portkey("OpenAI paced event", CHAT_PACED, 5),
        over_nginx("native burst stream", BURST, 3),
    ]


def _alone(
    ours: Program, upstream: Program, floor: Program | None, notes: list[str], *, is_quick: bool
) -> list[Verdict]:
    """What the gateway shows by itself, while it runs."""
    rounds, seconds = (3, 1.5) if is_quick else (6, 4.0)
    both = [ours] if floor is None else [ours, floor]
    latency, *floors = single.added_latency(both, upstream, rounds=rounds, seconds=seconds)
    notes += [
        f"At 500 calls/s nginx adds {each.p50_ms:.2f} ms (p50) and {each.p99_ms:.2f} ms (p99)."
        for each in floors
    ]
    streams = single.many_streams(ours, streams=1000, rounds=2 if is_quick else 4)
    slow = 1000 if is_quick else 5000
    opened = single.slow_streams(ours, upstream, streams=slow)
    bodies = single.large_bodies(ours, floor, rounds=rounds, seconds=seconds / 2)
    per_second = streams.events / streams.seconds
    return [
        Verdict("added latency at 500 calls/s, p50", latency.p50_ms, 0.4, "ms"),
        Verdict("added latency at 500 calls/s, p99", latency.p99_ms, 1.5, "ms"),
        Verdict("1,000 streams at 20 ms, p99 of an event's delay", streams.p99_us / 1000, 50, "ms"),
        Verdict("1,000 streams at 20 ms, events a second", per_second, 40_000, "", at_least=True),
        Verdict(f"{slow:,} open slow streams, resident memory", opened.resident_mb, 600, "MB"),
        Verdict(f"{slow:,} open slow streams, whole answers", opened.answers, slow, "", at_least=True),
        Verdict(f"{slow:,} open slow streams, answers with a wrong byte", opened.errors, 0, ""),
        Verdict("request of 1 MB, wall time over nginx's", bodies.against_nginx, 1.5, "times"),
        Verdict("four requests of 20 MB at once, memory grown by", bodies.grown_mb, 200, "MB"),
    ]


def _started(upstream: Program, *, is_quick: bool) -> list[Verdict]:
    """What needs gateways of its own."""
    rounds = 2 if is_quick else 4
    seconds = 1.0 if is_quick else 4.0
    return [
        Verdict("start to the first 200", single.starts(upstream, rounds=rounds), 1.5, "s"),
        Verdict(
            "1,000 records a second written: change of p99",
            single.records_cost_ms(upstream, rounds=rounds, seconds=seconds),
            1.0,
            "ms",
        ),
        Verdict(
            "calls of two workers on two cores over one's",
            single.two_workers(upstream, rounds=rounds, seconds=seconds),
            1.7,
            "times",
            at_least=True,
        ),
    ]


@contextmanager
def _peers(upstream: Program, notes: list[str]) -> Iterator[dict[str, Program]]:
    """The peers that are here; of each other one a note says that it is skipped."""
    known: tuple[tuple[str, Path, Callable[[], AbstractContextManager[Program]]], ...] = (
        ("nginx", Path("/usr/sbin/nginx"), lambda: nginx(upstream)),
        ("portkey", BUILT / "portkey/node_modules/@portkey-ai/gateway", portkey),
        ("litellm", BUILT / "litellm/bin/litellm", lambda: litellm(upstream)),
    )
    with ExitStack() as stack:
        peers: dict[str, Program] = {}
        for name, place, started in known:
            if place.exists():
                peers[name] = stack.enter_context(started())
            else:
                notes.append(f"{name} is not installed: skipped.")
        yield peers


if __name__ == "__main__":
    sys.exit(main())
