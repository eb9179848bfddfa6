"""The networks that label without PyTorch give the results of the PyTorch modules, to rounding."""

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from harken import HarkenError, Recogniser
from harken.models.model_file import PACKAGED_MODEL, read_model
from harken.networks.build import NETWORKS, Weights, check_weights, layers_of
from harken.networks.inference import InferenceNetwork, batched, softmax
from harken.networks.layers import Branches, Convolution, Dense, MeanAndLargest, shortest_window
from harken.networks.pytorch import LayerNetwork, build, logits, weights_of
from harken.support.resources import computing_threads
from harken.web.demo import MODEL as DEMO_MODEL
from kernels import compiled
from made_models import SIZES
from people import SMALL_EVERYDAY
from study import study_windows


def trained(name: str, seed: int = 0, **sizes: int) -> nn.Module:
    """A network whose weights and running statistics are not the initial ones."""
    torch.manual_seed(seed)
    network = build(name, sizes)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.2, 3)
                module.weight.normal_()
                module.bias.normal_()
    return network.eval()


def signals_of(seed: int, count: int, length: int, channels: int, movement: float) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    gravity = np.array([0.3, -0.2, 0.93] + [0.0] * (channels - 3))
    return (gravity + movement * random.standard_normal((count, length, channels))).astype(np.float32)


def of_layers(name: str, sizes: Mapping[str, Any], weights: Weights) -> InferenceNetwork:
    layers = layers_of(name, sizes)
    assert layers is not None
    return InferenceNetwork(layers, weights)


@given(
    seed=st.integers(0, 2**31 - 1),
    channels=st.integers(3, 6),
    blocks=st.integers(1, 3),
    halvings=st.integers(1, 4),
    length=st.integers(40, 330),
    count=st.integers(1, 5),
    movement=st.sampled_from([0.0, 1e-6, 1e-3, 1.0]),
)
@example(seed=1, channels=3, blocks=1, halvings=3, length=2100, count=2, movement=1.0)  # by a fast Fourier transform
@settings(max_examples=25)
def test_everyday_gives_the_results_of_pytorch_in_double_precision(
    seed: int, channels: int, blocks: int, halvings: int, length: int, count: int, movement: float
) -> None:
    sizes = {"channels": channels, "classes": 4, "stem": 8, "width": 16, "blocks": blocks, "units": 8}
    sizes["halvings"] = halvings
    network = trained("everyday", seed, **sizes)
    signals = signals_of(seed, count, length, channels, movement)
    found = of_layers("everyday", sizes, weights_of(network))(signals)
    with torch.no_grad():
        expected = network.double()(torch.from_numpy(signals).double()).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@given(
    seed=st.integers(0, 2**31 - 1),
    layers=st.integers(1, 4),
    units=st.sampled_from([3, 8, 20]),
    channels=st.integers(1, 4),
    length=st.integers(17, 60),
    count=st.integers(1, 4),
)
@settings(max_examples=20)
@pytest.mark.parametrize("name", ["notebook_lstm", "deep_conv_lstm"])
def test_the_other_networks_give_the_results_of_pytorch_in_double_precision(
    name: str, seed: int, layers: int, units: int, channels: int, length: int, count: int
) -> None:
    sizes = {"channels": channels, "classes": 3, "layers": layers, "units": units}
    if name == "deep_conv_lstm":
        sizes |= {"filters": 4}
    network = trained(name, seed, **sizes)
    signals = np.random.default_rng(seed).standard_normal((count, length, channels)).astype(np.float32)
    found = of_layers(name, sizes, weights_of(network))(signals)
    with torch.no_grad():
        expected = network.double()(torch.from_numpy(signals).double()).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("path", [PACKAGED_MODEL, DEMO_MODEL], ids=["packaged", "demo"])
def test_probabilities_of_the_packaged_models_are_those_of_pytorch(path: Path) -> None:
    model = read_model(path)
    specification = model.specification
    network = of_layers(specification.network, specification.sizes, model.weights)
    exact = model.network.double()
    for movement in (0.0, 1e-6, 0.001, 0.03, 0.5, 4.0):  # from a watch on a table to a sensor at its limits
        signals = signals_of(2, 40, specification.window_length, len(specification.channels), movement)
        with torch.no_grad():
            expected = torch.softmax(exact(torch.from_numpy(signals).double()) / specification.temperature, 1)
        found = softmax(batched(network, signals) / np.float32(specification.temperature))
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_names_shapes_and_types_of_weights_are_those_of_the_module(name: str) -> None:
    sizes = {"channels": 3, "classes": 4, **SIZES[name]}
    check_weights(name, sizes, weights_of(build(name, sizes)))


def test_windows_that_are_too_short_are_refused() -> None:
    sizes = {"channels": 3, "classes": 4, **SIZES["deep_conv_lstm"]}
    module = build("deep_conv_lstm", sizes)
    network = of_layers("deep_conv_lstm", sizes, weights_of(module))
    why = "windows of 16 samples are too short for this network; it needs 17 or more"
    with pytest.raises(HarkenError, match=why):
        network(np.zeros((1, 16, 3), np.float32))
    with pytest.raises(HarkenError, match=why):
        module(torch.zeros(1, 16, 3))
    assert network(np.zeros((1, 17, 3), np.float32)).shape == (1, 4)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(HarkenError, match="cannot be built with these sizes: width must be a multiple of 8, got 12"):
        build("everyday", {"channels": 3, "classes": 2, "width": 12})


@pytest.mark.parametrize("name", NETWORKS)
@compiled
def test_a_window_has_the_same_bits_in_any_batch_and_for_any_number_of_threads(name: str) -> None:
    sizes = {"channels": 3, "classes": 4, **SIZES[name], "units": 8}
    network = of_layers(name, sizes, weights_of(trained(name, **sizes)))
    signals = signals_of(1, 300, 120, 3, 0.1)
    for threads in (1, 2, 3):
        with computing_threads(threads):
            every = batched(network, signals)
            np.testing.assert_array_equal(every, batched(network, signals[::-1])[::-1])
            for count in (1, 2, 7, 130):
                np.testing.assert_array_equal(batched(network, signals[:count]), every[:count])


def test_without_the_library_the_results_are_the_same_to_rounding(tmp_path: Path) -> None:
    program = (
        "import sys; import numpy as np; from harken import Recogniser; from harken.windows.windows import Windows; "
        "r = Recogniser.load(); x = np.load(sys.argv[1]); "
        "w = Windows.unlabelled(x, channels=('x', 'y', 'z'), sample_rate_hz=30.0, subject='a', "
        "starts_ns=np.arange(len(x)) * 10**10, start_rows=np.arange(len(x)) * 300); "
        "np.save(sys.argv[2], r.predict_proba(w)); print('torch' in sys.modules)"
    )
    np.save(tmp_path / "x.npy", signals_of(0, 20, 300, 3, 0.05))
    for setting in ("0", "1"):
        words = [sys.executable, "-c", program, str(tmp_path / "x.npy"), str(tmp_path / f"{setting}.npy")]
        environment = {**os.environ, "HARKEN_NATIVE": setting}
        ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == "False"
    np.testing.assert_allclose(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"), atol=1e-5)


def test_softmax_of_large_logits() -> None:
    np.testing.assert_array_equal(softmax(np.array([[1e30, 0.0], [-1e30, -1e30]], np.float32)), [[1, 0], [0.5, 0.5]])


def test_a_recogniser_uses_the_weights_of_its_model() -> None:
    windows = study_windows()
    recogniser = Recogniser(SMALL_EVERYDAY, device="cpu").fit(windows)
    first = recogniser.predict_proba(windows)
    model = recogniser.model_
    more = 100 * np.eye(1, len(model.specification.labels))[0]
    bias = (np.asarray(model.weights["output.bias"], np.float32) + more).astype(np.float32)
    other = recogniser.with_model(replace(model, weights={**model.weights, "output.bias": bias}))
    assert (other.predict_proba(windows).argmax(axis=1) == 0).all()
    assert np.array_equal(recogniser.predict_proba(windows), first)
    sent = pickle.loads(pickle.dumps(recogniser))  # as joblib sends it to another process
    np.testing.assert_array_equal(sent.predict_proba(windows), first)
    with torch.inference_mode():
        expected = torch.softmax(recogniser.network_(torch.from_numpy(model.specification.prepare(windows))), 1)
    np.testing.assert_allclose(first, expected.numpy(), atol=1e-5)


def test_branches_need_the_window_of_the_longest_and_not_of_all_together() -> None:
    branches = tuple((Convolution(name, 3, 4, 9), MeanAndLargest()) for name in "ab")
    layers = (Convolution("first", 3, 3, 3, stride=2), Branches(branches), Dense("output", 16, 2))
    assert shortest_window(layers) == 19
    network = LayerNetwork(layers).eval()
    signals = np.random.default_rng(0).normal(size=(2, 19, 3)).astype(np.float32)
    labelled = InferenceNetwork(layers, weights_of(network))(signals)
    np.testing.assert_allclose(labelled, logits(network, signals), atol=1e-5)
