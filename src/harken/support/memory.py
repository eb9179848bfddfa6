"""The memory of this process: its size, and when free memory is returned to the system."""

import contextlib
import ctypes
import os
import sys
from functools import cache

__all__ = ["hand_back", "keep_freed_memory", "resident_bytes"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of ``mallopt``'s settings, from ``malloc.h``."""


def resident_bytes() -> int:
    """Bytes of memory in use (the resident set); 0 if the system does not report it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def hand_back() -> None:
    """Return memory that this process no longer uses to the system.

    Threads that run the network, and a burst of messages to a server, leave about 100 MB of free pieces. They are
    scattered between memory in use, so the C library does not return them by itself, and later allocations need
    additional memory. This works only with the GNU C library.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def keep_freed_memory() -> None:
    """Let the process keep the memory that an iteration frees for the next one. This works only with the GNU C library.

    By default, large pieces are returned to the system and allocated again. For the everyday network on a CPU this
    causes 5,000 page faults in each iteration, which take a tenth of its time. The kept memory is at most that of the
    largest iteration.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            for setting in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
                library.mallopt(setting, 1 << 30)
