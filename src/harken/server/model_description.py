"""What the server says about its model."""

from collections.abc import Mapping
from typing import Any

from harken.networks.specification import CalibratedOn, Specification

CALIBRATION: Mapping[CalibratedOn, str] = {
    "unseen": "Its probabilities were calibrated on unseen people.",
    "the same person": "Its probabilities were calibrated on people on whom it was trained, and may be too high for "
    "others.",
    "nobody": "Its probabilities were not calibrated, and may be too high.",
}


def description(specification: Specification, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of ``/api/model`` for a model with this specification and provenance."""
    people = len(provenance.get("training_people", []))
    return {
        "labels": list(specification.labels),
        "window_length_s": round(specification.window_length_s, 6),
        "hop_s": specification.hop_s,
        "sample_rate_hz": round(specification.sample_rate_hz, 6),
        "name": specification.preset,
        "card": [
            f"It recognises {', '.join(specification.labels)} "
            f"in windows of {specification.window_length_s:g} s at {specification.sample_rate_hz:g} Hz.",
            f"It was trained on {people} {'person' if people == 1 else 'people'}; it is less accurate for others.",
            CALIBRATION[specification.calibrated_on],
        ],
        "demo": False,
    }
