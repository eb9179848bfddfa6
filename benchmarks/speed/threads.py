"""Training with one thread and with several, beside other busy processes: seconds, and harken's choice.

    python -m benchmarks.speed.threads [--neighbours 0 1 3] [--threads 2] [--seconds 8] [--rounds 3] [--json FILE]

Each training has a process of its own and uses random windows with the presets ``everyday`` and ``notebook``. There are
four ways: one thread; several threads; several threads that wait as GNU's OpenMP does by default (in a loop of 300,000
turns); and the number that ``harken.learning.training.train`` chooses.

Only some iterations run, and the time before the first (for the choice) is divided by the iterations of a whole
training. A neighbour is a process that computes without end. In each round all ways take turns, in an order that is
reversed from one round to the next. Ratios are of the medians over rounds. The number of iterations is that of one
thread alone in ``--seconds``, and a fifth of it where threads wait in a loop, which takes up to ten times as long.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.paths import command
from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text

PRESETS = ("everyday", "notebook")
ONE, SEVERAL, LOOPING, CHOSEN = "one thread", "several threads", "several threads, waiting in a loop", "chosen"
WAYS = (ONE, SEVERAL, LOOPING, CHOSEN)
ITERATIONS = {"everyday": 1_000, "notebook": 9_000}
"""Of a whole training: the minimum of everyday, and the notebook's number."""
TRAINING = """
import json, sys, time
from dataclasses import replace
import numpy as np
import harken
import torch
from harken.networks.build import build
from harken.learning.presets import PRESETS
from harken.learning.training import LabelledSignals, Interrupted, train

name, threads, measured, iterations = sys.argv[1], int(sys.argv[2]) or None, int(sys.argv[3]), int(sys.argv[4])
preset = PRESETS[name]
channels, windows = len(preset.channels or "xyzP"), 8 * preset.training.batch_windows
random = np.random.default_rng(0)
signals = random.normal(0, 0.5, (windows, preset.window_length, channels)).astype(np.float32)
examples = LabelledSignals(torch.from_numpy(signals), torch.from_numpy(random.integers(0, 4, windows)))
settings = replace(preset.training, epochs=1, min_iterations=iterations, evaluate_every_windows=10**9)
sizes = dict(preset.sizes) | {"channels": channels, "classes": 4}
times = [time.perf_counter()]
try:
    train(
        lambda: build(preset.network, sizes),
        examples,
        settings,
        threads=threads,
        on_progress=lambda _: times.append(time.perf_counter()),
        should_stop=lambda: len(times) > measured,
    )
except Interrupted as stop:
    used = stop.history.threads
each = (times[-1] - times[1]) / (len(times) - 2)
choosing = times[1] - times[0] - each
print(json.dumps({"ms": 1000 * (each + choosing / iterations), "before_s": choosing, "threads": used}))
"""
BUSY = "while True: pass"
FEW = 20


def training(preset: str, way: str, threads: int, iterations: int) -> dict[str, Any]:
    """One training in a process of its own: ms per iteration, seconds before the first, and the number of threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    if way == LOOPING:
        environment["GOMP_SPINCOUNT"] = "300000"
        iterations = max(FEW, iterations // 5)
    number = {ONE: 1, CHOSEN: 0}.get(way, threads)
    words = [sys.executable, "-c", TRAINING, preset, str(number), str(iterations), str(ITERATIONS[preset])]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """So many processes that compute without end."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def compare(preset: str, count: int, arguments: argparse.Namespace, iterations: int) -> dict[str, Any]:
    """All ways beside ``count`` neighbours."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with neighbours(count):
        for number in range(arguments.rounds):
            for way in WAYS if number % 2 == 0 else reversed(WAYS):
                found[way].append(training(preset, way, arguments.threads, iterations))
                print(f"{preset}, {count} neighbours, {way}: {found[way][-1]}", file=sys.stderr, flush=True)
    times = {way: [round(one["ms"], 2) for one in each] for way, each in found.items()}
    medians = {way: statistics.median(each) for way, each in times.items()}
    return {
        "preset": preset,
        "neighbours": count,
        "iterations": iterations,
        "ms_per_iteration": times,
        "times_one_thread": {way: round(medians[way] / medians[ONE], 3) for way in WAYS},
        "threads_chosen": [one["threads"] for one in found[CHOSEN]],
        "seconds_to_choose": [round(one["before_s"], 2) for one in found[CHOSEN]],
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 1, 3], help="numbers of busy processes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8, help="of a training with one thread alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    rows = []
    for preset in arguments.presets:
        once = training(preset, ONE, 1, FEW)["ms"] / 1000
        for count in arguments.neighbours:
            rows.append(compare(preset, count, arguments, max(FEW, round(arguments.seconds / once))))
    made = made_with()
    result = {
        "command": command("speed.threads", sys.argv[1:]),
        **made,
        "machine": made["machine"] | {"threads": arguments.threads},
        "results": rows,
    }
    for row in rows:
        shares = ", ".join(f"{way} {share:.2f}" for way, share in row["times_one_thread"].items())
        print(f"{row['preset']}, {row['neighbours']} busy neighbours: {shares}; chosen: {row['threads_chosen']}")
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
