"""The copy that labels: the answers of the network, and never those of weights that are no more."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harken import Recogniser
from harken.networks.build import build
from harken.networks.inference import InferenceCopy, for_inference
from people import SMALL_EVERYDAY
from study import study_windows


def learned(name: str, seed: int = 0, **sizes: int) -> nn.Module:
    """A network whose weights and running means are nobody's beginnings."""
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


@given(
    seed=st.integers(0, 2**31 - 1),
    channels=st.integers(3, 6),
    blocks=st.integers(1, 3),
    length=st.integers(40, 330),
    count=st.integers(1, 5),
    stillness=st.sampled_from([0.0, 1e-6, 1e-3, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_answers_are_the_networks(
    seed: int, channels: int, blocks: int, length: int, count: int, stillness: float
) -> None:
    network = learned("everyday", seed, channels=channels, classes=4, stem=8, width=16, blocks=blocks, units=8)
    signals = torch.randn(count, length, channels) * stillness + torch.tensor(
        [0.3, -0.2, 0.93] + [0.0] * (channels - 3)
    )
    expected = network(signals).detach()  # as in training, but without dropout
    with torch.inference_mode():
        torch.testing.assert_close(for_inference(network)(signals), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["everyday", "deep_conv_lstm", "notebook_lstm"])
def test_the_network_stays_as_it_was(name: str) -> None:
    network = learned(name, channels=3, classes=4).train()
    before = copy.deepcopy(network.state_dict())
    signals = torch.randn(3, 300, 3)
    faster = for_inference(network)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    faster(signals)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    with torch.inference_mode():
        torch.testing.assert_close(faster(signals), network.eval()(signals), rtol=1e-4, atol=1e-5)


def test_each_batch_normalisation_after_a_convolution_is_part_of_it() -> None:
    network = learned("everyday", channels=3, classes=4)
    left = [name for name, part in for_inference(network).named_modules() if isinstance(part, nn.BatchNorm1d)]
    assert left == ["glance.0"]  # which no convolution comes before


def test_a_convolution_padded_by_a_word_is_joined_too() -> None:
    network = nn.Sequential(nn.Conv1d(2, 3, 3, padding="same"), nn.BatchNorm1d(3), nn.ReLU())
    with torch.no_grad():
        network.get_buffer("1.running_mean").normal_()
    network.eval()
    signals = torch.randn(2, 2, 9)
    faster = for_inference(network)
    assert isinstance(faster, nn.Sequential)
    assert [type(part) for part in faster] == [nn.Conv1d, nn.ReLU]
    torch.testing.assert_close(faster(signals), network(signals))


def test_a_copy_notices_another_network() -> None:
    network = learned("everyday", channels=3, classes=4)
    made = InferenceCopy(network)
    assert made.is_of(network)
    assert not made.is_of(copy.deepcopy(network))
    network.load_state_dict(network.state_dict())
    assert not made.is_of(network)
    made = InferenceCopy(network)
    with torch.no_grad():
        network.get_buffer("stem.1.running_mean").add_(1)
    assert not made.is_of(network)


def test_a_recogniser_answers_by_the_weights_that_it_has_now() -> None:
    windows = study_windows()
    recogniser = Recogniser(SMALL_EVERYDAY, device="cpu").fit(windows)
    first = recogniser.predict_proba(windows)
    assert np.array_equal(recogniser.predict_proba(windows), first)
    with torch.no_grad():
        recogniser.network_.get_parameter("output.bias")[0] += 100
    assert (recogniser.predict_proba(windows).argmax(axis=1) == 0).all()
    with torch.no_grad():
        recogniser.network_.get_parameter("output.bias")[0] -= 100
    sent = pickle.loads(pickle.dumps(recogniser))  # as joblib sends it to another process
    np.testing.assert_allclose(sent.predict_proba(windows), first, atol=1e-5)
    recogniser = recogniser.with_model(replace(recogniser.model_, network=copy.deepcopy(recogniser.network_)))
    np.testing.assert_allclose(recogniser.predict_proba(windows), first, atol=1e-5)


def test_a_model_loaded_in_inference_mode_answers(tmp_path: Path) -> None:
    windows = study_windows()
    recogniser = Recogniser(SMALL_EVERYDAY, epochs=1, device="cpu").fit(windows)
    recogniser.save(tmp_path / "model.safetensors")
    with torch.inference_mode():
        loaded = Recogniser.load(tmp_path / "model.safetensors", device="cpu")
        assert np.array_equal(loaded.predict_proba(windows), recogniser.predict_proba(windows))
    assert np.array_equal(loaded.predict_proba(windows), recogniser.predict_proba(windows))
