"""Layers on NumPy arrays: convolutions along time and dense layers, by compiled kernels where there are any."""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harken.networks.native.convolution import PackedConvolution
from harken.networks.native.library import load

Floats = NDArray[np.float32]
EPSILON = 1e-5
"""Added to the variance by ``torch.nn.BatchNorm1d``."""


class Convolution:
    """A convolution along time with the channels of a sample side by side, by the compiled kernels or by NumPy.

    Args:
        weight: ``[filters, channels / groups, kernel]``.
        bias: ``[filters]``; None for zeros.
        stride: samples from one output to the next.
        padding: zeros before and after the signal.
        groups: groups of channels; each group of filters reads one of them.
        relu: whether negative outputs become 0.
        residual: whether the input is added, after the ReLU.
    """

    def __init__(
        self,
        weight: NDArray[np.floating],
        bias: NDArray[np.floating] | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        relu: bool = False,
        residual: bool = False,
    ) -> None:
        self.weight = np.ascontiguousarray(weight, np.float32)
        self.bias = np.zeros(len(weight), np.float32) if bias is None else np.ascontiguousarray(bias, np.float32)
        self.stride, self.padding, self.groups, self.relu, self.residual = stride, padding, groups, relu, residual
        self._kernel: PackedConvolution | None = None
        if load() is not None and self.weight.size:
            self._kernel = PackedConvolution(
                self.weight,
                self.bias,
                stride=stride,
                padding=padding,
                groups=groups,
                relu=relu,
                residual=residual,
            )

    def __call__(self, x: Floats) -> Floats:
        """``[batch, time, channels]`` -> ``[batch, time_out, filters]``."""
        return self._by_numpy(x) if self._kernel is None else self._kernel(x)

    def _by_numpy(self, x: Floats) -> Floats:
        filters, channels, kernel = self.weight.shape
        padded = np.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        # [batch, time_out, channels, kernel], a view
        moments = sliding_window_view(padded, kernel, axis=1)[:, :: self.stride]
        y = np.empty((*moments.shape[:2], filters), np.float32)
        each = filters // self.groups
        for group in range(self.groups):
            read = moments[:, :, group * channels : (group + 1) * channels]
            read = read.reshape(len(x) * y.shape[1], channels * kernel)
            of = slice(group * each, (group + 1) * each)
            y[:, :, of] = (read @ self.weight[of].reshape(each, channels * kernel).T).reshape(*y.shape[:2], each)
        y += self.bias
        if self.relu:
            np.maximum(y, 0, out=y)
        return y + x if self.residual else y


def dense(layer: Convolution, x: Floats) -> Floats:
    """A convolution of kernel 1 as a dense layer: ``[rows, channels]`` -> ``[rows, filters]``."""
    return np.asarray(layer(x[None])[0])


def normalisation(weights: Mapping[str, NDArray[np.generic]], name: str) -> tuple[NDArray[np.float64], ...]:
    """The factor and the summand of a batch normalisation in evaluation mode, each ``[channels]``."""
    gain, shift, mean, variance = (
        np.asarray(weights[f"{name}.{part}"], np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gain / np.sqrt(variance + EPSILON)
    return factor, shift - mean * factor


def without_normalisation(
    weights: Mapping[str, NDArray[np.generic]], convolution: str, normalised: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weight and bias of a convolution without bias that includes the batch normalisation after it."""
    factor, summand = normalisation(weights, normalised)
    return np.asarray(weights[f"{convolution}.weight"], np.float64) * factor[:, None, None], summand
