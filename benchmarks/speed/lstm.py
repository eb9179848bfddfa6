"""Our own LSTM beside other libraries (PyTorch, torch.compile, Keras/TensorFlow, JAX, ONNX Runtime, OpenVINO).

    python -m benchmarks.speed.lstm [--threads 2] [--rounds 12] [--peers-python PYTHON] [--libraries NAME ...]
                                    [--hours 24] [--json FILE] [--instructions avx2] [--neighbour] [--only-everyday]

There are five measurements. In each the programs take turns, so that other work on the machine slows all of them:

- a training step and a forward pass of the notebook's network (100 windows of 512 samples and 4 channels, 2 x 32 units)
  with dropout, cross-entropy, L2 and Adam; each library in a process of its own (``lstm_peers.py``);
- training of the recipe ``everyday`` with harken's own loop, with our kernels, and with ``nn.LSTM`` and PyTorch's other
  layers (``HARKEN_NATIVE=0``); with ``--only-everyday`` this alone;
- the labels of a simulated day (``--hours``) by the packaged model: in harken, and with the network in each library for
  inference (``day_peers.py``);
- the share of the processor's peak (a loop of multiplications and additions in registers, on as many threads) that the
  forward pass of the two LSTM layers reaches;
- the cost of one time step of one window as batch and length grow.

Before anything is measured, all libraries must give the same probabilities, to 1e-5.

A time is that of the best call of a round. A ratio is the median over rounds of the other library's time over ours in
the same round, so above 1 ours is faster. ``training_ratio``, ``inference_ratio`` and ``labelling_ratio`` are those of
the fastest library. The libraries come with the extra ``bench``, in this environment or in that of ``--peers-python``,
which needs harken and its extra ``train``, too. A library that does not start is left out with a message.
``--libraries`` and ``--hours`` make a small trial.
"""

import argparse
import os
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from benchmarks.command import ROOT, command, options_of, write_result
from benchmarks.conditions import add_conditions, conditions
from benchmarks.speed import day_peers, lstm_peers
from benchmarks.speed.contestants import Contestant, compared, require_same, serve_calls

OURS = "harken"
IN_THIS_PYTHON = (OURS, "PyTorch", "torch.compile")
"""The other libraries may be in the environment of ``--peers-python``."""
PROGRAMS = ("harken", "NumPy", "OpenBLAS", "PyTorch", "TensorFlow", "OpenVINO")
TIMES_A_ROUND = {"training": 3, "inference": 5, "everyday": 1, "labelling": 1}
BATCHES, BATCH_LENGTH = (1, 16, 64, 256, 1024, 4096), 64
LINEAR_ABOVE = 16
"""Batches. In smaller ones the cost of the call itself matters, so they are shown but not counted."""
LENGTHS, LENGTH_BATCH = (64, 256, 1024, 4096, 8192), 64
PEAK_ROUNDS = 300_000


EVERYDAY_STEPS = 6
LIBRARIES = tuple(name for name in lstm_peers.CONTESTANTS if name != OURS)


class Settings(NamedTuple):
    """The options of the whole measurement.

    Attributes:
        libraries: those that take part beside harken.
        hours: the length of the recording that is labelled.
    """

    threads: int
    rounds: int
    peers_python: str
    libraries: Sequence[str]
    hours: float


def everyday() -> Callable[[], object]:
    """A training of the recipe ``everyday`` of some iterations."""
    import torch

    from harken.networks.presets import PRESETS
    from harken.networks.pytorch import build
    from harken.networks.training_loop import LabelledSignals, TrainingTask, train

    recipe = PRESETS["everyday"]
    count = EVERYDAY_STEPS * recipe.training.batch_windows
    settings = recipe.trained(epochs=1, min_iterations=0, evaluate_every_windows=10**9).training
    torch.manual_seed(0)
    examples = LabelledSignals(torch.randn(count, recipe.window_length, 3) / 2, torch.randint(0, 8, (count,)))
    sizes = {**recipe.sizes, "channels": 3, "classes": 8}
    return lambda: train(TrainingTask(lambda: build("everyday", sizes), examples, settings, vectors=((0, False),)))


def peak_gflops(threads: int) -> float:
    """The speed of so many threads with multiplications and additions alone."""
    from harken.networks.native import library, modules

    found = modules.load()
    assert found is not None
    level = library.LEVELS.index(library.instructions())
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = list(pool.map(lambda _: found.harken_lstm_multiply_add(level, PEAK_ROUNDS), range(threads)))
        return float(sum(done)) / (time.perf_counter() - began) / 1e9


def forward_call(batch: int, length: int) -> Callable[[], object]:
    """A forward pass of the two LSTM layers of the notebook's network."""
    import torch

    from harken.networks.native.modules import FusedLSTM

    torch.manual_seed(0)
    network, x = FusedLSTM(32, 32, 2, batch_first=True), torch.randn(batch, length, 32)

    def call() -> object:
        with torch.inference_mode():
            return network(x)

    call()
    return call


def best_seconds(call: Callable[[], object], times: int) -> float:
    """The seconds of the fastest call."""
    return min(timeit.repeat(call, number=1, repeat=times))


def share_of_peak(threads: int, rounds: int) -> dict[str, float]:
    """The operations per second of a forward pass of 100 windows, over the peak measured just before."""
    call = forward_call(100, 512)
    operations = 100 * 512 * 2 * 8 * 32 * 64
    peak_gflops(threads)
    peaks, speeds = [], []
    for _ in range(rounds):
        peaks.append(max(peak_gflops(threads) for _ in range(3)))
        speeds.append(operations / best_seconds(call, 5) / 1e9)
    shares = [speed / peak for speed, peak in zip(speeds, peaks, strict=True)]
    return {
        "peak_gflops": statistics.median(peaks),
        "forward_gflops": statistics.median(speeds),
        "share": statistics.median(shares),
    }


def growth(rounds: int) -> dict[str, Any]:
    """The nanoseconds of one time step of one window, for each batch and length, and the ratio of largest to smallest.

    Freed memory is kept for the next call, as in harken's training. Otherwise requesting the 33 MB of the largest
    results from the system again would be a fifth of their time.
    """
    from harken.support.resources import keep_freed_memory

    keep_freed_memory()
    found: dict[str, Any] = {}
    shapes = {
        "batch": {batch: (batch, BATCH_LENGTH) for batch in BATCHES},
        "length": {length: (LENGTH_BATCH, length) for length in LENGTHS},
    }
    for axis, sizes in shapes.items():
        calls = {size: forward_call(*shape) for size, shape in sizes.items()}
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(rounds):
            for size, (batch, length) in sizes.items():
                times[size].append(best_seconds(calls[size], 3) / (batch * length) * 1e9)
        costs = {size: min(values) for size, values in times.items()}
        counted = [cost for size, cost in costs.items() if axis == "length" or size > LINEAR_ABOVE]
        found[axis] = {"nanoseconds_a_step": costs, "dearest_over_cheapest": max(counted) / min(counted)}
    return found


def started(module: str, names: Sequence[str], settings: Settings, *words_after: str) -> dict[str, Contestant]:
    """Start the contestants of a module that take part. Print a message for each that does not start."""
    found = {}
    for name in names:
        if name not in (OURS, *settings.libraries):
            continue
        python = sys.executable if name in IN_THIS_PYTHON else settings.peers_python
        words = [python, "-m", f"benchmarks.speed.{module}", name, *words_after]
        found[name] = Contestant(words, settings.threads, PYTHONPATH=str(ROOT / "src"))
        if found[name].reason:
            print(f"{name}: left out ({found[name].reason})", file=sys.stderr)
    return found


def in_turns(contestants: Mapping[str, Contestant], whats: Sequence[str], rounds: int) -> dict[str, Any]:
    """Require the same probabilities and compare the contestants, and end them."""
    try:
        found: dict[str, Any] = {f"{whats[-1]}_differences": require_same(contestants, OURS)}
        for what in whats:
            found[what] = compared(contestants, what, rounds, ours=OURS, times_a_round=TIMES_A_ROUND[what])
            found[f"{what}_ratio"] = min(found[what]["ratio"].values())
        return found
    finally:
        for one in contestants.values():
            one.stop()


def trainings_of_everyday(threads: int, rounds: int) -> dict[str, Any]:
    """Training on our kernels, and on PyTorch's layers."""
    words = [sys.executable, "-m", "benchmarks.speed.lstm", "--serve-everyday"]
    contestants = {OURS: Contestant(words, threads), "nn.LSTM": Contestant(words, threads, HARKEN_NATIVE="0")}
    return in_turns(contestants, ("everyday",), rounds)


def measure(settings: Settings) -> dict[str, Any]:
    """Make all measurements."""
    import torch

    from harken.networks.native import library

    threads, rounds = settings.threads, settings.rounds
    torch.set_num_threads(threads)
    found: dict[str, Any] = {"instruction_set": library.instructions()}
    found["forward"] = share_of_peak(threads, rounds)
    contestants = started("lstm_peers", tuple(lstm_peers.CONTESTANTS), settings)
    found["left_out"] = {name: one.reason for name, one in contestants.items() if one.reason}
    found |= in_turns(contestants, ("training", "inference"), rounds)
    found |= trainings_of_everyday(threads, rounds)
    contestants = started("day_peers", day_peers.CONTESTANTS, settings, str(settings.hours))
    found |= in_turns(contestants, ("labelling",), min(rounds, 4))
    return found | {"growth": growth(max(2, rounds // 2))}


def main() -> None:
    """Measure and write."""
    parser = options_of(__doc__, None, threads=os.cpu_count() or 1, rounds=12, hours=24.0)
    parser.add_argument(
        "--peers-python",
        metavar="PYTHON",
        default=sys.executable,
        help='another Python that has the other libraries; run PYTHON -m pip install ".[train,bench]" here first',
    )
    parser.add_argument(
        "--libraries", nargs="*", choices=LIBRARIES, metavar="NAME", default=LIBRARIES, help="only these beside harken"
    )
    parser.add_argument("--only-everyday", action="store_true", help="measure only the training of everyday")
    parser.add_argument("--serve-everyday", action="store_true", help=argparse.SUPPRESS)
    add_conditions(parser)
    arguments = parser.parse_args()
    if arguments.serve_everyday:
        serve_calls({"everyday": everyday()})
        return
    threads, rounds = arguments.threads, arguments.rounds
    with conditions(arguments, PROGRAMS, arguments.peers_python) as under:
        if arguments.only_everyday:
            found = trainings_of_everyday(threads, rounds)
        else:
            libraries, hours = tuple(arguments.libraries), arguments.hours
            found = measure(Settings(threads, rounds, arguments.peers_python, libraries, hours))
    content = {"threads": threads, "conditions": under, **found}
    write_result(arguments.json, command("speed.lstm"), content)


if __name__ == "__main__":
    main()
