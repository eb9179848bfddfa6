"""harken recognises what a person is doing from a wrist accelerometer, and says honestly how well.

The names below are the public interface; each is loaded when it is first used, so that ``import harken`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harken.errors import HarkenError as HarkenError
    from harken.estimator import ActivityClassifier as ActivityClassifier
    from harken.readers import TableOptions as TableOptions
    from harken.readers import read as read
    from harken.recogniser import Recogniser as Recogniser
    from harken.recording import Quality as Quality
    from harken.recording import Recording as Recording
    from harken.windows import Windows as Windows
    from harken.windows import concatenate as concatenate
    from harken.windows import random_windows as random_windows
    from harken.windows import sliding_windows as sliding_windows

_HOMES = {
    "ActivityClassifier": "harken.estimator",
    "HarkenError": "harken.errors",
    "Quality": "harken.recording",
    "Recogniser": "harken.recogniser",
    "Recording": "harken.recording",
    "TableOptions": "harken.readers",
    "Windows": "harken.windows",
    "concatenate": "harken.windows",
    "random_windows": "harken.windows",
    "read": "harken.readers",
    "sliding_windows": "harken.windows",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'harken' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
