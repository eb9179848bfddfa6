"""Which operations the time of the recipe ``everyday`` goes to: in training, and in labelling.

    python -m benchmarks.speed.time_by_operation [--threads 1] [--json FILE]

PyTorch's profiler counts the processor time of every operation of some training steps by harken's own loop, and of
labels of a simulated day with the model that comes with harken, apart from what it calls in turn. Our LSTM is one
operation to it; a name that begins with ``aten::`` is PyTorch's. Shares are of all operations together: Python between
them, which the profiler slows down, is not among them. ``week.py`` gives the network's share of the time
of a whole week, from its file to its report.
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

from benchmarks.speed.lstm import everyday, labelling
from harken.benchmarking.machine import made_with
from harken.files import write_text
from harken.networks import FusedLSTM

LSTM = "FusedLSTM"
KINDS = {
    "our LSTM": ("_LSTM", LSTM),
    "convolution": ("convolution", "conv1d", "conv2d"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "threshold", "clamp_min"),
}
"""What is counted together, by a part of the operations' names; the first that fits counts."""
OTHER = "all else"


def shares(call: Callable[[], object]) -> dict[str, Any]:
    """Of one call: the share of each kind of operation, and the dearest operations by name."""
    call()  # allocates, chooses kernels
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
    """Our LSTM is seen by the profiler also where no gradient is wanted, and it is no operation of PyTorch's."""
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
    """The kind that an operation is counted in."""
    for kind, parts in KINDS.items():
        if any(part in name for part in parts):
            return kind
    return OTHER


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = {"training": shares(everyday()), "labels of a day": shares(labelling())}
    for what, one in found.items():
        print(f"{what}: {one['ms']:,.0f} ms")
        for kind, share in sorted(one["shares"].items(), key=lambda item: -item[1]):
            print(f"  {kind:14}{share:6.1%}")
        print("  dearest: " + ", ".join(f"{name} {share:.1%}" for name, share in one["dearest"].items()))
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
