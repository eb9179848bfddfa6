"""The memory of this process: how much of it there is, and that what is free goes back to the system."""

import ctypes
import os
import sys

__all__ = ["hand_back", "resident_bytes"]


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
