"""How many threads compute. (How they wait for one another is set in ``harken/__init__.py``.)"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["computing_threads", "usable_cores"]


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def computing_threads(count: int | None) -> Iterator[int]:
    """While it lasts, one call of PyTorch computes with so many threads; None: with as many as before.

    Gives the number from before, which is restored at the end.
    """
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
