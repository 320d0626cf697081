"""yardstick.py: prints how many µs an interpreter takes on this machine for what the gateway does most.

Calls, attributes, look-ups, small objects: the least of a few runs. choose-python compares two interpreters
by it, the benchmark says how fast Python was where its figures come from.
"""

import sys
from time import perf_counter


class Box:
    __slots__ = ("held", "kept")

    def __init__(self, held: dict[str, int]) -> None:
        self.held = held
        self.kept: dict[str, object] = {}

    def put(self, name: str, value: object) -> int:
        self.kept[name] = value
        return self.held.get(name, len(self.kept))


def work() -> int:
    words = {str(number): number for number in range(200)}
    total = 0
    for _ in range(20):
        box = Box(words)
        for word in words:
            total += box.put(word, (word, total))
    return total


def timed() -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    work()
    sys.stdout.write(f"{round(min(timed() for _ in range(20)) * 1e6)}\n")
