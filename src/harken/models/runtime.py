"""Running an exported model with ONNX Runtime and NumPy; PyTorch is not imported.

The page "Exported models" describes the content of such a file and the input it needs.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harken.support.arrays import Float32Array, FloatArray, StrArray
from harken.support.errors import HarkenError
from harken.support.plugins import need_extra

if TYPE_CHECKING:
    from harken.networks.specification import Specification
    from harken.recordings.recording import Recording
    from harken.timelines import Timeline
    from harken.windows.windows import Windows

METADATA_KEY = "harken"
NEWEST_FORMAT = 1
INPUT, OUTPUT, HANDS = "windows", "probabilities", "hands"
ERRORS_ONLY = 3
"""The log level of ONNX Runtime. Its warnings about unknown processors do not help a user."""


class ExportedRecogniser:
    """A model that ``harken export --to onnx`` wrote.

    Attributes:
        contract: the metadata of the file: its input, its output and its preprocessing.
        labels: the classes, in the order of the probabilities.
        channels: the channels of a window, in order.
        window_length: samples in a window.
        sample_rate_hz: their rate.
    """

    contract: Mapping[str, Any]
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    window_length: int
    sample_rate_hz: float

    def __init__(self, model: str | Path | bytes, *, threads: int | None = None) -> None:
        """From a file or its bytes.

        Args:
            model: the path of the file, or its content.
            threads: the number of threads of ONNX Runtime; one for each core if None.

        Raises:
            HarkenError: when ONNX Runtime is not installed, or the file is missing, damaged, from a newer harken or
                not an exported model.
        """
        need_extra("onnx", "onnxruntime", what="an exported model")
        import onnxruntime

        name = "the exported model" if isinstance(model, bytes) else str(model)
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise HarkenError(f"there is no such file; harken export MODEL --to onnx --out {name} makes one", path=name)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the only class that all errors of ONNX Runtime share
            raise HarkenError(f"not a model that ONNX Runtime can read: {error}", path=name) from error
        self.contract = _contract(name, self._session.get_modelmeta().custom_metadata_map)
        self.labels = tuple(self.contract["output"]["labels"])
        self.channels = tuple(self.contract["input"]["channels"])
        self.window_length = self.contract["windows"]["length"]
        self.sample_rate_hz = self.contract["windows"]["sample_rate_hz"]

    @classmethod
    def load(cls, path: str | Path, *, threads: int | None = None) -> "ExportedRecogniser":
        """Read a file. See ``ExportedRecogniser``."""
        return cls(path, threads=threads)

    def __repr__(self) -> str:
        return f"<ExportedRecogniser: {', '.join(self.labels)}>"

    def predict_proba(self, windows: "FloatArray | Windows") -> Float32Array:
        """Probabilities of each label, float32 ``[n, labels]``. See ``predict_answers``."""
        return self.predict_answers(windows)[:, : len(self.labels)]

    def predict_answers(self, windows: "FloatArray | Windows") -> Float32Array:
        """Probabilities of each label, and of busy hands if the model was taught those, float32 ``[n, outputs]``.

        Args:
            windows: ``[n, window_length, channels]``, acceleration in g, at the model's rate; or ``Windows``, whose
                channels are then picked by name.

        Raises:
            HarkenError: when they do not have that shape, or not the model's length, rate and channels.
        """
        if not isinstance(windows, np.ndarray):
            windows = self._specification().prepare(windows)
        expected = (self.window_length, len(self.channels))
        if windows.ndim != 3 or windows.shape[1:] != expected:
            raise HarkenError(
                f"the model reads windows [n, {expected[0]}, {expected[1]}] ({self.window_length} samples of "
                f"{', '.join(self.channels)}), not an array of shape {list(windows.shape)}"
            )
        if len(windows) == 0:
            return np.empty((0, self._specification().outputs), np.float32)
        given = {INPUT: np.ascontiguousarray(windows, np.float32)}
        return np.concatenate(self._session.run(None, given), axis=1, dtype=np.float32)

    def predict(self, windows: "FloatArray | Windows") -> StrArray:
        """The most probable label of each window, ``[n]``. Raises as ``predict_proba``."""
        names: StrArray = np.array(self.labels, dtype=np.str_)
        return np.asarray(names[self.predict_proba(windows).argmax(axis=1)])

    def label_prepared(self, recording: "Recording", *, unsure_below: float | None = None) -> "Timeline":
        """Label a whole recording, as ``Recogniser.label_prepared`` does. It needs Polars for the timeline's table.

        Raises:
            HarkenError: see ``harken.models.label_recording``.
        """
        from harken.models.label_recording import label_recording

        return label_recording(self._specification(), recording, self.predict_answers, unsure_below=unsure_below)

    def _specification(self) -> "Specification":
        """The specification of the model, for windows in g: the graph converts them to the unit of the network."""
        from harken.networks.specification import Specification

        return replace(Specification.from_dict(self.contract["specification"]), acceleration_unit="g")


def _contract(name: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    if METADATA_KEY not in metadata:
        raise HarkenError("an ONNX model, but not one that harken exported", path=name)
    try:
        contract = json.loads(metadata[METADATA_KEY])
        version = contract["format_version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise HarkenError("its description is not in the form that harken writes", path=name) from error
    if version != NEWEST_FORMAT:
        raise HarkenError(
            f"it has the format {version}, this harken reads {NEWEST_FORMAT}; upgrade harken, or export again",
            path=name,
        )
    return dict(contract)
