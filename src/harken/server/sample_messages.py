"""JSON messages of samples, as sent through a WebSocket -> arrays."""

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
"""Types that a value may have; not ``bool``."""


def samples_of(text: str | bytes) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signals ``[n, 3]`` in g and times ``[n]`` of a message; null is a missing value.

    A value that float32 cannot hold becomes infinite and marks its sample invalid, as any value beyond the sensor's
    range does.

    Raises:
        RefusedError: when the message has another form.
    """
    try:
        message = orjson.loads(text)
        signals = np.empty((len(message["x"]), 3), dtype=np.float32)
        with np.errstate(over="ignore"):
            for axis, name in enumerate("xyz"):
                signals[:, axis] = _numbers(message[name])
        time_ns = _times(message)
        if time_ns.shape != (len(signals),):
            raise ValueError("the numbers of times and values differ")
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
    """Numbers of any size; null becomes NaN."""
    _check_kinds(values, NUMBERS)
    return np.array(values, dtype=np.float64)


def _check_kinds(values: Any, kinds: frozenset[type]) -> None:
    """Check the types first, because NumPy would convert text to an array as wide as the longest text."""
    if not isinstance(values, list) or not kinds.issuperset(map(type, values)):
        raise ValueError("not a list of numbers")


def _times(message: dict[str, Any]) -> NDArray[np.int64]:
    if "time_ns" in message:
        _check_kinds(message["time_ns"], WHOLE)
        return np.array(message["time_ns"], dtype=np.int64)
    listed = message["time_ms"]
    milliseconds = _numbers(listed)
    # For short lists min and max are faster than NumPy.
    if listed and not (min(listed) >= 0 and max(listed) < LARGEST_MS):
        raise ValueError("times are since 1970, before 2096")
    # A double holds milliseconds and a fraction, but not their nanoseconds: convert the two parts separately.
    whole = np.floor(milliseconds)
    return np.asarray(whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64))
