"""Samples as they come through a WebSocket -> arrays."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.recordings.recording import STANDARD_GRAVITY
from harken.server.limits import RefusedError

__all__ = ["NUMBERS", "samples_of"]

HOW = 'a message is {"time_ns" or "time_ms": [...], "x": [...], "y": [...], "z": [...], "unit": "g" or "m/s2"}'
LARGEST_MS = 4e12
WHOLE: frozenset[type] = frozenset((int,))
NUMBERS: frozenset[type] = frozenset((int, float, type(None)))
"""What values may be. (``bool`` is a type of its own.)"""


def samples_of(text: str | bytes) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signals ``[n, 3]`` in g and times ``[n]`` of a message; null is a missing value.

    A value that float32 cannot hold becomes infinite. Like any value beyond the sensor's range, its sample is marked.

    Raises:
        RefusedError: when that is not what it is.
    """
    try:
        message = orjson.loads(text)
        signals = np.empty((len(message["x"]), 3), dtype=np.float32)
        with np.errstate(over="ignore"):
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


def _numbers(values: Any) -> NDArray[np.float64]:
    """Whole numbers or not, of any size; null becomes NaN."""
    _check_kinds(values, NUMBERS)
    return np.array(values, dtype=np.float64)


def _check_kinds(values: Any, kinds: frozenset[type]) -> None:
    """Check before an array is made: of text NumPy would make an array as wide as the longest of them."""
    if not isinstance(values, list) or not kinds.issuperset(map(type, values)):
        raise ValueError("not a list of numbers")


def _times(message: dict[str, Any]) -> NDArray[np.int64]:
    if "time_ns" in message:
        _check_kinds(message["time_ns"], WHOLE)
        return np.array(message["time_ns"], dtype=np.int64)
    listed = message["time_ms"]
    milliseconds = _numbers(listed)
    # Of so short a list Python finds the largest sooner than NumPy does.
    if listed and not (min(listed) >= 0 and max(listed) < LARGEST_MS):
        raise ValueError("times are since 1970, before 2096")
    # Whole milliseconds and their rest apart: a double holds both, but not their nanoseconds.
    whole = np.floor(milliseconds)
    return np.asarray(whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64))
