"""Our own convolution kernels against NumPy float64 and against PyTorch, at every instruction set."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch.nn import functional as F

from harken.networks.native import library
from harken.networks.native.convolution import PackedConvolution

LIBRARY = library.load()
BEST = 0 if LIBRARY is None else LIBRARY.harken_lstm_level()
HERE = library.LEVELS[: BEST + 1]
"""What this machine can run."""

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="our own kernels were not built here, or HARKEN_NATIVE is 0")

Floats = NDArray[np.float32]
EVERYDAY = {
    "first": {"channels": 7, "filters": 64, "kernel": 9, "stride": 2, "padding": 4, "time": 300},
    "second": {"channels": 64, "filters": 64, "kernel": 5, "stride": 2, "padding": 2, "time": 150},
    "third": {"channels": 64, "filters": 128, "kernel": 5, "stride": 2, "padding": 2, "time": 75},
    "block": {"channels": 128, "filters": 128, "kernel": 3, "padding": 1, "groups": 8, "time": 38},
    "powers": {"channels": 300, "filters": 296, "time": 4},
    "glance": {"channels": 128, "filters": 128, "time": 1},
    "output": {"channels": 640, "filters": 8, "time": 1},
}
"""The layers of the network ``everyday``."""
SIZES = {"kernel": 1, "stride": 1, "padding": 0, "groups": 1}


def layer(seed: int, shape: dict[str, int], *, batch: int) -> tuple[Floats, Floats, Floats, dict[str, Any]]:
    """Random windows, weights, bias, and the arguments of a convolution."""
    draw = np.random.default_rng(seed)
    sizes: dict[str, Any] = SIZES | {name: shape[name] for name in SIZES if name in shape}
    deep = shape["channels"] // sizes["groups"]
    weight = draw.standard_normal((shape["filters"], deep, sizes["kernel"])) / np.sqrt(deep * sizes["kernel"])
    x = draw.standard_normal((batch, shape["time"], shape["channels"])) * 2
    bias = draw.standard_normal(shape["filters"])
    sizes.pop("kernel")
    return x.astype(np.float32), weight.astype(np.float32), bias.astype(np.float32), sizes


def reference(x: Floats, weight: Floats, bias: Floats, sizes: dict[str, Any]) -> NDArray[np.float64]:
    """The definition, in float64: [batch, outputs, filters]."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (sizes["padding"],) * 2, (0, 0)))
    read = sliding_window_view(padded, weight.shape[2], axis=1)[:, :: sizes["stride"]]
    parts = np.split(read, sizes["groups"], axis=2)
    weights = np.split(weight.astype(np.float64), sizes["groups"])
    made = [np.einsum("btck,fck->btf", part, of) for part, of in zip(parts, weights, strict=True)]
    result: NDArray[np.float64] = np.concatenate(made, 2) + bias
    return result


shapes = st.integers(1, 4).flatmap(
    lambda groups: st.fixed_dictionaries(
        {
            "channels": st.integers(1, 20).map(lambda n: n * groups),
            "filters": st.integers(1, 50).map(lambda n: n * groups),
            "kernel": st.integers(1, 9),
            "stride": st.integers(1, 4),
            "padding": st.integers(0, 5),
            "groups": st.just(groups),
            "time": st.integers(9, 60),
        }
    )
)


@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    batch=st.integers(1, 5),
    level=st.sampled_from(HERE),
    relu=st.booleans(),
)
@settings(max_examples=150)
def test_results_are_those_of_the_definition(
    seed: int, shape: dict[str, int], batch: int, level: library.Level, relu: bool
) -> None:
    x, weight, bias, sizes = layer(seed, shape, batch=batch)
    expected = reference(x, weight, bias, sizes)
    found = PackedConvolution(weight, bias, relu=relu, level=level, **sizes)(x)
    np.testing.assert_allclose(found, np.maximum(expected, 0) if relu else expected, rtol=0, atol=2e-5)
    without = PackedConvolution(weight, level=level, **sizes)(x)
    np.testing.assert_allclose(without, expected - bias, rtol=0, atol=2e-5)


@given(
    seed=st.integers(0, 2**31 - 1),
    groups=st.integers(1, 4),
    deep=st.integers(1, 20),
    half=st.integers(0, 3),
    time=st.integers(1, 40),
    level=st.sampled_from(HERE),
)
@settings(max_examples=50)
def test_a_residual_is_added_after_the_relu(
    seed: int, groups: int, deep: int, half: int, time: int, level: library.Level
) -> None:
    shape = {"channels": groups * deep, "filters": groups * deep, "kernel": 2 * half + 1, "padding": half}
    x, weight, bias, sizes = layer(seed, {**shape, "groups": groups, "time": time}, batch=3)
    found = PackedConvolution(weight, bias, relu=True, residual=True, level=level, **sizes)(x)
    expected = x + np.maximum(reference(x, weight, bias, sizes), 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("name", EVERYDAY)
def test_layers_of_the_everyday_network_are_pytorchs(name: str, level: library.Level) -> None:
    x, weight, bias, sizes = layer(1, EVERYDAY[name], batch=5)
    found = PackedConvolution(weight, bias, level=level, **sizes)(x)
    channels_first = torch.from_numpy(x).transpose(1, 2)
    expected = F.conv1d(channels_first, torch.from_numpy(weight), torch.from_numpy(bias), **sizes).transpose(1, 2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
    if name == "glance":  # a dense layer takes rows as well
        np.testing.assert_array_equal(PackedConvolution(weight, bias, level=level)(x[:, 0]), found[:, 0])


@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    batch=st.integers(2, 40),
    kept=st.integers(1, 8),
    level=st.sampled_from(HERE),
)
@settings(max_examples=50)
def test_a_window_has_the_same_bits_in_any_batch(
    seed: int, shape: dict[str, int], batch: int, kept: int, level: library.Level
) -> None:
    x, weight, bias, sizes = layer(seed, shape, batch=batch)
    convolution = PackedConvolution(weight, bias, level=level, **sizes)
    together = convolution(x)
    chosen = np.random.default_rng(seed).permutation(batch)[:kept]
    np.testing.assert_array_equal(convolution(x[chosen]), together[chosen])
    np.testing.assert_array_equal(convolution(x[chosen[0]]), together[chosen[0]])


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("name", EVERYDAY)
def test_not_a_number_stays_in_its_window(name: str, level: library.Level) -> None:
    x, weight, bias, sizes = layer(2, EVERYDAY[name], batch=4)
    convolution = PackedConvolution(weight, bias, relu=True, level=level, **sizes)
    expected = convolution(x)
    x[2, 0] = np.nan
    found = convolution(x)
    assert np.isnan(found[2, 0]).all()
    others = [0, 1, 3]
    np.testing.assert_array_equal(found[others], expected[others])


@pytest.mark.parametrize("level", HERE)
def test_overlapping_windows_and_parts_of_arrays_need_no_copy(level: library.Level) -> None:
    _, weight, bias, sizes = layer(3, EVERYDAY["first"], batch=1)
    signal = np.random.default_rng(3).standard_normal((1000, 7)).astype(np.float32)
    windows = sliding_window_view(signal, 300, axis=0)[::30].transpose(0, 2, 1)
    convolution = PackedConvolution(weight, bias, level=level, **sizes)
    expected = convolution(np.ascontiguousarray(windows))
    np.testing.assert_array_equal(convolution(windows), expected)
    wider = np.full((len(windows), 150, 80), 7, np.float32)
    assert convolution(windows, wider[..., 8:72]) is not None
    np.testing.assert_array_equal(wider[..., 8:72], expected)
    assert (wider[..., :8] == 7).all()
    assert (wider[..., 72:] == 7).all()
    np.testing.assert_array_equal(convolution(np.asfortranarray(windows)), expected)
    # Without padding, windows are read where they are.
    unpadded = PackedConvolution(weight, bias, stride=3, level=level)
    np.testing.assert_array_equal(unpadded(windows), unpadded(np.ascontiguousarray(windows)))
    np.testing.assert_array_equal(unpadded(np.pad(windows, ((0, 0), (0, 0), (0, 1)))[..., :7]), unpadded(windows))


def test_several_threads_at_once() -> None:
    calls: list[Callable[[], Floats]] = []
    for seed, shape in enumerate(EVERYDAY.values()):
        x, weight, bias, sizes = layer(seed, shape, batch=8)
        calls.append(partial(PackedConvolution(weight, bias, **sizes), x))
    expected = [call() for call in calls]
    with ThreadPoolExecutor(4) as pool:
        for found, one in zip(pool.map(lambda call: call(), calls * 20), expected * 20, strict=True):
            np.testing.assert_array_equal(found, one)


def test_what_does_not_fit_is_refused() -> None:
    weight = np.ones((4, 2, 3), np.float32)
    with pytest.raises(ValueError, match=r"got the shape \(4, 2\)"):
        PackedConvolution(weight[..., 0])
    with pytest.raises(ValueError, match="a divisor of 4 filters"):
        PackedConvolution(weight, groups=3)
    with pytest.raises(ValueError, match="bias must have the shape"):
        PackedConvolution(weight, np.ones(3, np.float32))
    with pytest.raises(ValueError, match="the shape of the input"):
        PackedConvolution(weight, residual=True, padding=1)
    convolution = PackedConvolution(weight)
    x = np.ones((2, 5, 2), np.float32)
    with pytest.raises(ValueError, match="x must be float32"):
        convolution(x.astype(np.float64))
    with pytest.raises(ValueError, match="x must be float32"):
        convolution(x[..., :1])
    with pytest.raises(ValueError, match="2 samples are too few for a kernel of 3"):
        convolution(x[:, :2])
    with pytest.raises(ValueError, match="out must be float32"):
        convolution(x, np.empty((2, 3, 5), np.float32))
    square = PackedConvolution(np.ones((2, 2, 1), np.float32))
    with pytest.raises(ValueError, match="not overlap"):
        square(x, x)
    assert square(x[:0]).shape == (0, 5, 2)


def test_too_little_memory_is_an_error() -> None:
    convolution = PackedConvolution(np.ones((1, 1, 1), np.float32), padding=1 << 58, stride=1 << 60)
    with pytest.raises(MemoryError):
        convolution(np.zeros((1, 1, 1), np.float32))
