"""The memory of this process: how much of it there is, and that what is free goes back to the system."""

import contextlib
import ctypes
import os
import sys
from functools import cache

__all__ = ["hand_back", "keep_freed_memory", "resident_bytes"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of ``mallopt``'s settings, from ``malloc.h``."""


def resident_bytes() -> int:
    """What of it is in use; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def hand_back() -> None:
    """Hand memory that this process no longer uses back to the system.

    Threads that ask the network, and a burst of messages to a server, leave a hundred megabytes of free pieces behind,
    too scattered between what is still in use for the C library to return by itself; what is made next comes on top of
    them. Only the GNU C library can be asked.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def keep_freed_memory() -> None:
    """Let the process keep memory that a step frees for the next one, on a CPU and where the C library is GNU's.

    It would give large pieces back to the system and take them anew: 5,000 faults in each step of the everyday network,
    a tenth of its time. What was kept is at most what the largest step took.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            for setting in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
                library.mallopt(setting, 1 << 30)
