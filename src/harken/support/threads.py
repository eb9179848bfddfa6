"""How many threads compute. (How they wait for one another is set in ``harken/__init__.py``.)"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["computing_threads", "fastest_threads", "usable_cores"]

SECONDS_TO_COMPARE = 1.0
SHARE_TO_COMPARE = 0.03
FEWEST_TURNS = 4
LARGEST_SHARE = 0.9
"""More threads are taken when they need at most this share of the time."""
CLEAR = 1.3
"""A comparison ends when one number needs so much more time than the other."""


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


def fastest_threads(iteration: Callable[[], object], most: int, iterations: int) -> int:
    """The number of threads that does an iteration of training in the least time, as the machine is now.

    1 and 2 threads take turns, then the faster of them and 4, and so on up to ``most``: what else the machine does then
    slows all of them alike. More threads must save a tenth of the time, so that a doubtful gain does not decide. All
    this takes about 3 % of the training, and at most 1 s for each comparison.

    Args:
        iteration: does one.
        most: the largest number to try.
        iterations: of the whole training; one that is too short for a comparison gets 1 thread.
    """
    import torch

    sizes = [2**power for power in range(1, most.bit_length()) if 2**power < most] + [most] * (most > 1)
    best = 1
    with computing_threads(best):
        once = min(_seconds(iteration) for _ in range(2)) if sizes else 0.0
        allowed = min(SECONDS_TO_COMPARE, SHARE_TO_COMPARE * once * iterations / max(1, len(sizes)))
        for threads in sizes:
            if allowed < 2 * FEWEST_TURNS * once:
                break
            torch.set_num_threads(threads)
            iteration()  # starts the threads
            times = {best: 0.0, threads: 0.0}
            turns = 0
            while sum(times.values()) < allowed or turns < FEWEST_TURNS:
                for each in times:
                    torch.set_num_threads(each)
                    times[each] += _seconds(iteration)
                turns += 1
                if turns >= FEWEST_TURNS and max(times.values()) > CLEAR * min(times.values()):
                    break
            if times[threads] > LARGEST_SHARE * times[best]:
                break
            best = threads
    return best


def _seconds(iteration: Callable[[], object]) -> float:
    began = time.perf_counter()
    iteration()
    return time.perf_counter() - began
