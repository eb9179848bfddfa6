"""Export: build the graph, check that ONNX Runtime and PyTorch agree, and only then write the file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from harken.models.export_metadata import metadata
from harken.models.model_file import FittedModel
from harken.models.runtime import INPUT, OUTPUT, ExportedRecogniser
from harken.networks.inference.network import softmax
from harken.networks.onnx.graph import Graph
from harken.networks.onnx.networks import GRAPHS, write_graph
from harken.networks.prediction import logits
from harken.networks.specification import Specification
from harken.recordings.recording import ACCELERATION, STANDARD_GRAVITY
from harken.support.errors import HarkenError
from harken.support.files import write_bytes
from harken.support.plugins import need_extra

CLOSE = 1e-5
"""The largest allowed difference of probabilities, a hundred times the rounding of single precision."""
BATCHES = (1, 2, 64)
MOVEMENTS = (0.0, 0.001, 0.03, 0.5, 4.0)
"""Standard deviations in g: a watch on a table, lying, sitting, walking, and a sensor at its limits."""


def export(path: str | Path, model: FittedModel) -> float:
    """Write a model as an ONNX file, whole or not at all.

    Returns:
        The largest difference between its probabilities and those of PyTorch on random windows.

    Raises:
        HarkenError: when onnx or ONNX Runtime is not installed, or the difference is above ``CLOSE``. Nothing is
            written then.
    """
    content = exported_bytes(model)
    difference = check_same(model, content)
    write_bytes(path, content)
    return difference


def exported_bytes(model: FittedModel) -> bytes:
    """The content of the file. The same model gives the same bytes.

    Raises:
        HarkenError: when onnx is not installed, or the network of another package has no ONNX graph.
    """
    need_extra("onnx", "onnx", "onnxruntime", what="the export of a model")
    import onnx

    specification = model.specification
    graph = Graph()
    signals = _in_the_models_unit(graph, specification)
    network = model.network.cpu().eval()
    answers = write_graph(graph, specification.network, network, signals, specification.window_length)
    tempered = graph.add("Div", [answers, graph.constant(specification.temperature)])
    probabilities = graph.add("Softmax", [tempered], axis=1)
    built = graph.model(
        reads=(INPUT, (specification.window_length, len(specification.channels))),
        gives=(probabilities, OUTPUT, len(specification.labels)),
    )
    built.producer_name = "harken"
    onnx.helper.set_model_props(built, metadata(model))
    onnx.checker.check_model(built, full_check=True)
    content: bytes = built.SerializeToString(deterministic=True)
    return content


def check_same(model: FittedModel, content: bytes) -> float:
    """The largest difference of probabilities between an exported model and its network in PyTorch.

    Raises:
        HarkenError: when it is above ``CLOSE``.
    """
    exported = ExportedRecogniser(content, threads=1)
    temperature = np.float32(model.specification.temperature)
    largest = 0.0
    for batch in BATCHES:
        for windows in _random_windows(model.specification, batch):
            inside = windows * _factors(model.specification)
            expected = softmax(logits(model.network, torch.from_numpy(inside)) / temperature)
            difference = np.abs(exported.predict_proba(windows) - expected).max()
            if not difference <= CLOSE:  # also true for NaN
                raise HarkenError(
                    f"nothing was written: the exported {model.specification.network} gives probabilities that are "
                    f"{difference:.2g} off those of PyTorch, but at most {CLOSE:g} is allowed. "
                    f"{_at_fault(model.specification.network)}"
                )
            largest = max(largest, float(difference))
    return largest


def _at_fault(network: str) -> str:
    if network in GRAPHS:
        return "This is a fault of harken or of the installed ONNX Runtime; please report it with the versions of both"
    return "The network's method onnx_graph must compute what its forward does in evaluation mode"


def _in_the_models_unit(graph: Graph, specification: Specification) -> str:
    """Convert windows from g to the unit of the network's training data."""
    if specification.acceleration_unit == "g":
        return INPUT
    return graph.add("Mul", [INPUT, graph.constant(_factors(specification))])


def _factors(specification: Specification) -> NDArray[np.float32]:
    """The factor of each channel that converts it to the unit of the network, ``[channels]``."""
    gravity = STANDARD_GRAVITY if specification.acceleration_unit == "m/s2" else 1.0
    return np.array([gravity if name in ACCELERATION else 1.0 for name in specification.channels], np.float32)


def _random_windows(specification: Specification, batch: int) -> list[NDArray[np.float32]]:
    """A batch ``[batch, time, channels]`` of each size of movement."""
    random = np.random.default_rng(batch)
    shape = (batch, specification.window_length, len(specification.channels))
    return [
        (random.normal(0, 0.6, (batch, 1, shape[2])) + random.normal(0, movement, shape)).astype(np.float32)
        for movement in MOVEMENTS
    ]
