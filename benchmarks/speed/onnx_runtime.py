"""Windows per second of an exported model in ONNX Runtime, beside the same network in PyTorch.

    python -m benchmarks.speed.onnx_runtime [--rounds 20] [--json FILE] [--instructions avx2] [--neighbour]

The network is that of the recipe ``everyday``, with windows of 10 s (300 samples of x, y and z), one and 64 at a time,
with one thread and with two. The programs take turns in one process:

- bare PyTorch with its own LSTM (``torch.inference_mode`` on an existing tensor, temperature and softmax);
- the same with harken's LSTM, where it was built;
- the first, compiled by ``torch.compile`` with frozen weights, and the exported model in OpenVINO (float32), where they
  run (extra ``bench``; ``torch.compile`` needs a C++ compiler);
- ``Recogniser.predict_proba`` on ``Windows``;
- ``ExportedRecogniser.predict_proba`` on an array.

Ratios are computed within each round. Requirement: for one window the exported model is no slower than PyTorch. Aim: it
is twice as fast.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.conditions import add_conditions, conditions
from benchmarks.paths import command
from benchmarks.speed.day_peers import openvino, torch_compile, with_pytorchs_lstm
from benchmarks.speed.prediction import made_up, spread
from harken import Recogniser
from harken.evaluation.benchmark.machine import made_with
from harken.models.onnx.export import exported_bytes
from harken.models.onnx.runtime import ExportedRecogniser
from harken.networks.native.library import instructions, load
from harken.support.files import write_text

BATCHES, THREADS = (1, 64), (1, 2)
CHANNELS, CLASSES = ("x", "y", "z"), 8
LENGTH, RATE_HZ = 300, 30.0
AT_LEAST_S = 0.1
"""A turn repeats the call until this time has passed."""
PLAIN, BARE = "bare PyTorch, its own LSTM", "bare PyTorch, harken's LSTM"
COMPILED, OPENVINO = "torch.compile", "OpenVINO"
OURS, EXPORTED = "Recogniser", "ExportedRecogniser"


def bare(network: torch.nn.Module, signals: torch.Tensor, temperature: float) -> torch.Tensor:
    """Probabilities as PyTorch alone gives them, ``[n, classes]``."""
    with torch.inference_mode():
        return torch.softmax(network(signals) / temperature, dim=1)


def seconds_of(call: Callable[[], object]) -> float:
    """The mean seconds of a call, over at least ``AT_LEAST_S``."""
    began, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        passed = time.perf_counter() - began
        if passed >= AT_LEAST_S:
            return passed / calls


def measure(recogniser: Recogniser, content: bytes, *, batch: int, threads: int, rounds: int) -> dict[str, Any]:
    """All programs on one batch, in turns."""
    torch.set_num_threads(threads)
    windows = made_up(batch)
    network = recogniser.network_.eval()
    signals, temperature = torch.from_numpy(windows.signals.copy()), recogniser.specification_.temperature
    calls: dict[str, Callable[[], Any]] = {
        PLAIN: partial(bare, with_pytorchs_lstm(network), signals, temperature),
        BARE: partial(bare, network, signals, temperature),
        OURS: partial(recogniser.predict_proba, windows),
        EXPORTED: partial(ExportedRecogniser(content, threads=threads).predict_proba, windows.signals),
    }
    calls |= other_programs(recogniser, windows.signals, threads)
    for call in calls.values():  # a comparison is valid only when all give the same result
        np.testing.assert_allclose(np.asarray(call()), np.asarray(calls[PLAIN]()), atol=1e-5)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call))
    return {
        "batch": batch,
        "threads": threads,
        "seconds": seconds,
        "median_s": {name: statistics.median(each) for name, each in seconds.items()},
        "exported_times_as_fast_as": {name: spread(each, seconds[EXPORTED]) for name, each in seconds.items()},
    }


def other_programs(recogniser: Recogniser, signals: NDArray[np.float32], threads: int) -> dict[str, Callable[[], Any]]:
    """``torch.compile`` and OpenVINO, as far as they run here."""
    ways = {
        COMPILED: partial(torch_compile, recogniser),
        OPENVINO: partial(openvino, recogniser, threads=threads, streams=1),
    }
    calls: dict[str, Callable[[], Any]] = {}
    for name, make in ways.items():
        try:
            call = partial(make(), signals)
            call()  # compiles
        except (ImportError, RuntimeError) as error:
            print(f"{name}: left out ({error})", file=sys.stderr)
        else:
            calls[name] = call
    return calls


def line(found: Mapping[str, Any], name: str) -> str:
    """A row of the table."""
    start = f"| {found['threads']} | {found['batch']} | {name} | {1e3 * found['median_s'][name]:.2f} |"
    if name == EXPORTED:
        return f"{start} 1 |"
    ratio = found["exported_times_as_fast_as"][name]
    return f"{start} {ratio['median']:.2f} ({ratio['lower_quartile']:.2f} to {ratio['upper_quartile']:.2f}) |"


def main() -> None:
    """Measure, print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="at least 2")
    parser.add_argument("--json", type=Path, help="write the result here")
    add_conditions(parser)
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("a spread needs at least 2 rounds")
    with conditions(arguments, ("harken", "NumPy", "OpenBLAS", "PyTorch", "OpenVINO")) as under:
        results = measured(arguments.rounds)
    if arguments.json:
        made = made_with()
        result = {
            "command": command("speed.onnx_runtime", sys.argv[1:]),
            "commit": made["git_commit"],
            "versions": made["versions"],
            "machine": {name: value for name, value in made["machine"].items() if name != "threads"},
            "conditions": under,
            "harkens_lstm": instructions() if load() else "not built: PyTorch's",
            "load_average": os.getloadavg(),
            "preset": "everyday",
            "window": [LENGTH, len(CHANNELS)],
            "rounds": arguments.rounds,
            "results": results,
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


def measured(rounds: int) -> list[dict[str, Any]]:
    """Every batch and number of threads, each printed as a part of the table."""
    recogniser = Recogniser("everyday", epochs=1, device="cpu").fit(made_up(256))
    content = exported_bytes(recogniser.model_)
    print(
        "| threads | windows | | ms | how many times as fast the exported model is (quartiles) |\n|---|---|---|---|---|"
    )
    results = []
    for threads in THREADS:
        for batch in BATCHES:
            results.append(measure(recogniser, content, batch=batch, threads=threads, rounds=rounds))
            for name in results[-1]["median_s"]:
                print(line(results[-1], name), flush=True)
    return results


if __name__ == "__main__":
    main()
