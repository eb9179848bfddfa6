"""What an exported model says about itself: all that somebody must know who has nothing but the file."""

import json
from collections.abc import Mapping
from typing import Any

from harken import __version__
from harken.models.model_file import FittedModel
from harken.models.onnx.runtime import INPUT, METADATA_KEY, NEWEST_FORMAT, OUTPUT
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.recording import MINIMUM_GAP_S
from harken.signals.curves import MISSING
from harken.signals.resampling import CUT_OFF, HALF_WIDTH, KAISER_BETA, LEAST_OVERSAMPLING, LowPass

__all__ = ["metadata"]

DECIMALS = 12
"""Of the filter's weights: the last digits of a double are another processor's matter."""
UNITS = {"x": "g", "y": "g", "z": "g", "gyro_x": "rad/s", "gyro_y": "rad/s", "gyro_z": "rad/s"}


def metadata(model: FittedModel, example: Mapping[str, Any]) -> dict[str, str]:
    """The metadata of an exported model: one JSON. ``example`` is a worked one, see ``harken.models.onnx.example``."""
    specification = model.specification
    said = {
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
            "calibrated_on": specification.calibrated_on,
        },
        "windows": {
            "sample_rate_hz": specification.sample_rate_hz,
            "length": specification.window_length,
            "hop": max(1, round(specification.hop_s * specification.sample_rate_hz)),
        },
        "resampling": _resampling(specification),
        "example": dict(example),
        "specification": specification.as_dict(),
        "provenance": dict(model.provenance),
    }
    return {METADATA_KEY: json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False)}


def _resampling(specification: Specification) -> dict[str, Any]:
    rate_hz = specification.sample_rate_hz
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
