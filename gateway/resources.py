"""What a serving process asks for itself: large blocks given back, files enough, garbage seldom looked for.

Asked before anything is opened; workers inherit it.
"""

import contextlib
import ctypes
import gc
import resource
from typing import Final

LARGE_BYTES: Final = 8 * 1024 * 1024
"""Blocks from this size are mapped one by one, and unmapped when freed. Smaller ones are used again: bodies
of some megabytes are common, and for each the kernel would clear new memory first, which doubles its time."""
KEPT_BYTES: Final = 16 * 1024 * 1024
"""So much free memory may stay at the heap's end."""
OPEN_FILES: Final = 65_536
"""A stream takes two, and the front takes 20,000 connections."""
YOUNG_OBJECTS: Final = 20_000
"""By so many the objects that are alive may grow before the collector looks through the new ones. At Python's
own 700, which twenty calls under way hold, it looked again and again at what nobody had dropped: 5 to 15 % of
a call. No call leaves a cycle behind; a look takes a millisecond; it may find megabytes late."""
# malloc.h
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


class _Mallinfo2(ctypes.Structure):
    """malloc.h"""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
            "keepcost",
        )
    )  # fmt: skip


def claim_resources() -> None:
    """Ask for all of it; what the system does not grant is done without."""
    give_back_large_blocks()
    open_many_files()
    collect_seldom()


def collect_seldom() -> None:
    """Have Python look for garbage by the number of objects that many calls at once hold."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


def give_back_large_blocks() -> bool:
    """Have malloc unmap large blocks as they are freed. False where the C library has no such choice.

    By itself glibc learns from the first large block that is freed to keep such blocks, up to 32 MB each:
    after requests of 20 MB the process would hold hundreds of megabytes for ever. Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))


def free_bytes() -> int:
    """What malloc holds that nobody uses; 0 where the C library does not tell. Source: mallinfo2(3)."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return 0
    mallinfo2.restype = _Mallinfo2
    return int(mallinfo2().fordblks)


def give_back_free_memory() -> None:
    """Have malloc give all of that to the system, also what lies between blocks in use.

    Takes a millisecond for each ten megabytes, during which nobody else gets memory. Source: malloc_trim(3).
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def open_many_files() -> int:
    """Raise the limit of open files as far as this user may, and no further than is of use; gives the limit.

    Shells and systemd allow 1,024 unless they are told otherwise, and any process may raise that to its hard
    limit. Source: getrlimit(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # some sandboxes refuse even that
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
