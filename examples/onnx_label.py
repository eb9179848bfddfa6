"""Label harken's own CSV (Timestamp in ms; X, Y, Z in m/s²) with an exported model. Explained in docs/onnx.md."""

import json
import sys
from typing import Any

import numpy as np
import onnxruntime


def resample(t: Any, v: Any, r: dict[str, Any]) -> tuple[Any, Any]:
    """Samples v [n, channels] at t [n] seconds, without gaps -> times and samples on the model's grid."""
    rate, m, w = r["sample_rate_hz"], r["oversampling"], r["weights"]
    h, d = np.diff(t), np.diff(v, axis=0)
    a, b = np.append(0, h[1:] / h[:-1]), np.append(h[:-1] / h[1:], 0)
    a, b = (np.where(np.maximum(a, b) > r["straight_beyond"], 0, ratio)[:, None] for ratio in (a, b))
    start, end = (d + a * a * np.roll(d, 1, 0)) / (1 + a), (d + b * b * np.roll(d, -1, 0)) / (1 + b)
    p = np.arange(np.ceil(t[0] * rate * m - 1e-3), np.floor(t[-1] * rate * m + 1e-3) + 1)
    i = np.clip(np.searchsorted(t, p / (rate * m), side="right") - 1, 0, len(h) - 1)
    u = ((p / (rate * m) - t[i]) / h[i])[:, None]
    fine = v[i] + u * (start[i] + u * ((3 * d - 2 * start - end)[i] + u * (start + end - 2 * d)[i]))
    k = np.arange(np.ceil(p[0] / m), np.floor(p[-1] / m) + 1)
    there, *sums = (np.convolve(c, w)[(k * m - p[0]).astype(int) + len(w) // 2] for c in (np.ones(len(p)), *fine.T))
    return k / rate, np.stack(sums, axis=1) / there[:, None]


session = onnxruntime.InferenceSession(sys.argv[1])
said = json.loads(session.get_modelmeta().custom_metadata_map["harken"])
length, hop, r = said["windows"]["length"], said["windows"]["hop"], said["resampling"]
table = np.genfromtxt(sys.argv[2], delimiter=",", usecols=range(4), encoding="utf-8-sig")
table = table[int(np.isnan(table[0, 0])) :]  # the first line may be names
steps = np.diff(table[:, 0] / 1000)
off = abs(1 / steps[steps <= r["gap_s"]].mean() / r["sample_rate_hz"] - 1)
for part in np.split(table, np.flatnonzero(steps > r["gap_s"]) + 1):
    t, v = part[:, 0] / 1000, part[:, 1:] / 9.80665
    if len(t) > 1 and (r["always"] or off > r["else_if_rate_is_off_by"]):
        t, v = resample(t, v, r)
    for first in sorted({*range(0, len(t) - length + 1, hop), len(t) - length}) if len(t) >= length else []:
        [[shares]] = session.run(["probabilities"], {"windows": v[None, first : first + length].astype(np.float32)})
        print(f"{t[first] + 0:.3f}", *map("{}={:.5f}".format, said["output"]["labels"], shares))
