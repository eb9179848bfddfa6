"""The time of one second of samples in a ``LiveRecogniser``, and the memory of a watch.

    python -m benchmarks.live.push [--rounds 300] [--json FILE]

A network of the recipe ``everyday`` (its weights do not change the time), one thread, and a stream at 50 Hz that is
pushed one second at a time: with the model's own hop, where one push in five runs the network, and with a hop of one
second, where each does. Requirement: a median of 5 ms (aim 1 ms), and 200 kB per watch (aim 50 kB).

Memory is the growth of Python's allocator:

- for 200 streams after two minutes of each, and after ten minutes, which must not be more;
- for 50 watches in the server (stream, an hour of labels, ten minutes of final rows, half a minute of samples, no
  socket) after two minutes and after 62, of which the last two arrive one second at a time.

``load.py`` measures the sockets as well.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.live.watches import RATE_HZ, STEP_NS, everyday_model
from harken.evaluation.benchmark.machine import made_with
from harken.labelling.live import LiveRecogniser, LiveSettings, StreamSpecification, Update, Watch, advance
from harken.models.recogniser import Recogniser
from harken.server.limits import Limits
from harken.server.session import Session
from harken.support.files import write_text

Take = Callable[[NDArray[np.float32], NDArray[np.int64]], object]
STREAMS, SESSIONS = 200, 50
START_NS = 1_700_000_000 * 10**9


@cache
def seconds_of_wrist(count: int) -> list[NDArray[np.float32]]:
    """So many seconds of a signal like that of a wrist."""
    made = np.random.default_rng(0)
    t = np.arange(count * RATE_HZ) / RATE_HZ
    signals = np.stack([0.4 * np.sin(6.9 * t), 0.3 * np.sin(13.8 * t), np.ones(len(t))], axis=1)
    signals = (signals + made.normal(0, 0.02, signals.shape)).astype(np.float32)
    return np.split(signals, count)


def pushes(recogniser: Recogniser, hop_s: float | None, rounds: int) -> dict[str, Any]:
    """Seconds per push, after a warm-up of one window."""
    stream = LiveRecogniser(recogniser, LiveSettings(hop_s=hop_s))
    each = seconds_of_wrist(rounds + 15)
    seconds, labels = [], 0
    for number, signals in enumerate(each):
        time_ns = START_NS + (number * RATE_HZ + np.arange(RATE_HZ)) * STEP_NS
        began = time.perf_counter()
        updates = stream.push(signals, time_ns)
        if number >= 15:
            seconds.append(time.perf_counter() - began)
            labels += len(updates)
    lower, median, upper = statistics.quantiles(seconds, n=4)
    return {
        "hop_s": stream.specification.offline.hop_s,
        "pushes": rounds,
        "labels": labels,
        "median_s": median,
        "quartiles_s": [lower, upper],
        "p99_s": float(np.quantile(seconds, 0.99)),
    }


def memory_of_streams(specification: StreamSpecification) -> dict[str, float]:
    """The bytes of a stream after two and after ten minutes."""
    gc.collect()
    tracemalloc.start()
    watches = [Watch(specification) for _ in range(STREAMS)]
    found = {}
    for second in range(600):
        advanced(watches, [watch.add for watch in watches], second, 1)
        if second + 1 in (120, 600):
            gc.collect()
            found[f"bytes_after_{(second + 1) // 60}_minutes"] = tracemalloc.get_traced_memory()[0] / STREAMS
    tracemalloc.stop()
    return found


def memory_in_server(specification: StreamSpecification) -> dict[str, float]:
    """The bytes of a watch in the server, without its socket, after two minutes and after an hour."""
    passing = [Session("passing", specification, Limits(), 0.0) for _ in range(SESSIONS)]
    # All watches of a model share one buffer for resampling, which is as large as their longest push.
    advanced([session.stream for session in passing], [partial(one.take, now_s=0.0) for one in passing], 0, 60)
    del passing
    gc.collect()
    tracemalloc.start()
    sessions = [Session(f"watch {number}", specification, Limits(), 0.0) for number in range(SESSIONS)]
    found = {}
    steps = [*((second, 1) for second in range(120)), *((60 * minute, 60) for minute in range(2, 60))]
    steps += [(second, 1) for second in range(3600, 3720)]
    for second, length in steps:
        took = [partial(session.take, now_s=0.0) for session in sessions]
        for session, updates in zip(
            sessions, advanced([session.stream for session in sessions], took, second, length), strict=True
        ):
            session.remember(updates)
        if second + length in (120, 3720):
            gc.collect()
            found[f"bytes_after_{(second + length) // 60}_minutes"] = tracemalloc.get_traced_memory()[0] / SESSIONS
    tracemalloc.stop()
    return found


def advanced(watches: list[Watch], takes: Sequence[Take], second: int, length: int) -> list[list[Update]]:
    """Give each watch some seconds of samples. Returns its updates; the label changes every minute."""
    signals = np.concatenate(seconds_of_wrist(60)[:length])
    time_ns = START_NS + second * 10**9 + np.arange(len(signals)) * STEP_NS
    for take in takes:
        take(signals.copy(), time_ns.copy())
    advance(watches)
    labels = len(watches[0].specification.model.labels)
    answers = np.full((max(watch.due_count for watch in watches), labels), 0.1 / (labels - 1), dtype=np.float32)
    answers[:, second // 60 % labels] = 0.9
    return [watch.label(answers[: watch.due_count].copy()) for watch in watches]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="measured pushes")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        recogniser = Recogniser.load(everyday_model(Path(folder) / "everyday.safetensors"), device="cpu")
    results = [pushes(recogniser, hop_s, arguments.rounds) for hop_s in (None, 1.0)]
    for one in results:
        print(f"hop {one['hop_s']:g} s: median {1000 * one['median_s']:.2f} ms, p99 {1000 * one['p99_s']:.2f} ms")
    specification = StreamSpecification(recogniser.specification_, LiveSettings(hop_s=1.0))
    held = {
        "memory_a_stream": memory_of_streams(specification),
        "memory_a_watch_in_the_server": memory_in_server(specification),
    }
    for what, sizes in held.items():
        parts = ", ".join(f"{name.replace('_', ' ')}: {value / 1000:.1f} kB" for name, value in sizes.items())
        print(f"{what.replace('_', ' ')}: {parts}")
    if arguments.json:
        result = {
            "command": f"python -m benchmarks.live.push --rounds {arguments.rounds}",
            "push_of_a_second_at_50_hz": results,
            **held,
            **made_with(),
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
