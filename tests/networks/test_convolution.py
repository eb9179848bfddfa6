"""Convolutions for labelling, by our own kernels at every instruction set and by NumPy, against their definition."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harken.networks.inference import PackedConvolution
from harken.networks.native import library
from kernels import HERE, compiled, instructions, shapes

pytestmark = compiled

Floats = NDArray[np.float32]
EVERYDAY = {
    "first": {"channels": 7, "filters": 64, "kernel": 9, "stride": 2, "padding": 4, "time": 300},
    "block": {"channels": 128, "filters": 128, "kernel": 3, "padding": 1, "groups": 8, "time": 38},
    "powers": {"channels": 300, "filters": 296, "time": 4},
    "glance": {"channels": 128, "filters": 128, "time": 1},
    "output": {"channels": 640, "filters": 8, "time": 1},
}
"""Layers of the network ``everyday``."""
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


@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    batch=st.integers(1, 5),
    level=st.sampled_from(HERE),
    relu=st.booleans(),
    residual=st.booleans(),
)
@settings(max_examples=150)
def test_results_are_those_of_the_definition(
    seed: int, shape: dict[str, int], batch: int, level: library.Level, relu: bool, residual: bool
) -> None:
    if residual:  # the result has the shape of the input
        half = shape["padding"]
        shape = {**shape, "filters": shape["channels"], "stride": 1, "kernel": 2 * half + 1}
    x, weight, bias, sizes = layer(seed, shape, batch=batch)
    expected = reference(x, weight, bias, sizes)
    expected = np.maximum(expected, 0) if relu else expected
    with instructions(level):
        found = PackedConvolution(weight, bias, relu=relu, residual=residual, **sizes)(np.asfortranarray(x))
        without = PackedConvolution(weight, **sizes)(x)
    np.testing.assert_allclose(found, expected + x if residual else expected, rtol=0, atol=2e-5)
    np.testing.assert_allclose(without, reference(x, weight, 0 * bias, sizes), rtol=0, atol=2e-5)


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
    with instructions(level):
        convolution = PackedConvolution(weight, bias, **sizes)
        together = convolution(x)
        chosen = np.random.default_rng(seed).permutation(batch)[:kept]
        np.testing.assert_array_equal(convolution(x[chosen]), together[chosen])
        np.testing.assert_array_equal(convolution(x[chosen[0]]), together[chosen[0]])


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("name", EVERYDAY)
def test_not_a_number_stays_in_its_window(name: str, level: library.Level) -> None:
    x, weight, bias, sizes = layer(2, EVERYDAY[name], batch=4)
    with instructions(level):
        convolution = PackedConvolution(weight, bias, relu=True, **sizes)
        expected = convolution(x)
        x[2, 0] = np.nan
        found = convolution(x)
    np.testing.assert_allclose(expected[0], np.maximum(reference(x[:1], weight, bias, sizes)[0], 0), rtol=0, atol=2e-5)
    assert np.isnan(found[2, 0]).all()
    others = [0, 1, 3]
    np.testing.assert_array_equal(found[others], expected[others])


def test_several_threads_at_once() -> None:
    calls: list[Callable[[], Floats]] = []
    for seed, shape in enumerate(EVERYDAY.values()):
        x, weight, bias, sizes = layer(seed, shape, batch=8)
        calls.append(partial(PackedConvolution(weight, bias, **sizes), x))
    expected = [call() for call in calls]
    with ThreadPoolExecutor(4) as pool:
        for found, alone in zip(pool.map(lambda call: call(), calls * 20), expected * 20, strict=True):
            np.testing.assert_array_equal(found, alone)
