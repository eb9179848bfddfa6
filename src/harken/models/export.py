"""Export: build the graph, check that ONNX Runtime and PyTorch agree, and only then write the file with its metadata.

The metadata are everything that is needed to use the file on its own, with a worked example: samples from a formula,
and the expected probabilities. An implementation in another language can be tested against it.
"""

import json
import math
from pathlib import Path

import numpy as np

from harken import __version__
from harken.models.label_recording import label_recording
from harken.models.model_file import FittedModel
from harken.models.runtime import HANDS, INPUT, METADATA_KEY, NEWEST_FORMAT, OUTPUT, ExportedRecogniser
from harken.networks.inference import answers
from harken.networks.onnx import Graph, write_graph
from harken.networks.pytorch import logits
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.recording import ACCELERATION, MINIMUM_GAP_S, STANDARD_GRAVITY, UNLABELLED, Recording
from harken.signals.resampling import CUT_OFF, HALF_WIDTH, KAISER_BETA, LEAST_OVERSAMPLING, MISSING, Grid, LowPass
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError
from harken.support.files import Json, write_bytes
from harken.support.plugins import need_extra
from harken.windows.windows import Windows

DECIMALS = 12
"""Decimals of the filter's weights. The last digits of a double differ between processors."""
UNITS = {"x": "g", "y": "g", "z": "g", "gyro_x": "rad/s", "gyro_y": "rad/s", "gyro_z": "rad/s"}
FORMULA = (
    "Sample i (from 0) is at t = i * interval_s + jitter_s * sin(i) seconds since 1970. Its value of channel c "
    "(from 0) is offset[c] + 0.05 * t * sin(2 * pi * (0.7 + 0.5 * c) * t + c)."
)
SAMPLES_FOR_ONE = 0.7
"""The sampling interval of the example, as a share of the model's, so that the example needs resampling."""
JITTER = 0.2
EXAMPLE_DECIMALS = 5


def metadata(model: FittedModel) -> dict[str, str]:
    """The metadata of an exported model, as one JSON text."""
    specification = model.specification
    content = {
        "format_version": NEWEST_FORMAT,
        "documentation": "docs/onnx.md of harken",
        "written_by": f"harken {__version__}",
        "input": {
            "name": INPUT,
            "type": "float32",
            "shape": ["batch", specification.window_length, len(specification.channels)],
            "channels": list(specification.channels),
            "units": [UNITS.get(channel, "as recorded") for channel in specification.channels],
        },
        "output": {
            "name": OUTPUT,
            "type": "float32",
            "shape": ["batch", len(specification.labels)],
            "labels": list(specification.labels),
            "temperature": specification.temperature,
            "temperature_is_in_the_graph": True,
            **({"hands": HANDS} if specification.hands else {}),
            "calibrated_on": specification.calibrated_on,
        },
        "windows": {
            "sample_rate_hz": _grid_rate_hz(specification),
            "length": specification.window_length,
            "hop": max(1, round(specification.hop_s * specification.sample_rate_hz)),
        },
        "resampling": _resampling(specification),
        "example": example(model),
        "specification": specification.as_dict(),
        "provenance": dict(model.provenance),
    }
    return {METADATA_KEY: json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)}


def _resampling(specification: Specification) -> Json:
    rate_hz = _grid_rate_hz(specification)
    return {
        "always": specification.even_grid,
        "else_if_rate_is_off_by": RATE_TOLERANCE,
        "sample_rate_hz": rate_hz,
        "gap_s": MINIMUM_GAP_S,
        "straight_beyond": MISSING,
        "oversampling": LEAST_OVERSAMPLING,
        "up_to_source_hz": (2 * LEAST_OVERSAMPLING - 1) * rate_hz,
        "weights": [round(weight, DECIMALS) + 0.0 for weight in LowPass(LEAST_OVERSAMPLING).weights.tolist()],
        "half_width": HALF_WIDTH,
        "cut_off": CUT_OFF,
        "kaiser_beta": KAISER_BETA,
    }


def _grid_rate_hz(specification: Specification) -> float:
    """Return the rate of harken's grid of new samples.

    A model may have been trained at 29.99999999995 Hz. Counted from 1970, a grid at that rate lies milliseconds beside
    harken's own, which has the next simple fraction: 30 Hz.
    """
    return float(Grid(specification.sample_rate_hz).rate_hz)


def example(model: FittedModel) -> Json:
    """The worked example of a model, computed by its network in PyTorch."""
    specification = model.specification
    made = made_recording(specification)
    resampled = specification.prepare_recording(made)
    starts: list[int] = []
    examples: list[Float32Array] = []

    def answer(windows: Windows) -> Float32Array:
        found = answers(specification, logits(model.network, specification.prepare(windows)))
        starts.extend(windows.start_rows.tolist())
        examples.append(found)
        return found

    label_recording(specification, made, answer)
    probabilities, hands = specification.labels_and_hands(np.concatenate(examples))
    return {
        "formula": FORMULA,
        "samples": len(made),
        **_numbers(specification),
        "resampled": {
            "samples": len(resampled),
            "first_time_s": round(int(resampled.time_ns[0]) / 1e9, EXAMPLE_DECIMALS),
            "first": _rounded(resampled.signals[0]),
            "middle": _rounded(resampled.signals[len(resampled) // 2]),
            "last": _rounded(resampled.signals[-1]),
        },
        "window_starts": starts,
        "probabilities": list(map(_rounded, probabilities)),
        **({} if hands is None else {"hands": _rounded(hands)}),
    }


def made_recording(specification: Specification) -> Recording:
    """The samples of ``FORMULA``, enough for three windows at the model's hop."""
    length_s = specification.window_length_s + 2.5 * specification.hop_s
    numbers = _numbers(specification)
    i = np.arange(math.ceil(length_s / numbers["interval_s"]))
    time_s = numbers["interval_s"] * i + numbers["jitter_s"] * np.sin(i)
    channel = np.arange(len(specification.channels))
    seconds = time_s[:, None]
    waves = 0.05 * seconds * np.sin(2 * np.pi * (0.7 + 0.5 * channel) * seconds + channel)
    return Recording(
        time_ns=np.rint(time_s * 1e9).astype(np.int64),
        signals=(np.array(numbers["offset"]) + waves).astype(np.float32),
        channels=specification.channels,
        label_codes=np.full(len(i), UNLABELLED, np.int16),
        label_names=(),
        subject="example",
    )


def _numbers(specification: Specification) -> Json:
    """The numbers of ``FORMULA``. The offset is 1 g on the last axis, as for a watch on a table."""
    interval_s = round(SAMPLES_FOR_ONE / specification.sample_rate_hz, 6)
    offset = [float(channel == "z") for channel in specification.channels]
    return {"interval_s": interval_s, "jitter_s": round(JITTER * interval_s, 6), "offset": offset}


def _rounded(values: Float32Array) -> list[float]:
    return [round(float(value), EXAMPLE_DECIMALS) for value in values]


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
    graph, signals = Graph(), INPUT
    if specification.acceleration_unit == "m/s2":
        signals = graph.add("Mul", [INPUT, graph.constant(_factors(specification))])
    network = model.network.cpu().eval()
    outputs = write_graph(graph, specification.network, network, signals, specification.window_length)
    labels, of_hands = len(specification.labels), []
    if specification.hands:
        logit = graph.part(outputs, 1, labels, labels + 1)
        of_hands = [(graph.add("Sigmoid", [logit]), HANDS, 1)]
        outputs = graph.part(outputs, 1, 0, labels)
    tempered = graph.add("Div", [outputs, graph.constant(specification.temperature)])
    probabilities = graph.add("Softmax", [tempered], axis=1)
    built = graph.model(
        reads=(INPUT, (specification.window_length, len(specification.channels))),
        gives=[(probabilities, OUTPUT, labels), *of_hands],
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
    largest = 0.0
    for batch in BATCHES:
        for windows in _random_windows(model.specification, batch):
            inside = windows * _factors(model.specification)
            expected = answers(model.specification, logits(model.network, inside))
            difference = np.abs(exported.predict_answers(windows) - expected).max()
            if not difference <= CLOSE:  # also true for NaN
                raise HarkenError(
                    f"nothing was written: the exported {model.specification.network} gives probabilities that are "
                    f"{difference:.2g} off those of PyTorch, but at most {CLOSE:g} is allowed. "
                    f"{_at_fault(model)}"
                )
            largest = max(largest, float(difference))
    return largest


def _at_fault(model: FittedModel) -> str:
    if hasattr(model.network, "onnx_graph"):
        return "The network's method onnx_graph must compute what its forward does in evaluation mode"
    return "This is a fault of harken or of the installed ONNX Runtime; please report it with the versions of both"


def _factors(specification: Specification) -> Float32Array:
    """The factor of each channel that converts it from g to the unit of the network, ``[channels]``."""
    gravity = STANDARD_GRAVITY if specification.acceleration_unit == "m/s2" else 1.0
    return np.array([gravity if name in ACCELERATION else 1.0 for name in specification.channels], np.float32)


def _random_windows(specification: Specification, batch: int) -> list[Float32Array]:
    """A batch ``[batch, time, channels]`` of each size of movement."""
    random = np.random.default_rng(batch)
    shape = (batch, specification.window_length, len(specification.channels))
    windows = []
    for movement in MOVEMENTS:
        offset = random.normal(0, 0.6, (batch, 1, shape[2]))
        windows.append((offset + random.normal(0, movement, shape)).astype(np.float32))
    return windows
