"""Which windows a benchmark was made on, so that two results can be known to be about the same ones."""

import hashlib
from typing import Any

import numpy as np

from harken.windows.windows import Windows

__all__ = ["describe_windows"]

WINDOWS_AT_ONCE = 4096


def describe_windows(windows: Windows) -> dict[str, Any]:
    """For JSON: how many there are, of whom, and two fingerprints (SHA-256).

    ``fingerprint`` covers everything. ``layout_fingerprint`` leaves out the values of signals and says which windows
    there are: whose, from when, with which label. Resampling on another processor may change a value's last bit, and
    then only the second one is the same.
    """
    layout = hashlib.sha256()
    for text in (*windows.channels, "", *windows.label_names, f"{windows.sample_rate_hz:.6f}", *windows.subjects):
        layout.update(f"{text}\0".encode())
    for array in (windows.label_codes, windows.starts_ns, windows.start_rows):
        layout.update(np.ascontiguousarray(array).data)
    layout.update(repr(windows.signals.shape).encode())
    whole = layout.copy()
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        whole.update(np.ascontiguousarray(windows.signals[start : start + WINDOWS_AT_ONCE]).data)
    return {
        "fingerprint": whole.hexdigest(),
        "layout_fingerprint": layout.hexdigest(),
        "windows": len(windows),
        "people": len(np.unique(windows.subjects)),
        "window_length": windows.length,
        "sample_rate_hz": windows.sample_rate_hz,
        "channels": list(windows.channels),
        "labels": list(windows.label_names),
    }
