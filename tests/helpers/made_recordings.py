"""Recordings and models' descriptions made by hand, of which a test says only what matters to it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from harken.networks.specification import Specification
from harken.recordings.recording import UNLABELLED, Recording

XYZ = ("x", "y", "z")


def recording_of(
    time_ns: ArrayLike,
    signals: ArrayLike,
    *,
    codes: ArrayLike = UNLABELLED,
    names: tuple[str, ...] = (),
    **more: Any,
) -> Recording:
    """A recording of x, y and z, then P, of ann, unless more is said; ``codes`` is of each sample or of all."""
    values = np.asarray(signals, dtype=np.float32)
    return Recording(
        time_ns=np.asarray(time_ns, dtype=np.int64),
        signals=values,
        label_codes=np.broadcast_to(np.asarray(codes, dtype=np.int16), len(values)).copy(),
        label_names=names,
        **{"channels": (*XYZ, "P")[: values.shape[1]], "subject": "ann", **more},
    )


def specification_of(window_length: int, hop_s: float, labels: tuple[str, ...], **more: Any) -> Specification:
    """A model of x, y and z in g on an even grid of 30 Hz, with the everyday network of no sizes, unless said."""
    usual: dict[str, Any] = {
        "channels": XYZ,
        "acceleration_unit": "g",
        "sample_rate_hz": 30.0,
        "even_grid": True,
        "network": "everyday",
        "sizes": {},
        "preset": "everyday",
    }
    return Specification(window_length=window_length, hop_s=hop_s, labels=labels, **{**usual, **more})
