"""Loads the compiled library of kernels and chooses its instruction set. PyTorch is not imported.

The environment variable ``HARKEN_NATIVE`` overrides the choice: ``0`` does not use the library, and ``portable``,
``avx2`` and ``avx512`` use the kernels for these instructions, even if the processor has better ones. It is read once.
"""

import ctypes
import logging
import multiprocessing
import os
from ctypes import c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from harken.support.errors import HarkenError

Level = Literal["portable", "avx2", "avx512"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Instruction sets, the poorest first, as the library numbers them."""

LIBRARY = Path(__file__).with_name("harken_lstm.so")
"""Where ``hatch_build.py`` puts what it compiles."""

logger = logging.getLogger("harken")


class Problem(ctypes.Structure):
    """The arguments of the LSTM: the C++ structure of the same name, field by field."""

    _fields_ = (
        *((name, c_int64) for name in ("batch", "length", "inputs", "units", "layers", "directions")),
        ("x", c_void_p),
        *((name, c_int64) for name in ("x_row", "x_time", "x_item")),
        *((name, c_void_p) for name in ("weights", "h0", "c0", "y")),
        *((name, c_int64) for name in ("y_row", "y_time")),
        *((name, c_void_p) for name in ("hn", "cn", "kept", "dy")),
        *((name, c_int64) for name in ("dy_row", "dy_time")),
        *((name, c_void_p) for name in ("dhn", "dcn", "dx")),
        *((name, c_int64) for name in ("dx_row", "dx_time")),
        *((name, c_void_p) for name in ("dweights", "dh0", "dc0")),
        *((name, c_int64) for name in ("threads", "level")),
    )


@cache
def load() -> ctypes.CDLL | None:
    """The library; None where it was not built, cannot be loaded or is switched off.

    Raises:
        HarkenError: when ``HARKEN_NATIVE`` has an invalid value.
    """
    setting = os.environ.get("HARKEN_NATIVE", "1")
    if setting not in ("0", "1", *LEVELS):
        raise HarkenError(f"HARKEN_NATIVE must be 0, 1, {', '.join(LEVELS)}, got {setting!r}")
    if setting == "0":
        return None
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:
        # Once, not once for every process of a pool.
        if multiprocessing.parent_process() is None:
            logger.warning(
                "harken runs without its compiled kernels, which are faster: they were not built when it was installed "
                "(that takes a C++ compiler)"
            )
        return None
    library.harken_lstm_kept.argtypes = [ctypes.POINTER(Problem)]
    library.harken_lstm_kept.restype = c_int64
    library.harken_lstm_level.restype = c_int64
    library.harken_lstm_borrow.argtypes = [c_void_p]
    library.harken_lstm_borrow.restype = None
    library.harken_lstm_activations.argtypes = [c_int64, c_void_p, c_void_p, c_void_p, c_int64]
    library.harken_lstm_activations.restype = None
    library.harken_lstm_multiply_add.argtypes = [c_int64, c_int64]
    library.harken_lstm_multiply_add.restype = ctypes.c_double
    return library


@cache
def instructions() -> Level:
    """The instruction set that is used: the best that the processor has, or the one named in ``HARKEN_NATIVE``.

    Raises:
        HarkenError: when the processor lacks the one in ``HARKEN_NATIVE``, or there is no library.
    """
    library = load()
    if library is None:
        raise HarkenError("harken's kernels were not built or are switched off")
    best = int(library.harken_lstm_level())
    setting = os.environ.get("HARKEN_NATIVE", "1")
    if setting not in LEVELS:
        return LEVELS[best]
    if LEVELS.index(setting) > best:
        raise HarkenError(f"HARKEN_NATIVE is {setting}, but this processor has only {LEVELS[best]}")
    return LEVELS[LEVELS.index(setting)]


def call(name: str, problem: ctypes.Structure) -> None:
    """Call a function of the library with its structure of arguments. Other Python threads run meanwhile.

    Raises:
        MemoryError: when the library has not enough memory.
    """
    if getattr(load(), name)(ctypes.byref(problem)):
        raise MemoryError("there is not enough memory for this layer of a network")
