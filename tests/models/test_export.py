"""An exported model answers as its network does, for every network; what does not is never written."""

from pathlib import Path

import numpy as np
import pytest

from harken.models.export import check_same, export, exported_bytes
from harken.models.model_file import PACKAGED_MODEL, FittedModel, read_model
from harken.models.runtime import ExportedRecogniser
from harken.networks.build import NETWORKS
from harken.networks.layers import BasicLSTM, Convolution, Dense, Layers, MeanAndLargest, PerChannel
from harken.networks.onnx import Graph, write_graph
from harken.networks.pytorch import LayerNetwork, logits
from harken.networks.specification import ModelUnit
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from made_models import made_model

onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")


def expected(model: FittedModel, windows_g: np.ndarray) -> np.ndarray:
    """Probabilities of labels, and of busy hands if the model knows them, in double precision from the network's own
    logits."""
    factor = STANDARD_GRAVITY if model.specification.acceleration_unit == "m/s2" else 1.0
    outputs = logits(model.network, (windows_g * factor).astype(np.float32)).astype(np.float64)
    of_labels, of_hands = np.split(outputs, [len(model.specification.labels)], axis=1)
    exponentials = np.exp(of_labels / model.specification.temperature)
    return np.hstack([exponentials / exponentials.sum(1, keepdims=True), 1 / (1 + np.exp(-of_hands))])


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("unit", ["g", "m/s2"])
def test_probabilities_are_those_of_pytorch(network: str, unit: ModelUnit) -> None:
    model = made_model(network, unit=unit)
    exported = ExportedRecogniser(exported_bytes(model), threads=1)
    random = np.random.default_rng(9)
    for batch in (1, 3, 64):
        windows = random.normal(0, 0.7, (batch, 120, 3)).astype(np.float32)
        probabilities = exported.predict_proba(windows)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected(model, windows), atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 1e-3, "the windows are told apart, or nothing was tested"


@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_model_gives_the_same_bytes(network: str) -> None:
    first = exported_bytes(made_model(network))
    assert exported_bytes(made_model(network)) == first


def test_export_writes_a_file_that_onnx_accepts(tmp_path: Path) -> None:
    assert export(tmp_path / "model.onnx", made_model()) <= 1e-5
    read = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(read, full_check=True)
    assert [node.op_type for node in read.graph.node].count("LSTM") == 1
    shape = read.graph.input[0].type.tensor_type.shape.dim
    assert [dimension.dim_param or dimension.dim_value for dimension in shape] == ["batch", 120, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_model_that_comes_with_harken_even_of_a_watch_on_a_table() -> None:
    model = read_model(PACKAGED_MODEL)
    content = exported_bytes(model)
    assert check_same(model, content) <= 1e-5
    still = np.random.default_rng(4).normal(0, 0.6, (200, 1, 3)).repeat(300, 1).astype(np.float32)
    found = ExportedRecogniser(content, threads=1).predict_answers(still)
    np.testing.assert_allclose(found, expected(model, still), atol=1e-5)


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Graph, "maximum", Graph.mean)
    with pytest.raises(HarkenError, match="nothing was written: the exported everyday gives probabilities"):
        export(tmp_path / "model.onnx", made_model())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "layers",
    [
        (PerChannel(8, 2, (Convolution("each", 1, 2, 3),)), MeanAndLargest(), Dense("output", 32, 2)),
        (BasicLSTM(8, 2), Dense("output", 8, 2)),
    ],
)
def test_layers_after_a_convolution_that_shortens_the_signals(layers: Layers) -> None:
    network = LayerNetwork((Convolution("first", 3, 8, 5, stride=2), *layers)).eval()
    windows = np.random.default_rng(0).normal(size=(4, 40, 3)).astype(np.float32)
    graph = Graph()
    answers = write_graph(graph, "mine", network, "windows", 40)
    model = graph.model(reads=("windows", (40, 3)), gives=[(answers, "logits", 2)])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (exported,) = session.run(None, {"windows": windows})
    np.testing.assert_allclose(exported, logits(network, windows), atol=1e-5)
