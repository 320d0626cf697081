"""The memory allocator below Python, told to give large blocks back to the system once they are freed.

By itself glibc learns from the first large block that is freed to keep such blocks, up to 32 MB each: after
requests of 20 MB the process would hold hundreds of megabytes for ever. Called by each process that serves.
"""

import ctypes
from typing import Final

LARGE_BYTES: Final = 2 * 1024 * 1024
"""Blocks from this size are mapped one by one, and unmapped when freed. Smaller ones are used again: bodies
of a megabyte are common, and new memory for each would be filled with zeros by the kernel first."""
KEPT_BYTES: Final = 8 * 1024 * 1024
"""So much free memory may stay at the heap's end."""
# malloc.h
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def give_back_large_blocks() -> bool:
    """Set it for this process. False where the C library has no such choice. Source: mallopt(3)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
