"""The measures that compare: the same load on the gateway and on its peers, in rounds, one after another.

What is compared is a program's own CPU time per call, event or stream. The machine's speed drifts by tens of
per cent within minutes, so a ratio holds only between neighbours in one run; the least of several rounds is
the one that others disturbed least.
"""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.load.programs import Program
from tests.load.traffic import Request, Seen, chat, load, native


@dataclass(frozen=True, slots=True)
class Measure:
    """One load.

    unit     what the CPU time is divided by: "answers" or "events"
    peers    who else gets it: "nginx" (natively, as it cannot translate), "portkey", "litellm"
    """

    name: str
    request: Request
    connections: int
    unit: str
    peers: tuple[str, ...] = ()


FLASH = "gemini-3.5-flash"
NATIVE = Measure("native generateContent, saturated, per call", native(), 50, "answers", ("nginx",))
CHAT = Measure("OpenAI chat completion, saturated, per call", chat(), 50, "answers", ("portkey", "litellm"))
PACED = Measure(
    "native SSE, 100 streams at 20 ms, per event",
    native(f"{FLASH}-paced", stream=True),
    100,
    "events",
    ("nginx",),
)
CHAT_PACED = Measure(
    "OpenAI SSE, 100 streams at 20 ms, per event",
    chat(f"{FLASH}-paced", stream=True),
    100,
    "events",
    ("portkey", "litellm"),
)
BURST = Measure(
    "native burst of 50 events, per stream", native(f"{FLASH}-burst", stream=True), 20, "answers", ("nginx",)
)
CHAT_BURST = Measure(
    "OpenAI burst of 50 events, per stream",
    chat(f"{FLASH}-burst", stream=True),
    20,
    "answers",
    ("portkey", "litellm"),
)
MEASURES = (NATIVE, CHAT, PACED, CHAT_PACED, BURST, CHAT_BURST)
_STREAMS_OF_SLOW_PEERS = 20


@dataclass(slots=True)
class Figures:
    """What one program showed in one measure, round by round."""

    unit: str
    rounds: list[Seen] = field(default_factory=list)

    @property
    def cpu_us(self) -> list[float]:
        return [seen.cpu_s * 1e6 / max(1, getattr(seen, self.unit)) for seen in self.rounds]

    @property
    def least_us(self) -> float:
        return min(self.cpu_us)

    @property
    def median_us(self) -> float:
        return statistics.median(self.cpu_us)

    @property
    def per_second(self) -> float:
        return max(float(getattr(seen, self.unit)) / seen.seconds for seen in self.rounds)

    @property
    def errors(self) -> int:
        return sum(seen.errors for seen in self.rounds)

    @property
    def busy(self) -> float:
        """The largest share of its core that the program used."""
        return max(seen.busy for seen in self.rounds)


Results = dict[tuple[str, str], Figures]
"""(measure, program) → figures"""


def run_rounds(programs: Mapping[str, Program], upstream: Program, *, rounds: int, seconds: float) -> Results:
    """Every measure on every program that takes it, `rounds` times over.

    programs   by name; "gateway" is among them
    """
    results: Results = {}
    for name, program in programs.items():  # what is made at the first call is no part of the rounds
        load(
            program,
            _request(NATIVE if name in ("gateway", "nginx") else CHAT, name, upstream),
            connections=4,
            seconds=0.5,
        )
    for _ in range(rounds):
        for measure in MEASURES:
            for name in ("gateway", *measure.peers):
                if name in programs:
                    seen = _once(measure, name, programs[name], upstream, seconds)
                    results.setdefault((measure.name, name), Figures(measure.unit)).rounds.append(seen)
    return results


def _once(measure: Measure, name: str, program: Program, upstream: Program, seconds: float) -> Seen:
    is_slow = name in ("portkey", "litellm")
    connections = min(measure.connections, _STREAMS_OF_SLOW_PEERS) if is_slow else measure.connections
    # A stream paced by 20 ms takes a second, and streams begin spread over one.
    return load(
        program,
        _request(measure, name, upstream),
        connections=connections,
        seconds=seconds + (1.5 if measure.unit == "events" else 0),
    )


def _request(measure: Measure, name: str, upstream: Program) -> Request:
    if name != "portkey":
        return measure.request
    models = {CHAT.name: FLASH, CHAT_PACED.name: f"{FLASH}-paced", CHAT_BURST.name: f"{FLASH}-burst"}
    return chat(models[measure.name], stream=measure.request.events > 0, portkey_to=upstream)


def ratio(results: Results, over: tuple[Measure, str], under: tuple[Measure, str]) -> float | None:
    """The CPU of `over`, over that of `under`, by the least of the rounds; None without one of them."""
    figures = [results.get((measure.name, name)) for measure, name in (over, under)]
    if figures[0] is None or figures[1] is None:
        return None
    return figures[0].least_us / figures[1].least_us


def errors(results: Iterable[Figures]) -> int:
    """Answers that were not what they must be, of the gateway's."""
    return sum(figures.errors for figures in results)
