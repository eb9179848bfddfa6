"""The memory of this process: how much of it there is, and that what is free goes back to the system."""

import ctypes
import os

__all__ = ["give_back", "resident_bytes"]


def resident_bytes() -> int:
    """What of it is in use; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def give_back() -> None:
    """Give back what is free. After a burst of messages the C library would keep it, between what is still in use."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, TypeError, AttributeError):
        return  # only glibc's has to be told
    trim(0)
