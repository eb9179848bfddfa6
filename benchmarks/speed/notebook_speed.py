"""The notebook's recipe with all its epochs, on our own LSTM and without it: seconds, and the scores of several seeds.

    python -m benchmarks.speed.notebook_speed --data DIR --out DIR [--before CHECKOUT] [--seeds 0 1 2]
                                              [--other-seeds 0] [--threads 2] [--at-once 1] [--windows 10000]
                                              [--json FILE]

``--data`` holds recordings in the notebook's CSV format: ``--me`` for training and for the test on overlapping windows
(as in the notebook), and ``--friend``, an unseen person. Every training is the fit of the model in ``harken train ME
--cross FRIEND --preset notebook``, with the evaluations of the recipe, in a process of its own. The command's second
fit, for its test without overlap, is left out.

"nn.LSTM" is this harken with PyTorch's LSTM (``HARKEN_NATIVE=0``). "before" is an earlier harken, if ``--before`` names
one (4629fc6 is the last without our LSTM). With ``--at-once 2 --threads 1`` two trainings run side by side, each on one
core, so that other work on the machine slows both. Ratios are of the seconds of a fit, medians over seeds.

Finished trainings are kept in ``--out``, and the same command continues with them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.paths import command
from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text

OURS, NN, BEFORE = "harken", "nn.LSTM", "before"
FIT = """
import json, sys, time
from dataclasses import replace
from harken import Recogniser, random_windows, read
from harken.learning.presets import PRESETS

me, friend, (epochs, seed, windows) = sys.argv[1], sys.argv[2], map(int, sys.argv[3:])
preset = PRESETS["notebook"]
drawn = preset.windows
drawn = replace(drawn, windows=windows, training_windows=windows * drawn.training_windows // drawn.windows)
mine, theirs = (
    random_windows(read(file, as_found=True), length=preset.window_length, count=drawn.windows, seed=draw)
    for file, draw in ((me, drawn.training_seed), (friend, drawn.cross_seed))
)
training, test = mine[: drawn.training_windows], mine[drawn.training_windows :]
recogniser = Recogniser("notebook", epochs=epochs, seed=seed, device="cpu")
tests = {"same_person": test, "cross_person": theirs}
began = time.perf_counter()
recogniser.fit(training, tests=tests)
seconds = time.perf_counter() - began
accuracy = {name: recogniser.evaluate(windows).accuracy for name, windows in tests.items()}
print(json.dumps({"seed": seed, "seconds": seconds, "accuracy": accuracy}))
"""
Training = tuple[str, int]
"""The LSTM (one of the three names above), and a seed."""


def trainings(arguments: argparse.Namespace) -> list[Training]:
    """The trainings, the longest first."""
    others = [way for way in (BEFORE, NN) if way in arguments.ways]
    return [(way, seed) for way in others for seed in arguments.other_seeds] + [
        (OURS, seed) for seed in arguments.seeds
    ]


def trained(arguments: argparse.Namespace, training: Training) -> dict[str, Any]:
    """Seconds of the training, and its scores on each set of windows. A finished training is read from its file."""
    way, seed = training
    kept = arguments.out / f"{way}-{seed}.json"
    if not kept.exists():
        settings = {"HARKEN_NATIVE": "1" if way == OURS else "0", "OMP_NUM_THREADS": str(arguments.threads)}
        if way == BEFORE:
            settings["PYTHONPATH"] = str(arguments.before / "src")
        files = [str(arguments.data / name) for name in (arguments.me, arguments.friend)]
        made = subprocess.run(
            [sys.executable, "-c", FIT, *files, str(arguments.epochs), str(seed), str(arguments.windows)],
            check=True,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            text=True,
        )
        write_text(kept, made.stdout)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    accuracies = ", ".join(f"{name} {value:.4f}" for name, value in found["accuracy"].items())
    print(f"{way:8} seed {seed}: {found['seconds']:7.0f} s; {accuracies}", flush=True)
    return found


def summary(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """For each LSTM: median seconds, their ratio to ours, and the range of accuracies over seeds."""
    medians = {way: statistics.median(run["seconds"] for run in each) for way, each in runs.items()}
    return {
        way: {
            "median_seconds": medians[way],
            "times_ours": medians[way] / medians[OURS],
            "accuracy": {
                test: [min(run["accuracy"][test] for run in each), max(run["accuracy"][test] for run in each)]
                for test in each[0]["accuracy"]
            },
        }
        for way, each in runs.items()
    }


def main() -> None:
    """Train, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recordings")
    parser.add_argument("--out", type=Path, required=True, help="the folder for finished trainings")
    parser.add_argument("--me", default="merged_ab.csv", help="the training recording in --data")
    parser.add_argument("--friend", default="merged_ef.csv", help="the unseen person's recording in --data")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--windows", type=int, default=10_000, help="drawn from each recording; 10,000 in the notebook")
    parser.add_argument("--before", type=Path, help="a checkout of an earlier harken")
    parser.add_argument("--ways", nargs="+", choices=(NN, BEFORE), help="beside ours; default: all that can run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--other-seeds", type=int, nargs="+", default=[0], help="of the LSTMs beside ours")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each training")
    parser.add_argument("--at-once", type=int, default=1, help="trainings side by side")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    arguments.ways = arguments.ways or ([NN, BEFORE] if arguments.before else [NN])
    if BEFORE in arguments.ways and arguments.before is None:
        parser.error("name the checkout of the earlier harken with --before")
    arguments.out.mkdir(parents=True, exist_ok=True)
    every = trainings(arguments)
    with ThreadPoolExecutor(arguments.at_once) as pool:
        found = list(pool.map(partial(trained, arguments), every))
    runs: dict[str, list[dict[str, Any]]] = {}
    for (way, _), one in zip(every, found, strict=True):
        runs.setdefault(way, []).append(one)
    summed = summary(runs)
    for way, one in summed.items():
        ranges = ", ".join(f"{test} {low:.4f} to {high:.4f}" for test, (low, high) in one["accuracy"].items())
        print(f"{way:8}{one['median_seconds']:7.0f} s, {one['times_ours']:.2f} times ours; {ranges}")
    if arguments.json:
        made = made_with()
        result = {
            "command": command("speed.notebook_speed", sys.argv[1:]),
            "commit": made["git_commit"],
            "machine": made["machine"] | {"threads": arguments.threads, "at_once": arguments.at_once},
            "versions": made["versions"],
            "epochs": arguments.epochs,
            "windows": arguments.windows,
            "summary": summed,
            "runs": runs,
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
