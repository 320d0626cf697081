"""A serving process gives large blocks back, opens as many files as it may, and seldom looks for garbage."""

import resource
import subprocess
import sys

import pytest

from gateway.resources import OPEN_FILES

MB = 1_000_000
_KEEPING = """
import sys
from pathlib import Path
from gateway.resources import give_back_large_blocks

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "set":
    assert give_back_large_blocks()
before = resident_bytes()
block = b"x" * 20_000_000
del block
block = b"x" * 20_000_000
behind = [b"x" * 2_000 for _ in range(100)]
del block
print(resident_bytes() - before)
"""
_BETWEEN = """
from pathlib import Path
from gateway.resources import free_bytes, give_back_free_memory

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [b"x" * 100_000 for _ in range(400)]
full, free = resident_bytes(), free_bytes()
del blocks[::2]  # what is left keeps each of these from its neighbour
print(free_bytes() - free, full - resident_bytes())
give_back_free_memory()
print(full - resident_bytes())
"""
_OPENING = """
import resource
import sys
from gateway.resources import claim_resources

resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
claim_resources()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
_CALLING = """
import gc
from gateway.resources import claim_resources

claim_resources()
gc.collect()
looks = []
gc.callbacks.append(lambda phase, info: looks.append(phase))
for _ in range(20):
    under_way = [[object] for _ in range(5_000)]
    del under_way
print(len(looks))
for_ever = [[object] for _ in range(25_000)]
print(len(looks))
"""
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if HARD == resource.RLIM_INFINITY:
    HARD = 2 * OPEN_FILES


def told(program: str, *arguments: object) -> list[int]:
    """What a process of its own prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return [int(word) for word in subprocess.check_output(command, text=True).split()]


def test_a_freed_block_is_given_back_though_something_stands_behind_it() -> None:
    (kept_bytes,) = told(_KEEPING, "set")

    assert kept_bytes < 2 * MB


def test_the_allocator_would_keep_it_by_itself() -> None:
    """Else there would be no need to tell it anything."""
    (kept_bytes,) = told(_KEEPING, "usual")

    assert kept_bytes > 15 * MB


def test_what_lies_free_between_blocks_is_known_and_given_back_when_asked() -> None:
    free, by_itself, when_asked = told(_BETWEEN)

    assert free > 19 * MB
    assert by_itself < 5 * MB
    assert when_asked > 15 * MB


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [
        (256, 512, 512),
        (256, HARD, min(HARD, OPEN_FILES)),
        (HARD, HARD, HARD),
    ],
    ids=["to the hard limit", "to what is of use", "never lower"],
)
def test_the_limit_of_open_files_is_raised(soft: int, hard: int, wanted: int) -> None:
    assert told(_OPENING, soft, hard) == [wanted, hard]


def test_the_collector_does_not_look_again_and_again_at_what_calls_under_way_hold() -> None:
    while_calls_come_and_go, while_something_grows = told(_CALLING)

    assert not while_calls_come_and_go
    assert while_something_grows
