"""The share of each operation in the time of training the recipe ``everyday``.

    python -m benchmarks.speed.time_by_operation [--threads 1] [--json FILE]

PyTorch's profiler measures the processor time of every operation, without the operations that it calls, in some
training steps of harken's own loop. Each of our kernels is one operation; a name that begins with ``aten::`` is
PyTorch's. Shares are of all operations together, without the Python code between them, which the profiler slows down.
Labelling does not use PyTorch; ``week.py`` measures the network's share of a whole week, from its file to its report.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.speed.lstm import everyday
from harken.evaluation.benchmark.machine import made_with
from harken.networks.layers import FusedLSTM
from harken.support.files import write_text

LSTM = "FusedLSTM"
KINDS = {
    "our LSTM": ("_LSTM", LSTM),
    "our convolutions, with batch norm and ReLU": ("_Layer",),
    "our pooling and dropout": ("_Pooling", "_Dropping"),
    "convolution": ("convolution", "conv1d", "conv2d"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "threshold", "clamp_min"),
}
"""Kind -> parts of the names of its operations. An operation has the first kind that matches."""
OTHER = "all else"


def shares(call: Callable[[], object]) -> dict[str, Any]:
    """The share of each kind of operation in one call, and the twelve operations with the largest shares."""
    call()  # warm-up: memory and kernels
    with lstm_named(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        call()
    times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    total = sum(times.values())
    kinds = dict.fromkeys([*KINDS, OTHER], 0.0)
    for name, microseconds in times.items():
        kinds[kind_of(name)] += microseconds / total
    dearest = sorted(times, key=lambda name: -times[name])[:12]
    return {"ms": total / 1e3, "shares": kinds, "dearest": {name: times[name] / total for name in dearest}}


@contextmanager
def lstm_named() -> Iterator[None]:
    """Show our LSTM to the profiler. Without gradients it is no operation of PyTorch's."""
    running: list[record_function] = []

    def begin(module: nn.Module, _: object) -> None:
        if isinstance(module, FusedLSTM):
            running.append(record_function(LSTM))
            running[-1].__enter__()  # type: ignore[no-untyped-call]

    def end(module: nn.Module, _: object, __: object) -> None:
        if isinstance(module, FusedLSTM):
            running.pop().__exit__(None, None, None)

    hooks = [register_module_forward_pre_hook(begin), register_module_forward_hook(end)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def kind_of(name: str) -> str:
    """The kind of an operation."""
    for kind, parts in KINDS.items():
        if any(part in name for part in parts):
            return kind
    return OTHER


def main() -> None:
    """Measure, print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = {"training": shares(everyday())}
    for what, one in found.items():
        print(f"{what}: {one['ms']:,.0f} ms")
        for kind, share in sorted(one["shares"].items(), key=lambda item: -item[1]):
            print(f"  {kind:44}{share:6.1%}")
        print("  largest: " + ", ".join(f"{name} {share:.1%}" for name, share in one["dearest"].items()))
    if arguments.json:
        made = made_with()
        result = {
            "command": f"python -m benchmarks.speed.time_by_operation --threads {arguments.threads}",
            **made,
            **found,
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
