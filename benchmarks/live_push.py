"""What a second of samples costs a ``LiveRecogniser``, and what a watch keeps in memory.

    python benchmarks/live_push.py [--rounds 300] [--json FILE]

A network of the recipe ``everyday`` (its weights do not matter to the time), one thread, a stream at 50 Hz pushed a
second at a time: at the model's own hop, where one push in five asks the network, and at a hop of a second, where each
does. To reach: a median of 5 ms (aim 1 ms), and 200 kB a watch (aim 50 kB). Memory is measured twice: as what Python's
allocator holds more for 200 watches after two minutes of each, and after ten minutes, which must be no more.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harken.benchmarking.machine import made_with
from harken.files import write_text
from harken.live import LiveRecogniser, Plan, Watch, advance
from harken.recogniser import Recogniser
from live_watches import RATE_HZ, STEP_NS, everyday_model

WATCHES = 200
START_NS = 1_700_000_000 * 10**9


def seconds_of_wrist(count: int) -> list[NDArray[np.float32]]:
    """So many seconds of something like a wrist."""
    made = np.random.default_rng(0)
    t = np.arange(count * RATE_HZ) / RATE_HZ
    signals = np.stack([0.4 * np.sin(6.9 * t), 0.3 * np.sin(13.8 * t), np.ones(len(t))], axis=1)
    signals = (signals + made.normal(0, 0.02, signals.shape)).astype(np.float32)
    return np.split(signals, count)


def pushes(recogniser: Recogniser, hop_s: float | None, rounds: int) -> dict[str, Any]:
    """Seconds a push, after a warm-up of a window."""
    stream = LiveRecogniser(recogniser, hop_s=hop_s)
    each = seconds_of_wrist(rounds + 15)
    taken, told = [], 0
    for number, signals in enumerate(each):
        time_ns = START_NS + (number * RATE_HZ + np.arange(RATE_HZ)) * STEP_NS
        began = time.perf_counter()
        updates = stream.push(signals, time_ns)
        if number >= 15:
            taken.append(time.perf_counter() - began)
            told += len(updates)
    lower, median, upper = statistics.quantiles(taken, n=4)
    return {
        "hop_s": stream.plan.offline.hop_s,
        "pushes": rounds,
        "labels": told,
        "median_s": median,
        "quartiles_s": [lower, upper],
        "p99_s": float(np.quantile(taken, 0.99)),
    }


def memory(recogniser: Recogniser) -> dict[str, float]:
    """Bytes that a watch holds, after two and after ten minutes."""
    plan = Plan(recogniser.specification_, hop_s=1.0)
    nothing = np.full((20, len(plan.specification.labels)), 1 / len(plan.specification.labels), dtype=np.float32)
    signals = seconds_of_wrist(60)
    gc.collect()
    tracemalloc.start()
    watches = [Watch(plan) for _ in range(WATCHES)]
    found = {}
    for number in range(600):
        time_ns = START_NS + (number * RATE_HZ + np.arange(RATE_HZ)) * STEP_NS
        for watch in watches:
            watch.add(signals[number % 60].copy(), time_ns.copy())
        advance(watches)
        for watch in watches:
            watch.tell(nothing[: watch.due_count])
        if number + 1 in (120, 600):
            gc.collect()
            found[f"bytes_after_{(number + 1) // 60}_minutes"] = tracemalloc.get_traced_memory()[0] / WATCHES
    tracemalloc.stop()
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        recogniser = Recogniser.load(everyday_model(Path(folder) / "everyday.safetensors"), device="cpu")
    results = [pushes(recogniser, hop_s, arguments.rounds) for hop_s in (None, 1.0)]
    for one in results:
        print(f"hop {one['hop_s']:g} s: median {1000 * one['median_s']:.2f} ms, p99 {1000 * one['p99_s']:.2f} ms")
    held = memory(recogniser)
    print(", ".join(f"{name.replace('_', ' ')}: {value / 1000:.1f} kB" for name, value in held.items()))
    if arguments.json:
        result = {
            "command": f"python benchmarks/live_push.py --rounds {arguments.rounds}",
            "push_of_a_second_at_50_hz": results,
            "memory_a_watch": held,
            **made_with(),
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
