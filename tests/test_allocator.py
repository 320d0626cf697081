"""Large blocks go back to the system though something small was allocated behind them."""

import subprocess
import sys

MB = 1_000_000
_PROGRAM = """
import sys
from pathlib import Path
from gateway.allocator import give_back_large_blocks

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


def kept_bytes(choice: str) -> int:
    """What a process has left of a block of 20 MB that it has freed."""
    return int(subprocess.check_output([sys.executable, "-c", _PROGRAM, choice], text=True))


def test_a_freed_block_is_given_back() -> None:
    assert kept_bytes("set") < 2 * MB


def test_the_allocator_would_keep_it_by_itself() -> None:
    """Else there would be no need to tell it anything."""
    assert kept_bytes("usual") > 15 * MB
