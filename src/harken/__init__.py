"""Recognise what a person is doing from a wrist accelerometer, and measure how well that works on unseen people.

The names below are the public interface; each is loaded when it is first used, so that ``import harken`` is quick.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harken.evaluation.benchmark.benchmark import benchmark as benchmark
    from harken.evaluation.comparison import compare as compare
    from harken.evaluation.files import evaluate as evaluate
    from harken.labelling.file import label_file as label_file
    from harken.labelling.inspect import inspect as inspect
    from harken.labelling.settings import LabelSettings as LabelSettings
    from harken.labelling.summary import summarise_folder as summarise_folder
    from harken.models.recogniser import Recogniser as Recogniser
    from harken.outcomes.rules import Rules as Rules
    from harken.readers import TableOptions as TableOptions
    from harken.readers import read as read
    from harken.recordings.recording import Quality as Quality
    from harken.recordings.recording import Recording as Recording
    from harken.support.errors import HarkenError as HarkenError
    from harken.training.run import train as train
    from harken.windows.windows import Windows as Windows
    from harken.windows.windows import concatenate as concatenate
    from harken.windows.windows import random_windows as random_windows
    from harken.windows.windows import sliding_windows as sliding_windows

_HOMES = {
    "HarkenError": "harken.support.errors",
    "LabelSettings": "harken.labelling.settings",
    "Quality": "harken.recordings.recording",
    "Recogniser": "harken.models.recogniser",
    "Recording": "harken.recordings.recording",
    "Rules": "harken.outcomes.rules",
    "TableOptions": "harken.readers",
    "Windows": "harken.windows.windows",
    "benchmark": "harken.evaluation.benchmark.benchmark",
    "compare": "harken.evaluation.comparison",
    "concatenate": "harken.windows.windows",
    "evaluate": "harken.evaluation.files",
    "inspect": "harken.labelling.inspect",
    "label_file": "harken.labelling.file",
    "random_windows": "harken.windows.windows",
    "read": "harken.readers",
    "sliding_windows": "harken.windows.windows",
    "summarise_folder": "harken.labelling.summary",
    "train": "harken.training.run",
}

__all__ = ["__version__", *sorted(_HOMES)]

_WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}
"""How threads wait for one another in GNU's OpenMP, which PyTorch uses on Linux, and in LLVM's (macOS, Windows): they
sleep after 1,000 turns of an empty loop, some 10 microseconds. By default they sleep after 300,000. On a machine with
other busy processes that loop takes the time slices of the thread that is waited for, and a training step takes ten
times as long (``benchmarks/speed/threads.py`` at commit 51da616). PyTorch reads these environment variables
once, when it is loaded. Whatever the user has set stays as it is."""
if not any(name in os.environ for name in _WAITING):
    os.environ.update(_WAITING)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'harken' has no attribute {name!r}")
    try:
        module = import_module(home)
    except ModuleNotFoundError as error:
        missing = import_module("harken.support.plugins").missing_extra(error, f"harken.{name}")
        if missing is None:
            raise
        raise missing from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
