"""Networks of one's own: classes where names are accepted, and model files of networks that are not here."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import people
import study
from harken.evaluation.benchmark.methods import check_sendable, method
from harken.models.model_file import read_model
from harken.models.recogniser import Recogniser
from harken.networks import build as networks
from harken.networks.build import network_name
from harken.networks.everyday import everyday
from harken.networks.layers import LSTM, Convolution, Dense, Dropout, Layer, Layers, MeanAndLargest
from harken.networks.pytorch import LayerNetwork, build
from harken.support.errors import HarkenError


@dataclass(frozen=True)
class MeanSizes:
    channels: int
    classes: int
    width: int = 4
    share: float = 0.5


class MeanNetwork(nn.Module):
    """A layer on the mean over time."""

    def __init__(self, sizes: MeanSizes) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(sizes.channels, sizes.width), nn.ReLU(), nn.Dropout(sizes.share))
        self.output = nn.Linear(sizes.width, sizes.classes)

    def forward(self, signals: Tensor) -> Tensor:
        return self.output(self.layers(signals.mean(1)))  # type: ignore[no-any-return]


class FailingNetwork(MeanNetwork):
    """Its graph cannot be written."""

    def onnx_graph(self, graph: Any, signals: str, length: int) -> str:
        return str(graph.layers(signals, [nn.GELU()]))


MINE = replace(people.SMALL_EVERYDAY, name="mine", network=MeanNetwork, sizes={"width": 6})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model file of a network that was passed as a class."""
    Recogniser(MINE, device="cpu").fit(study.study_windows()).save(tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def test_a_class_is_named_by_its_module_and_is_read_again_as_long_as_the_program_runs(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = read_model(saved)
    name = f"{MeanNetwork.__module__}:MeanNetwork"
    assert (model.specification.network, MINE.network_name) == (name, name)
    assert isinstance(model.network, MeanNetwork)
    windows = study.study_windows()
    again = Recogniser(MINE, device="cpu").fit(windows).predict_proba(windows)
    assert np.array_equal(Recogniser.load(saved, device="cpu").predict_proba(windows), again)
    assert MINE.as_dict()["network"] == name

    monkeypatch.setattr(networks, "_passed", {})  # as in another program
    with pytest.raises(HarkenError, match=rf"refused: the network '{name}' belongs to the program that trained"):
        read_model(saved)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "nobody",
            "there is no network 'nobody'; the networks of this version of harken are deep_conv_lstm, everyday, "
            "notebook_lstm",
        ),
        (
            "no-such-package/tiny",
            "the network 'tiny' comes with the package 'no-such-package' .* which is not installed",
        ),
        ("numpy/tiny", "the network 'tiny' comes with the package 'numpy' .* or in another version"),
        ("os:system", "belongs to the program that trained the model"),
    ],
)
def test_what_is_missing_is_named(name: str, why: str) -> None:
    for find in (network_name, lambda name: build(name, {})):
        with pytest.raises(HarkenError, match=why):
            find(name)


class WithoutSizes(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()


@dataclass(frozen=True)
class FewSizes:
    classes: int


class FewNetwork(nn.Module):
    def __init__(self, sizes: FewSizes) -> None:
        super().__init__()


class Unknown(Layer):
    """A kind of layer that harken does not know."""


def network_of(*layers: Layer) -> Callable[[MeanSizes], Layers]:
    """A network whose layers do not depend on its sizes: 3 channels and 2 classes."""

    def network(sizes: MeanSizes) -> Layers:
        return layers

    return network


OUTPUT = Dense("output", 8, 2)


@pytest.mark.parametrize(
    ("layers", "error", "why"),
    [
        ((Dense("training", 3, 4), MeanAndLargest(), OUTPUT), HarkenError, "no layer of a network can be called trai"),
        ((MeanAndLargest(), Dense("last", 6, 2)), HarkenError, r'its last layer must be Dense\("output"'),
        ((Dense("output", 3, 4), OUTPUT), HarkenError, r"two of its layers have a weight output\.bias"),
        ((Unknown(), MeanAndLargest(), OUTPUT), TypeError, "PyTorch has no module for the layer"),
    ],
)
def test_layers_that_make_no_network_are_refused(layers: Layers, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        build(network_name(network_of(*layers)), {"channels": 3, "classes": 2})


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Convolution("a", 3, 4, 3, groups=2), "the groups of a must divide 3 channels"),
        (lambda: Convolution("a", 3, 4, 3, stride=0), "the kernel and stride of a must be at least 1, and its padding"),
        (lambda: Convolution("a", 3, 3, 3, padding=1, residual=True), "a has dropout or a residual, but is not norm"),
        (lambda: Convolution("a.0", 3, 4, 3, padding=1, normalised=True, residual=True), "the shape of its input"),
        (lambda: LSTM("a", 3, 8, both_directions=True, last=True), "a goes in both directions, so it has no last"),
    ],
)
def test_a_layer_whose_sizes_do_not_fit_is_refused(make: Callable[[], Layer], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_dropout_has_no_effect_in_evaluation_whatever_the_layers_are_called() -> None:
    layers = (Dropout(0.5), Dense("layer0", 3, 8), MeanAndLargest(), Dense("output", 16, 2))
    network, signals = LayerNetwork(layers).eval(), torch.randn(4, 20, 3)
    torch.testing.assert_close(network(signals), network(signals), rtol=0, atol=0)


@pytest.mark.parametrize("network", [partial(everyday), nn.Linear(3, 2), None])
def test_what_is_neither_a_function_nor_a_class_is_refused(network: Any) -> None:
    with pytest.raises(HarkenError, match="the network must be a function that returns layers or a class of torch"):
        network_name(network)


def test_a_class_that_is_built_otherwise_is_refused() -> None:
    with pytest.raises(HarkenError, match="WithoutSizes must take one argument, annotated with the dataclass of its"):
        network_name(WithoutSizes)
    with pytest.raises(HarkenError, match="the sizes of the network FewNetwork lack channels"):
        network_name(FewNetwork)
    with pytest.raises(
        HarkenError, match=r"must be a function that returns layers or a class of torch\.nn\.Module, got dict"
    ):
        network_name(dict)  # type: ignore[arg-type]


def test_a_network_without_a_graph_cannot_be_exported(tmp_path: Path, saved: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    from harken.models.export import export

    with pytest.raises(HarkenError, match=r"its class MeanNetwork has no method onnx_graph\(graph, signals, length\)"):
        export(tmp_path / "mine.onnx", read_model(saved))
    failing = Recogniser(replace(MINE, network=FailingNetwork), device="cpu").fit(study.study_windows())
    failing.save(tmp_path / "failing.safetensors")
    with pytest.raises(HarkenError, match=r"onnx_graph failed \(TypeError: no ONNX is known for the layer GELU"):
        export(tmp_path / "failing.onnx", read_model(tmp_path / "failing.safetensors"))
    assert not list(tmp_path.glob("*.onnx"))


def test_a_preset_with_a_class_is_sent_to_processes_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Local(MeanNetwork):
        pass

    with pytest.raises(
        HarkenError, match=r"mine cannot be sent to worker processes, .* its class .*Local.*: define it at"
    ):
        check_sendable([method(replace(MINE, network=Local), seed=0)])
    monkeypatch.setattr(MeanNetwork, "__module__", "__main__")
    monkeypatch.setattr("__main__.MeanNetwork", MeanNetwork, raising=False)
    monkeypatch.delattr("__main__.__file__", raising=False)
    assert pickle.dumps(MINE)
    with pytest.raises(HarkenError, match=r"in a notebook\): define it at the top of a module, or use 0 workers"):
        check_sendable([method(MINE, seed=0)])
