"""Loads the compiled library of kernels, chooses its instruction set and calls it. PyTorch is not imported.

The environment variable ``HARKEN_NATIVE`` overrides the choice: ``0`` does not use the library, and ``portable``,
``avx2`` and ``avx512`` use the kernels for these instructions, even if the processor has better ones. It is read once.
"""

import ctypes
import logging
import multiprocessing
import os
from collections.abc import Sequence
from ctypes import c_double, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from harken.support.errors import HarkenError

Level = Literal["portable", "avx2", "avx512"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Instruction sets, the poorest first, as the library numbers them."""

LIBRARY = Path(__file__).with_name("harken_lstm.so")
"""Where ``hatch_build.py`` puts what it compiles."""

MOST_LAYERS, FEWEST_UNITS, MOST_UNITS = 3, 8, 256
"""The sizes of an LSTM for which there are kernels."""
KINDS = {"int": c_int64, "address": c_void_p, "double": c_double}

Kind = TypeVar("Kind", bound="Arguments")

logger = logging.getLogger("harken")


def fields(*declared: str) -> list[tuple[str, type]]:
    """The fields of a C++ structure, as it declares them: a kind, and the names of fields of this kind."""
    words = [text.split() for text in declared]
    return [(name, KINDS[kind]) for kind, *names in words for name in names]


class Arguments(ctypes.Structure):
    """The arguments of a function of the library."""

    kept_alive: list[Any]


class Problem(Arguments):
    """The arguments of the LSTM: the C++ structure of the same name, field by field."""

    _fields_ = fields(
        "int batch length inputs units layers directions",
        "address x",
        "int x_row x_time x_item",
        "address weights h0 c0 y",
        "int y_row y_time",
        "address hn cn kept dy",
        "int dy_row dy_time",
        "address dhn dcn dx",
        "int dx_row dx_time",
        "address dweights dh0 dc0",
        "int threads level",
    )


class ConvolutionProblem(Arguments):
    """The arguments of a convolution for inference: the structure ``Convolution`` in ``convolution.cpp``."""

    _fields_ = fields(
        "int batch time channels filters kernel stride padding groups outputs",
        "address x",
        "int x_window x_time",
        "address packed y",
        "int y_window y_time relu residual threads level",
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
    convolution = ctypes.POINTER(ConvolutionProblem)
    for name, result, *arguments in (
        ("lstm_kept", c_int64, ctypes.POINTER(Problem)),
        ("lstm_level", c_int64),
        ("lstm_borrow", None, c_void_p),
        ("lstm_activations", None, c_int64, c_void_p, c_void_p, c_void_p, c_int64),
        ("lstm_multiply_add", c_double, c_int64, c_int64),
        ("convolution_packed", c_int64, convolution),
        ("convolution_pack", None, convolution, c_void_p, c_void_p, c_void_p),
    ):
        function = getattr(library, f"harken_{name}")
        function.restype, function.argtypes = result, arguments
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


def filled(kind: type[Kind], *first: Any, **values: Any) -> Kind:
    """A structure of arguments for the instruction set that is used.

    Args:
        kind: the structure.
        first, values: its first fields in their order, and others by name: numbers; arrays, tensors and
            ``addresses``, of which the address is passed; or None for no address. The structure keeps all of them
            alive.
    """
    arguments = kind(*map(_plain, first), level=LEVELS.index(instructions()))
    arguments.kept_alive = [first]
    return fill(arguments, **values)


def fill(arguments: Kind, **values: Any) -> Kind:
    """Set more fields of a structure of ``filled``, and return it."""
    arguments.kept_alive.append(values)
    for name, value in values.items():
        setattr(arguments, name, _plain(value))
    return arguments


def addresses(values: Sequence[Any]) -> "ctypes.Array[c_void_p]":
    """An array of the addresses of arrays or tensors, or of None. It does not keep them alive."""
    return (c_void_p * len(values))(*map(_plain, values))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, ctypes.Array):
        return ctypes.addressof(value)
    return value.ctypes.data if isinstance(value, np.ndarray) else value.data_ptr()


def call(name: str, arguments: Arguments) -> None:
    """Call a function of the library with its structure of arguments. Other Python threads run meanwhile.

    Raises:
        MemoryError: when the library has not enough memory.
    """
    if getattr(load(), name)(ctypes.byref(arguments)):
        raise MemoryError("there is not enough memory for this layer of a network")
