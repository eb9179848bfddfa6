"""Label a CSV (seconds, x, y, z in g) with an exported model: ONNX Runtime and NumPy, nothing of harken.

python examples/onnx_label.py model.onnx monday.csv
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime

Array = np.ndarray[Any, Any]


def resample(t: Array, v: Array, r: dict[str, Any]) -> tuple[Array, Array]:
    """Samples v [n, channels] at t [n] seconds, without gaps -> those on the model's grid. See docs/onnx.md."""
    rate, every, weights = r["sample_rate_hz"], r["oversampling"], np.array(r["weights"])
    h, d = np.diff(t), np.diff(v, axis=0)
    a, b = np.append(0, h[1:] / h[:-1]), np.append(h[:-1] / h[1:], 0)
    a, b = (np.where(np.maximum(a, b) > r["straight_beyond"], 0, ratio)[:, None] for ratio in (a, b))
    s, e = (d + a * a * np.roll(d, 1, 0)) / (1 + a), (d + b * b * np.roll(d, -1, 0)) / (1 + b)
    fine = np.arange(np.ceil(t[0] * rate * every - 1e-3), np.floor(t[-1] * rate * every + 1e-3) + 1)
    i = np.clip(np.searchsorted(t, fine / (rate * every), side="right") - 1, 0, len(h) - 1)
    u = ((fine / (rate * every) - t[i]) / h[i])[:, None]
    points = v[i] + u * (s[i] + u * ((3 * d - 2 * s - e)[i] + u * (s + e - 2 * d)[i]))
    k = np.arange(np.ceil(fine[0] / every), np.floor(fine[-1] / every) + 1)
    reach = len(weights) // 2
    padded = np.pad(np.column_stack([points, np.ones(len(points))]), ((reach, reach), (0, 0)))
    around = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    filtered = around[(k * every - fine[0]).astype(int)] @ weights
    return k / rate, filtered[:, :-1] / filtered[:, -1:]


def label(model: str, t: Array, v: Array) -> Iterator[tuple[float, dict[str, float]]]:
    """Of each window its start in seconds, and the probability of each label."""
    session = onnxruntime.InferenceSession(model)
    said = json.loads(session.get_modelmeta().custom_metadata_map["harken"])
    length, hop, r = said["windows"]["length"], said["windows"]["hop"], said["resampling"]
    steps = np.diff(t)
    off = abs(1 / steps[steps <= r["gap_s"]].mean() / r["sample_rate_hz"] - 1)
    for rows in np.split(np.arange(len(t)), np.flatnonzero(steps > r["gap_s"]) + 1):
        at, signals = t[rows], v[rows]
        if len(rows) > 1 and (r["always"] or off > r["else_if_rate_is_off_by"]):
            at, signals = resample(at, signals, r)
        last = len(at) - length
        for first in sorted({*range(0, last + 1, hop), last}) if last >= 0 else []:
            window = signals[None, first : first + length].astype(np.float32)
            [[shares]] = session.run(["probabilities"], {"windows": window})
            yield at[first], dict(zip(said["output"]["labels"], shares, strict=True))


if __name__ == "__main__":
    table = np.loadtxt(sys.argv[2], delimiter=",", skiprows=1)
    for start, found in label(sys.argv[1], table[:, 0], table[:, 1:]):
        print(f"{start:.3f}", *(f"{name}={share:.5f}" for name, share in found.items()))
