"""A busy neighbour: a process that multiplies matrices on one core without pause until its standard input is closed.

The input is closed when the process that started it ends, in whatever way, so a neighbour never stays behind. At its
end it prints the seconds of processor time that it got, and those that passed.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.command import ROOT

ROWS = 512
"""Of square matrices in float64: three times 2 MB, more than the first cache of a core."""
WORK = f"one process that multiplies matrices of {ROWS} rows in NumPy on one core"
LONGEST_END_S = 10.0


@contextmanager
def busy_neighbour() -> Iterator[dict[str, Any]]:
    """Run a neighbour meanwhile.

    Yields:
        a record for JSON, empty until the end: ``work``, and ``cores``, the share of a core that it got on average.
    """
    record: dict[str, Any] = {}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.neighbour"],
        cwd=ROOT,
        env=os.environ | threads,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "busy\n":
            raise RuntimeError("the busy neighbour did not start")
        yield record
        said, _ = process.communicate(timeout=LONGEST_END_S)  # closes its input
        cpu_s, wall_s = map(float, said.split())
        record |= {"work": WORK, "cores": cpu_s / wall_s}
    finally:
        process.kill()
        with process:  # closes its pipes and waits
            pass


def main() -> None:
    """Be the neighbour."""
    import numpy as np

    left, right = np.random.default_rng(0).normal(size=(2, ROWS, ROWS))
    product = np.empty_like(left)
    ending = threading.Thread(target=sys.stdin.read)  # returns when the input is closed
    ending.start()
    print("busy", flush=True)
    began_s, used_s = time.perf_counter(), time.process_time()
    while ending.is_alive():
        np.matmul(left, right, out=product)
    print(time.process_time() - used_s, time.perf_counter() - began_s)


if __name__ == "__main__":
    main()
