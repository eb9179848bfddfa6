"""Samples as they come through a WebSocket -> arrays."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.recording import STANDARD_GRAVITY
from harken.server.limits import RefusedError

__all__ = ["samples_of"]

HOW = 'a message is {"time_ns" or "time_ms": [...], "x": [...], "y": [...], "z": [...], "unit": "g" or "m/s2"}'
LARGEST_MS = 4e12


def samples_of(text: str | bytes) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signals ``[n, 3]`` in g and times ``[n]`` of a message; null is a missing value.

    Raises:
        RefusedError: when that is not what it is.
    """
    try:
        message = orjson.loads(text)
        signals = np.empty((len(message["x"]), 3), dtype=np.float32)
        for axis, name in enumerate("xyz"):
            signals[:, axis] = _numbers(message[name])
        time_ns = _times(message)
        if time_ns.shape != (len(signals),):
            raise ValueError("times and values differ in number")
        unit = message.get("unit", "g")
        if unit == "m/s2":
            signals /= np.float32(STANDARD_GRAVITY)
        elif unit != "g":
            raise ValueError("unit is g or m/s2")
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, 1007, f"this is not JSON; {HOW}", reason="malformed") from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise RefusedError(400, 1007, f"this cannot be read; {HOW}, lists of one length", reason="malformed") from error
    return signals, time_ns


def _numbers(values: Any) -> NDArray[Any]:
    """Whole numbers or not, of any size; null becomes NaN."""
    found = np.array(values)
    if found.dtype.kind == "O" and isinstance(values, list) and None in values:
        found = np.array(values, dtype=np.float64)
    if found.ndim != 1 or (found.dtype.kind not in "iuf" and len(found)):
        raise ValueError("not a list of numbers")
    return found


def _times(message: dict[str, Any]) -> NDArray[np.int64]:
    if "time_ns" in message:
        times = np.array(message["time_ns"])
        if len(times) == 0:
            return np.empty(0, dtype=np.int64)
        if times.dtype != np.int64:
            raise ValueError("nanoseconds are whole numbers")
        return times
    milliseconds = _numbers(message["time_ms"])
    # Of so short a list Python finds the largest sooner than NumPy does.
    if len(milliseconds) and not (min(message["time_ms"]) >= 0 and max(message["time_ms"]) < LARGEST_MS):
        raise ValueError("times are since 1970, before 2096")
    if milliseconds.dtype.kind in "iu":
        return milliseconds.astype(np.int64) * 10**6
    # Whole milliseconds and their rest apart: a double holds both, but not their nanoseconds.
    whole = np.floor(milliseconds)
    return np.asarray(whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64))
