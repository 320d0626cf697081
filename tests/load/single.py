"""The measures of the gateway by itself: latency, memory, streams, large bodies, records, workers, start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.load.programs import Program, gateway, start_s
from tests.load.rounds import FLASH, NATIVE
from tests.load.traffic import Seen, expected_stream, load, native

SLOW_STREAM_S = 30.0
"""Fifty events, two a second, and some seconds until the last of the streams has begun."""
BODY_1_MB, BODY_20_MB = 1_000_000, 20_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds over the way without anything between, at a fixed rate: the least of the rounds."""

    p50_ms: float
    p99_ms: float


def added_latency(
    programs: Sequence[Program], upstream: Program, *, rounds: int, seconds: float, rate: float = 500.0
) -> list[Latency]:
    """What each program adds to calls at a fixed rate."""
    seen: dict[int, list[Seen]] = {program.pid: [] for program in (upstream, *programs)}
    for _ in range(rounds):
        for program in (upstream, *programs):
            seen[program.pid].append(load(program, native(), connections=50, seconds=seconds, rate=rate))

    def added(program: Program, read: Callable[[Seen], int]) -> float:
        return (min(map(read, seen[program.pid])) - min(map(read, seen[upstream.pid]))) / 1000

    return [
        Latency(added(program, lambda seen: seen.p50_us), added(program, lambda seen: seen.p99_us))
        for program in programs
    ]


def records_cost_ms(upstream: Program, *, rounds: int, seconds: float) -> float:
    """How much the p99 of 1,000 calls a second changes by their records being written, in milliseconds.

    Beside the gateway stands one whose queue of records lets them fall (unrecorded.py).
    """
    with gateway(upstream) as recorded, gateway(upstream, module="tests.load.unrecorded") as unrecorded:
        p99_us: dict[int, list[int]] = {recorded.pid: [], unrecorded.pid: []}
        for program in [recorded, unrecorded] * (rounds + 1):
            seen = load(program, native(), connections=50, seconds=seconds, rate=1000.0)
            p99_us[program.pid].append(seen.p99_us)
        with_records, without = (min(figures[1:]) for figures in p99_us.values())
        return (with_records - without) / 1000


def many_streams(gateway_: Program, *, streams: int, rounds: int) -> Seen:
    """Streams of an event each 20 ms: the round with the least p99 of the events' delay."""
    request = native(f"{FLASH}-paced", stream=True)
    seen = [load(gateway_, request, connections=streams, seconds=6.0) for _ in range(rounds)]
    return min(seen, key=lambda each: each.p99_us)


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """Slow streams: the largest resident memory, and whether each brought every byte."""

    resident_mb: float
    answers: int
    errors: int


def slow_streams(gateway_: Program, upstream: Program, *, streams: int) -> OpenStreams:
    """Many streams open at once, of which every byte is compared with what the mock sends."""
    request = native(f"{FLASH}-slow", stream=True)
    expected = expected_stream(upstream)
    peak_mb = [0.0]
    seen = load(
        gateway_,
        request,
        connections=streams,
        seconds=SLOW_STREAM_S,
        expected=expected,
        meanwhile=lambda: peak_mb.append(gateway_.resident_mb),
    )
    return OpenStreams(max(peak_mb), seen.answers, seen.errors)


@dataclass(frozen=True, slots=True)
class Bodies:
    """Large requests.

    against_nginx   the wall time of a request of 1 MB, over nginx's; None without nginx
    grown_mb        by how much four requests of 20 MB at once let the resident memory grow, at most
    """

    against_nginx: float | None
    grown_mb: float


def large_bodies(gateway_: Program, nginx: Program | None, *, rounds: int, seconds: float) -> Bodies:
    """Requests of 1 MB beside nginx, then of 20 MB."""
    request = native(padding_bytes=BODY_1_MB)
    times: dict[str, list[int]] = {}
    for _ in range(rounds):
        for name, program in (("gateway", gateway_), ("nginx", nginx)):
            if program is not None:
                seen = load(program, request, connections=1, seconds=seconds)
                times.setdefault(name, []).append(seen.p50_us)
    before_mb = gateway_.resident_mb
    peak_mb = [before_mb]
    load(
        gateway_,
        native(padding_bytes=BODY_20_MB),
        connections=4,
        seconds=3.0,
        meanwhile=lambda: peak_mb.append(gateway_.resident_mb),
    )
    over = min(times["gateway"]) / min(times["nginx"]) if "nginx" in times else None
    return Bodies(over, max(peak_mb) - before_mb)


def two_workers(upstream: Program, *, rounds: int, seconds: float) -> float:
    """How many times the calls of one worker on one core two workers on two cores serve.

    By their CPU time a call, which is what a core is divided by: on a machine of two cores mock and load must
    share them with the workers, so that calls a second would tell of these as well.
    """
    with gateway(upstream) as one, gateway(upstream, core=None, workers=2) as two:
        spent: dict[int, list[float]] = {one.pid: [], two.pid: []}
        for program in [one, two] * rounds:
            seen = load(program, NATIVE.request, connections=100, seconds=seconds)
            spent[program.pid].append(seen.cpu_s / max(1, seen.answers))
        return 2 * min(spent[one.pid]) / min(spent[two.pid])


def starts(upstream: Program, *, rounds: int) -> float:
    """Seconds to the first 200, the least."""
    return min(start_s(upstream) for _ in range(rounds))


def capacity_alone(upstream: Program, *, seconds: float) -> float:
    """Calls a second that mock and load manage together on their core, with nothing between."""
    seen = load(upstream, native(), connections=50, seconds=seconds)
    return seen.answers / seen.seconds
