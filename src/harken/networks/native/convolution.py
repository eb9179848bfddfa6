"""Convolutions along time for inference, by harken's own kernels on NumPy arrays (``docs/native.md``)."""

import ctypes
from ctypes import c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.networks.native.library import LEVELS, Level, call, instructions, load

FLOAT_BYTES = 4
CACHE_LINE_FLOATS = 16


class Convolution(ctypes.Structure):
    """What is to be computed: the structure of the same name in ``convolution.cpp``, field by field."""

    _fields_ = (
        *(
            (name, c_int64)
            for name in ("batch", "time", "channels", "filters", "kernel", "stride", "padding", "groups", "outputs")
        ),
        ("x", c_void_p),
        *((name, c_int64) for name in ("x_window", "x_time")),
        *((name, c_void_p) for name in ("packed", "y")),
        *((name, c_int64) for name in ("y_window", "y_time", "relu", "residual", "threads", "level")),
    )


class PackedConvolution:
    """A convolution along time with fixed weights, as ``torch.nn.functional.conv1d``, of windows ``[time, channels]``.

    With a kernel of one sample it is a dense layer. The result for a window has the same bits whatever other windows
    are computed with it. Several threads may call it at once.

    Args:
        weight: ``[filters, channels / groups, kernel]``.
        bias: ``[filters]``; zeros when None.
        stride: samples from one output to the next.
        padding: zeros before and after each window.
        groups: parts of the channels and of the filters that are connected only with one another.
        relu: whether ``max(0, y)`` follows.
        residual: whether the input is added, after the ReLU.
        level: the instruction set, for tests; that of ``instructions()`` when None.

    Raises:
        ValueError: when the shapes or numbers do not fit together.
        HarkenError: when the library was not compiled or is switched off.

    Example:
        >>> weight = np.ones((2, 3, 1), np.float32)
        >>> PackedConvolution(weight, np.float32([0, 1]))(np.ones((1, 4, 3), np.float32))[0, 0]
        array([3., 4.], dtype=float32)
    """

    def __init__(
        self,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        relu: bool = False,
        residual: bool = False,
        level: Level | None = None,
    ) -> None:
        weight = np.ascontiguousarray(weight, np.float32)
        if weight.ndim != 3 or not weight.size:
            raise ValueError(f"weight must be [filters, channels / groups, kernel], got the shape {weight.shape}")
        filters, of_group, kernel = weight.shape
        if stride < 1 or padding < 0 or groups < 1 or filters % groups:
            raise ValueError(
                f"stride must be at least 1, padding at least 0, and groups a divisor of {filters} filters, "
                f"got {stride}, {padding} and {groups}"
            )
        self.channels, self.filters = of_group * groups, filters
        self.kernel, self.stride, self.padding = kernel, stride, padding
        if residual and (filters != self.channels or stride != 1 or kernel != 2 * padding + 1):
            raise ValueError("with a residual, the output must have the shape of the input")
        if bias is not None:
            bias = np.ascontiguousarray(bias, np.float32)
            if bias.shape != (filters,):
                raise ValueError(f"bias must have the shape ({filters},), got {bias.shape}")
        self._sizes: dict[str, Any] = {
            "channels": self.channels,
            "filters": filters,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "groups": groups,
            "relu": relu,
            "residual": residual,
            "threads": 1,
            "level": LEVELS.index(level or instructions()),
        }
        self._packed = self._pack(weight, bias)

    def __call__(self, x: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Windows ``[batch, time, channels]`` -> ``[batch, outputs, filters]``, or one window without the first axis.

        Args:
            x: float32. Windows may overlap in memory (``numpy.lib.stride_tricks.sliding_window_view``); they are
                copied only if the channels of a sample do not lie side by side.
            out: where to write the result; may be part of a larger array, with the filters of an output side by side.

        Raises:
            ValueError: when ``x`` or ``out`` does not fit, or a window is too short for one output.
            MemoryError: when there is not enough memory.
        """
        if x.dtype != np.float32 or x.ndim not in (2, 3) or x.shape[-1] != self.channels:
            raise ValueError(f"x must be float32 [batch, time, {self.channels}], got {x.dtype} {x.shape}")
        outputs = (x.shape[-2] + 2 * self.padding - self.kernel) // self.stride + 1
        if outputs < 1:
            raise ValueError(f"{x.shape[-2]} samples are too few for a kernel of {self.kernel}")
        shape = (*x.shape[:-2], outputs, self.filters)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape or not _side_by_side(out) or np.may_share_memory(x, out):
            raise ValueError(f"out must be float32 {shape}, filters side by side, and not overlap with x")
        if not x.size:
            return out
        if not _side_by_side(x):
            x = np.ascontiguousarray(x)
        problem = Convolution(
            batch=x.shape[0] if x.ndim == 3 else 1,
            time=x.shape[-2],
            outputs=outputs,
            x=x.ctypes.data,
            packed=self._packed.ctypes.data,
            y=out.ctypes.data,
            **self._sizes,
        )
        problem.x_window, problem.x_time = _strides(x)
        problem.y_window, problem.y_time = _strides(out)
        call("harken_convolution_forward", problem)
        return out

    def _pack(self, weight: NDArray[np.float32], bias: NDArray[np.float32] | None) -> NDArray[np.float32]:
        sizes, library = Convolution(**self._sizes), _library()
        floats = int(library.harken_convolution_packed(ctypes.byref(sizes)))
        memory = np.empty(floats + CACHE_LINE_FLOATS, np.float32)
        first = -(memory.ctypes.data // FLOAT_BYTES) % CACHE_LINE_FLOATS
        packed = memory[first : first + floats]
        library.harken_convolution_pack(
            ctypes.byref(sizes), weight.ctypes.data, None if bias is None else bias.ctypes.data, packed.ctypes.data
        )
        return packed


def _library() -> ctypes.CDLL:
    library = load()
    assert library is not None  # instructions() has raised an error otherwise
    library.harken_convolution_packed.argtypes = [ctypes.POINTER(Convolution)]
    library.harken_convolution_packed.restype = c_int64
    library.harken_convolution_pack.argtypes = [ctypes.POINTER(Convolution), c_void_p, c_void_p, c_void_p]
    library.harken_convolution_pack.restype = None
    return library


def _side_by_side(array: NDArray[np.float32]) -> bool:
    """Whether the last axis is contiguous, and the other strides are whole numbers of floats."""
    return (
        array.dtype == np.float32
        and (array.strides[-1] == FLOAT_BYTES or array.shape[-1] == 1)
        and all(stride % FLOAT_BYTES == 0 for stride in array.strides)
        and array.flags.aligned
    )


def _strides(array: NDArray[np.float32]) -> tuple[int, int]:
    """Floats from one window to the next, and from one sample to the next."""
    time = array.strides[-2] // FLOAT_BYTES
    samples = array.shape[-2]
    if array.ndim == 2 or array.shape[0] == 1:
        return samples * time, time
    window = array.strides[0] // FLOAT_BYTES
    return (window, window) if samples == 1 else (window, time)
