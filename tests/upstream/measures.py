"""What this process uses: descriptors and memory, as the kernel counts them."""

from pathlib import Path


def open_descriptors() -> int:
    """How many descriptors this process has open (the listing's own included, every time)."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class ResidentMemory:
    """The growth of resident memory, at its highest, since this was made."""

    def __init__(self) -> None:
        # "5" resets the high-water mark to what is resident now (proc_pid_clear_refs(5)).
        Path("/proc/self/clear_refs").write_text("5")
        self._before_bytes = _status_bytes("VmRSS")

    def peak_growth_bytes(self) -> int:
        return _status_bytes("VmHWM") - self._before_bytes


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{name} is not in /proc/self/status")
