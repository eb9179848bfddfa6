"""Seconds to smooth a week.

    python -m benchmarks.speed.smoothing [--rounds 10] [--json FILE]

The work is ``harken.timelines.smooth`` (posteriors and the most probable path) on the rows of a day (17,280) and of a
week (120,960), 5 s each, with eight labels and random probabilities; and once more with rows of different lengths.
Beside it is the same forward-backward and Viterbi algorithm as a loop over the rows, each row in NumPy, with the same
results. The two take turns. Seconds are of the processor (one thread), as medians. The aim is 0.5 s for a week.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text
from harken.timelines import EXPECTED_BOUT_S, smooth
from harken.timelines.smoothing import TRUST, transitions

STEPS = {"day": 17_280, "week": 120_960}
LABELS = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
EXPECTED_S = np.array([EXPECTED_BOUT_S[label] for label in LABELS])
REACH_S = 0.5
OURS, LOOP = "harken", "a loop over the rows"
Floats = NDArray[np.float64]


def made_up(steps: int, *, uneven: bool) -> tuple[Floats, Floats]:
    """Probabilities and elapsed seconds."""
    random = np.random.default_rng(0)
    elapsed_s = random.uniform(1, 9, steps) if uneven else np.full(steps, 5.0)
    return random.dirichlet(np.full(len(LABELS), 0.5), steps), elapsed_s


def loop(probabilities: Floats, elapsed_s: Floats, expected_s: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The plain algorithm, one row at a time."""
    n, labels = probabilities.shape
    different, which = np.unique(np.concatenate([[np.inf], elapsed_s[1:]]), return_inverse=True)
    matrices = transitions(expected_s, different)
    logs, evidence = np.log(matrices), TRUST * probabilities + (1 - TRUST) / labels
    log_evidence = np.log(evidence)
    forward, before = np.empty((n, labels)), np.empty((n, labels), dtype=np.int64)
    now, score = np.full(labels, 1 / labels), np.zeros(labels)
    for t in range(n):
        now = now @ matrices[which[t]] * evidence[t]
        now /= now.sum()
        forward[t] = now
        candidates = score[:, None] + logs[which[t]]
        before[t] = candidates.argmax(axis=0)
        score = candidates.max(axis=0) + log_evidence[t]
    path = np.empty(n, dtype=np.int64)
    path[-1] = score.argmax()
    backward = np.ones(labels)
    for t in range(n - 1, 0, -1):
        path[t - 1] = before[t, path[t]]
        backward = matrices[which[t]] @ (evidence[t] * backward)
        backward /= backward.sum()
        forward[t - 1] *= backward
        forward[t - 1] /= forward[t - 1].sum()
    return forward, path


def seconds_of(call: Callable[[], object]) -> float:
    """The processor seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def measure(name: str, rounds: int, *, uneven: bool) -> dict[str, Any]:
    """Both algorithms on the same rows, in turns."""
    probabilities, elapsed_s = made_up(STEPS[name], uneven=uneven)
    calls: dict[str, Callable[[], tuple[NDArray[np.floating], NDArray[np.int64]]]] = {
        OURS: partial(smooth, probabilities, elapsed_s, EXPECTED_S.tolist()),
        LOOP: partial(loop, probabilities, elapsed_s, EXPECTED_S),
    }
    answers = [call() for call in calls.values()]  # a comparison is valid only when both give the same result
    np.testing.assert_allclose(answers[0][0], answers[1][0], atol=1e-9)
    np.testing.assert_array_equal(answers[0][1], answers[1][1])
    seconds: dict[str, list[float]] = {who: [] for who in calls}
    for _ in range(rounds):
        for who, call in calls.items():
            seconds[who].append(seconds_of(call))
    medians = {who: statistics.median(each) for who, each in seconds.items()}
    return {"what": name, "steps": STEPS[name], "uneven": uneven, "median_s": medians, "seconds": seconds}


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    results = []
    for name, uneven in (("day", False), ("week", False), ("week", True)):
        results.append(found := measure(name, arguments.rounds, uneven=uneven))
        ours, theirs = found["median_s"][OURS], found["median_s"][LOOP]
        steps = f"{found['steps']:,} rows{' of different lengths' if uneven else ''}"
        print(f"{name}, {steps}: {ours:.3f} s; {LOOP}: {theirs:.2f} s ({theirs / ours:.0f} x)", flush=True)
    if arguments.json:
        made = made_with()
        result = {
            "command": f"python -m benchmarks.speed.smoothing --rounds {arguments.rounds}",
            "commit": made["git_commit"],
            "versions": made["versions"],
            "machine": made["machine"],
            "to_reach_s_a_week": REACH_S,
            "results": results,
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
