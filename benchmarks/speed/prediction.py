"""Windows per second that harken labels, beside the same network called in PyTorch alone.

    python -m benchmarks.speed.prediction [--rounds 20] [--threads 2] [--json FILE]

The workload is the recipe ``everyday``: windows of 10 s (300 samples of x, y and z); one, 64, 1,024, and the 8,640 of a
day. Bare PyTorch is the same network in evaluation mode under ``torch.inference_mode``, on an existing tensor, with
softmax, in batches of the size that was fastest in a trial just before. harken gives the same probabilities for
``Windows`` (``Recogniser.predict_proba``) and for an array (``ActivityClassifier.predict_proba``, which also checks for
missing values). Both check and copy their input.

The programs take turns in one process, so that other work on the machine slows all of them, and ratios are computed
within each round. The aim is a ratio of 1: no slower than bare PyTorch.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harken import ActivityClassifier, Windows
from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text

NUMBERS = (1, 64, 1024, 8640)
BATCHES = (32, 64, 96, 128, 192, 256, 512, 1024)
CHANNELS, CLASSES = ("x", "y", "z"), 8
LENGTH, RATE_HZ = 300, 30.0
AT_LEAST_S = 0.1
"""A turn repeats the call until this time has passed, because one call on a single window is too short to time."""
TRIAL_ROUNDS = 5
BARE, ON_WINDOWS, ON_ARRAY = "bare PyTorch", "harken on Windows", "harken on an array"
Call = Callable[[], object]


def made_up(count: int) -> Windows:
    """Random windows. Their values do not change the time."""
    random = np.random.default_rng(0)
    return Windows(
        signals=random.normal(0, 0.5, (count, LENGTH, len(CHANNELS))).astype(np.float32),
        label_codes=random.integers(0, CLASSES, count).astype(np.int16),
        label_names=tuple(f"activity {number}" for number in range(CLASSES)),
        subjects=np.full(count, "nobody"),
        starts_ns=np.arange(count) * round(1e9 * LENGTH / RATE_HZ),
        start_rows=np.arange(count) * LENGTH,
        channels=CHANNELS,
        sample_rate_hz=RATE_HZ,
    )


def learned(windows: Windows) -> ActivityClassifier:
    """A classifier trained briefly. Its weights do not change the time."""
    return ActivityClassifier("everyday", epochs=1, device="cpu").fit(windows.signals, windows.labels)


def bare(network: torch.nn.Module, signals: torch.Tensor, batch: int) -> torch.Tensor:
    """Probabilities as PyTorch alone gives them, in evaluation mode, ``[n, classes]``."""
    with torch.inference_mode():
        parts = [
            torch.softmax(network(signals[start : start + batch]), dim=1) for start in range(0, len(signals), batch)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def taking_turns(calls: Mapping[Any, Call], rounds: int) -> dict[Any, list[float]]:
    """The seconds of each call in each round."""
    seconds: dict[Any, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # allocates, chooses kernels
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call))
    return seconds


def seconds_of(call: Call) -> float:
    """The mean seconds of a call, over at least ``AT_LEAST_S``."""
    began, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        passed = time.perf_counter() - began
        if passed >= AT_LEAST_S:
            return passed / calls


def measure(classifier: ActivityClassifier, count: int, rounds: int) -> dict[str, Any]:
    """All programs on so many windows."""
    windows = made_up(count)
    recogniser = classifier.recogniser_
    network = recogniser.network_.eval()
    signals = torch.from_numpy(windows.signals.copy())
    sizes = sorted({min(size, count) for size in BATCHES})
    trial = taking_turns({size: partial(bare, network, signals, size) for size in sizes}, TRIAL_ROUNDS)
    tried = {size: statistics.median(seconds) for size, seconds in trial.items()}
    best = min(sizes, key=lambda size: tried[size])
    calls: dict[str, Call] = {
        BARE: partial(bare, network, signals, best),
        ON_WINDOWS: partial(recogniser.predict_proba, windows),
        ON_ARRAY: partial(classifier.predict_proba, windows.signals),
    }
    for call in calls.values():  # a comparison is valid only when all give the same result
        np.testing.assert_allclose(np.asarray(call()), np.asarray(calls[BARE]()), atol=1e-6)
    seconds = taking_turns(calls, rounds)
    return {
        "windows": count,
        "bare_batch": best,
        "bare_trial_windows_per_s": {size: count / median for size, median in tried.items()},
        "seconds": seconds,
        "median_windows_per_s": {name: count / statistics.median(each) for name, each in seconds.items()},
        "times_bare": {name: spread(seconds[name], seconds[BARE]) for name in (ON_WINDOWS, ON_ARRAY)},
    }


def spread(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Median and quartiles of the ratios ours / theirs within each round; below 1, ours is faster."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"median": median, "lower_quartile": lower, "upper_quartile": upper}


def line(found: Mapping[str, Any], name: str) -> str:
    """A row of the table."""
    speed = f"{found['windows']:8,} {name:20}{found['median_windows_per_s'][name]:14,.0f}"
    if name == BARE:
        return f"{speed}   in batches of {found['bare_batch']}"
    ratio = found["times_bare"][name]
    return f"{speed}{ratio['median']:12.3f}  ({ratio['lower_quartile']:.3f} to {ratio['upper_quartile']:.3f})"


def main() -> None:
    """Measure, print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="at least 2")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch, for all programs")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("a spread needs at least 2 rounds")
    torch.set_num_threads(arguments.threads)
    classifier = learned(made_up(256))
    print(f"{'windows':>8} {'':20}{'per second':>14}{'times bare':>12}  (quartiles)")
    results = []
    for count in NUMBERS:
        results.append(measure(classifier, count, arguments.rounds))
        for name in (BARE, ON_WINDOWS, ON_ARRAY):
            print(line(results[-1], name), flush=True)
    if arguments.json:
        made = made_with()
        result = {
            "command": "python -m benchmarks.speed.prediction "
            f"--rounds {arguments.rounds} --threads {arguments.threads}",
            "commit": made["git_commit"],
            "versions": made["versions"],
            "machine": made["machine"] | {"threads": torch.get_num_threads()},
            "preset": "everyday",
            "window": [LENGTH, len(CHANNELS)],
            "rounds": arguments.rounds,
            "results": results,
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
