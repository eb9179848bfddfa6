"""JSON messages of samples -> arrays: those sent through a WebSocket, and those that the app Sensor Logger posts.

The app (https://www.tszheichoi.com/sensorlogger) posts ``{messageId, sessionId, deviceId, payload: [{name, time,
values}]}``. Its accelerometer excludes gravity, which is a separate sensor with its own times. The two are added as by
the reader of its files (``readers.exports``). Messages may come out of order and repeatedly.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.labelling.live.watch import LATEST_NS
from harken.readers.exports import FURTHEST_NS
from harken.recordings.recording import STANDARD_GRAVITY
from harken.server.limits import malformed

HOW = 'a message is {"time_ns" or "time_ms": [...], "x": [...], "y": [...], "z": [...], "unit": "g" or "m/s2"}'
LARGEST_MS = 4e12
WHOLE: frozenset[type] = frozenset((int,))
NUMBERS: frozenset[type] = frozenset((int, float, type(None)))
"""Types that a value may have; not ``bool``."""

TOTALS = ("watchaccelerometeruncalibrated", "accelerometeruncalibrated", "totalacceleration")
WRIST, MOVEMENT, GRAVITY = "wristmotion", "accelerometer", "gravity"
SOURCES = (WRIST, *TOTALS, MOVEMENT)
"""The sensors in order of preference: a watch is worn on the wrist, a phone usually is not."""
WAIT_NS = 1_900_000_000
"""How long movement waits for gravity before and after it: less than the 2 s after which it would be late."""
NEAR_NS = 60_000_000
"""If two samples of gravity are this close together, no later message has a sample between them."""
KEPT_NS = 6 * 10**9
MOST_WAITING = 20_000
SURE = 20
"""The number of samples from which the unit is detected."""
G, M_S2 = 1.0, 1 / STANDARD_GRAVITY
TimedSignals = tuple[NDArray[np.float32], NDArray[np.int64]]


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
        raise malformed(f"this is not JSON; {HOW}") from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise malformed(f"this cannot be read; {HOW}, lists of one length") from error
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
    return milliseconds_to_ns(milliseconds)[0]


def milliseconds_to_ns(milliseconds: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Finite milliseconds since 1970 -> nanoseconds, int64; and whether each is from 1970 on and before 2096."""
    possible = (milliseconds >= 0) & (milliseconds < LARGEST_MS)
    milliseconds = np.where(possible, milliseconds, 0)
    # A double holds milliseconds and a fraction, but not their nanoseconds: convert the two parts separately.
    whole = np.floor(milliseconds)
    time_ns = whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64)
    return time_ns, possible


class DeviceSensors:
    """The sensors of one device, combined to one acceleration."""

    def __init__(self) -> None:
        self._source: str | None = None
        self._factor: float | None = None
        self._unsure: list[TimedSignals] = []  # in the device's unit, until that is known
        self._gravity: TimedSignals = _none()
        self._movement: TimedSignals = _none()

    def take(self, payload: Any) -> TimedSignals:
        """Samples ``[n, 3]`` in g and their times that a message's payload completes, in any order.

        A value that float32 cannot hold becomes infinite and marks its sample invalid, as any value beyond the
        sensor's range does.

        Raises:
            RefusedError: when the payload is not a list of sensors' values. No sample is taken then.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._take(_by_sensor(payload))

    def _take(self, found: dict[str, TimedSignals]) -> TimedSignals:
        source = next((name for name in SOURCES if name in found), None)
        if source is not None and (self._source is None or SOURCES.index(source) < SOURCES.index(self._source)):
            self.__init__()  # type: ignore[misc]  # change to the better sensor
            self._source = source
        if GRAVITY in found:
            self._gravity = _merged(self._gravity, found[GRAVITY])
        if self._source is None or (self._source != MOVEMENT and self._source not in found):
            return _none()
        if self._source != MOVEMENT:
            return self._in_g(found[self._source])
        if MOVEMENT in found:
            self._movement = _merged(self._movement, found[MOVEMENT])
        return self._in_g(self._joined())

    def _joined(self) -> TimedSignals:
        """Movement plus gravity, for samples whose gravity is known or whose waiting time is over."""
        (moves, time_ns), (gravities, gravity_ns) = self._movement, self._gravity
        if len(time_ns) == 0:
            return _none()
        latest = max(int(time_ns[-1]), int(gravity_ns[-1]) if len(gravity_ns) else 0)
        waited = time_ns < latest - WAIT_NS
        if len(gravity_ns):
            after = np.searchsorted(gravity_ns, time_ns)
            right = gravity_ns[np.minimum(after, len(gravity_ns) - 1)]
            left = gravity_ns[np.maximum(after - 1, 0)]
            known = (right == time_ns) | ((left < time_ns) & (right > time_ns) & (right - left <= NEAR_NS))
            far = np.minimum(np.abs(time_ns - left), np.abs(right - time_ns)) > FURTHEST_NS
            share = (time_ns - gravity_ns[0]) / 1e9
            points = (gravity_ns - gravity_ns[0]) / 1e9
            added = np.stack([np.interp(share, points, gravities[:, axis]) for axis in range(3)], axis=1)
            added[far] = np.nan
        else:
            known, added = np.zeros(len(time_ns), dtype=bool), np.full((len(time_ns), 3), np.nan)
        ready = known | waited
        total = moves[ready] + added[ready].astype(np.float32)
        done = time_ns[ready]
        self._movement = moves[~ready][-MOST_WAITING:], time_ns[~ready][-MOST_WAITING:]
        kept = gravity_ns >= latest - KEPT_NS
        self._gravity = gravities[kept], gravity_ns[kept]
        return total, done

    def _in_g(self, samples: TimedSignals) -> TimedSignals:
        """Samples in g; none before the unit is known from the size of gravity."""
        if self._factor is None:
            self._unsure.append(samples)
            lengths = np.concatenate([np.linalg.norm(signals, axis=1) for signals, _ in self._unsure])
            lengths = lengths[np.isfinite(lengths)]
            if len(lengths) < SURE:
                del self._unsure[:-200]
                return _none()
            self._factor = M_S2 if np.median(lengths) > np.sqrt(STANDARD_GRAVITY) else G
            samples = (
                np.concatenate([part[0] for part in self._unsure]),
                np.concatenate([part[1] for part in self._unsure]),
            )
            self._unsure = []
        return (samples[0] * np.float32(self._factor)).astype(np.float32), samples[1]


def _none() -> TimedSignals:
    return np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64)


def _merged(old: TimedSignals, new: TimedSignals) -> TimedSignals:
    """Both together, sorted by time, with each time once."""
    times = np.concatenate([old[1], new[1]])
    times, rows = np.unique(times, return_index=True)
    return np.concatenate([old[0], new[0]])[rows], times


def _by_sensor(payload: Any) -> dict[str, TimedSignals]:
    """The values of each sensor in ``SOURCES``, and of gravity, in the order of the message."""
    if not isinstance(payload, list):
        raise malformed("payload must be a list of sensors' values")
    vectors: dict[str, list[tuple[Any, Any, Any]]] = {}
    times: dict[str, list[int]] = {}
    for entry in payload:
        try:
            name, time_ns, values = entry["name"], _time(entry["time"]), entry["values"]
            if not isinstance(values, dict):
                raise TypeError
            name = name.lower().replace(" ", "").replace("_", "")
            if name not in SOURCES and name != GRAVITY:
                continue
            if name == WRIST:
                vector = tuple(values["gravity" + axis] + values["acceleration" + axis] for axis in "XYZ")
            else:
                vector = (values["x"], values["y"], values["z"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise malformed(
                "each entry of payload must have a name, a time in nanoseconds since 1970, and values x, y, z (wrist "
                "motion: gravityX, accelerationX and so on)"
            ) from error
        vectors.setdefault(name, []).append(vector)
        times.setdefault(name, []).append(time_ns)
    return {name: _arrays(name, vectors[name], times[name]) for name in vectors}


def _time(value: Any) -> int:
    """Nanoseconds since 1970, a whole number."""
    time_ns = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(time_ns, int) or isinstance(time_ns, bool) or not 0 <= time_ns < LATEST_NS:
        raise ValueError
    return time_ns


def _arrays(name: str, values: list[tuple[Any, Any, Any]], times: list[int]) -> TimedSignals:
    if not NUMBERS.issuperset(map(type, chain.from_iterable(values))):
        raise malformed(f"the values of {name} must be numbers")
    return np.array(values, dtype=np.float32), np.array(times, dtype=np.int64)


def envelope(message: Any) -> tuple[str, Any]:
    """The device and the payload of a message.

    Raises:
        RefusedError: when one of them is missing.
    """
    if not isinstance(message, Mapping):
        raise malformed("a message must be an object with deviceId and payload")
    device = message.get("deviceId")
    if not isinstance(device, str) or not device:
        raise malformed("a message must have a deviceId, which is text")
    if "payload" not in message:
        raise malformed("a message must have a payload")
    return device, message["payload"]
