"""The threads and the memory that this process uses, and work in a thread beside the caller's.

``harken/__init__.py`` sets how threads wait for one another.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from harken.support.errors import HarkenError

CONTAINERS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""Where Linux reports the memory of a container, in both of its versions: the folder, the limit and the used memory."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of ``mallopt``'s settings, from ``malloc.h``."""
Item = TypeVar("Item")


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_to_use() -> int:
    """Threads for a computation: PyTorch's if it is loaded, else ``OMP_NUM_THREADS`` if it is set, else all cores."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    setting = os.environ.get("OMP_NUM_THREADS", "")
    return int(setting) if setting.isdecimal() and int(setting) > 0 else usable_cores()


@contextmanager
def computing_threads(count: int | None) -> Iterator[int]:
    """In the block, a call of PyTorch computes with ``count`` threads; None: the number is unchanged.

    Yields the earlier number, which is restored at the end.
    """
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def resident_bytes() -> int:
    """Bytes of memory in use (the resident set); 0 if the system does not report it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def free_bytes() -> int | None:
    """Bytes of memory that this process can still use: of the machine, of its container, and up to the limit of the
    shell (``ulimit -v``). None if the system does not report it."""
    try:
        free = [_counts("/proc/meminfo")["MemAvailable:"] * 1024]
        used = _counts("/proc/self/status")["VmSize:"] * 1024
    except (OSError, KeyError):
        return None
    import resource  # Windows has none

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        free.append(most - used)
    for folder, limit_file, used_file in CONTAINERS:
        with contextlib.suppress(OSError, ValueError, KeyError):  # "max" if there is no limit
            limit, used = (int(Path(folder, name).read_text(encoding="ascii")) for name in (limit_file, used_file))
            files = _counts(f"{folder}/memory.stat")  # copies of files that the system drops when memory is needed
            free.append(limit - used + files["inactive_file"] + files["active_file"])
    return max(0, min(free))


def _counts(path: str) -> dict[str, int]:
    """The numbers in a file of the system, by the word before each."""
    rows = (line.split() for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}


def need_memory(needed_bytes: int, what: str, advice: str, *, path: object = None) -> None:
    """Raise a HarkenError when ``what`` needs more memory than is free.

    Args:
        needed_bytes: the memory that it needs.
        what: the beginning of the message, such as ``the samples out of order``.
        advice: how to proceed with less memory.
        path: the file or recording that needs it; None: something else.
    """
    free = free_bytes()
    if free is not None and needed_bytes > free:
        raise HarkenError(
            f"{what} need about {needed_bytes / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free; {advice}",
            path=path,
        )


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


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each computed in a thread while the caller works on the one before.

    Reading and unpacking a file and most of NumPy let other threads run meanwhile. One item more is in memory. Errors
    are raised where the item would have come.

    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="harken-reading") as executor:
        coming = executor.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = executor.submit(next, items, end)
            yield item  # type: ignore[misc]
