"""What the server says about its model."""

from collections.abc import Mapping
from typing import Any

from harken.networks.specification import Specification

__all__ = ["description"]


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
            f"Its probabilities were calibrated on {specification.calibrated_on}.",
        ],
        "demo": False,
    }
