"""Finding and loading the compiled library, and choosing the instruction set it runs on.

The environment variable ``HARKEN_NATIVE`` overrides: ``0`` leaves everything to PyTorch, ``portable``, ``avx2`` and
``avx512`` take the kernels for these instructions, also where there are better ones. It is read once.
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

__all__ = ["LEVELS", "LIBRARY", "Level", "Problem", "instructions", "load"]

Level = Literal["portable", "avx2", "avx512"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Instruction sets, the poorest first, as the library numbers them."""

LIBRARY = Path(__file__).with_name("harken_lstm.so")
"""Where ``hatch_build.py`` puts what it compiles."""

logger = logging.getLogger("harken")


class Problem(ctypes.Structure):
    """What is to be computed: the C++ file's structure of the same name, field by field."""

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
    """The library; None where it was not built, cannot be loaded or is not wanted.

    Raises:
        HarkenError: when ``HARKEN_NATIVE`` is none of what it can be.
    """
    wanted = os.environ.get("HARKEN_NATIVE", "1")
    if wanted not in ("0", "1", *LEVELS):
        raise HarkenError(f"HARKEN_NATIVE is {wanted!r}; it can be 0, 1, {', '.join(LEVELS)}")
    if wanted == "0":
        return None
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:
        # Once, not once for every process of a pool.
        if multiprocessing.parent_process() is None:
            logger.warning(
                "harken runs on PyTorch's LSTM: its own, which is faster on CPUs, was not built when it was "
                "installed (that takes a C++ compiler)"
            )
        return None
    for name in ("harken_lstm_forward", "harken_lstm_backward"):
        getattr(library, name).argtypes = [ctypes.POINTER(Problem)]
        getattr(library, name).restype = ctypes.c_int
    library.harken_lstm_kept.argtypes = [ctypes.POINTER(Problem)]
    library.harken_lstm_kept.restype = c_int64
    library.harken_lstm_level.restype = c_int64
    library.harken_lstm_borrow.argtypes = [c_void_p]
    library.harken_lstm_borrow.restype = None
    library.harken_lstm_activations.argtypes = [c_int64, c_void_p, c_void_p, c_void_p, c_int64]
    library.harken_lstm_activations.restype = None
    library.harken_lstm_multiply_add.argtypes = [c_int64, c_int64]
    library.harken_lstm_multiply_add.restype = ctypes.c_double
    library.harken_lstm_borrow(_threads_of_pytorch())
    return library


@cache
def instructions() -> Level:
    """The instruction set that is used: the best that the processor has, or the one asked for by ``HARKEN_NATIVE``.

    Raises:
        HarkenError: when the processor lacks what was asked for, or there is no library.
    """
    library = load()
    if library is None:
        raise HarkenError("harken's own LSTM was not built or is switched off")
    best = int(library.harken_lstm_level())
    wanted = os.environ.get("HARKEN_NATIVE", "1")
    if wanted not in LEVELS:
        return LEVELS[best]
    if LEVELS.index(wanted) > best:
        raise HarkenError(f"HARKEN_NATIVE is {wanted}, and this processor has only {LEVELS[best]}")
    return LEVELS[LEVELS.index(wanted)]


def _threads_of_pytorch() -> int | None:
    """The address of the function that starts PyTorch's own threads, or None where they are not OpenMP's.

    They wait in a loop for a moment after each of PyTorch's operations. Threads of another pool would get in their way.
    """
    import torch

    if "OpenMP" not in torch.__config__.parallel_info().partition("ATen parallel backend")[2]:
        return None
    for path in (None, *sorted(Path(torch.__file__).with_name("lib").glob("libgomp*"))):
        try:
            found = ctypes.CDLL(None if path is None else str(path)).GOMP_parallel
        except (OSError, AttributeError):
            continue
        return ctypes.cast(found, c_void_p).value
    return None
