"""JSON messages of samples -> arrays: those sent through a WebSocket, and those that the app Sensor Logger posts.

The app (https://www.tszheichoi.com/sensorlogger) posts ``{messageId, sessionId, deviceId, payload: [{name, time,
values}]}``. Its accelerometer excludes gravity, which is a separate sensor with its own times. The two are added as by
the reader of its files (``readers.exports``). Messages may come out of order and repeatedly.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from harken.labelling.live.watch import LATEST_NS
from harken.readers.exports import gravity_at
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.arrays import Float32Array, Int64Array
from harken.web.limits import RefusedError

HOW = 'a message is {"time_ns" or "time_ms": [...], "x": [...], "y": [...], "z": [...], "unit": "g" or "m/s2"}'
SCALES = {"g": 1.0, "m/s2": STANDARD_GRAVITY}
Values = list[float | None]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, lt=4e12)]
"""Times before 2096."""
BOUNDS = msgspec.Meta(ge=0, lt=LATEST_NS, multiple_of=1, description="Nanoseconds since 1970.")
Nanoseconds = Annotated[int, BOUNDS] | Annotated[float, BOUNDS]
"""A whole number, which may be written as ``1.7e18``."""

WRIST, MOVEMENT, GRAVITY = "wristmotion", "accelerometer", "gravity"
SOURCES = (WRIST, "watchaccelerometeruncalibrated", "accelerometeruncalibrated", "totalacceleration", MOVEMENT)
"""The sensors in order of preference: a watch is worn on the wrist, a phone usually is not."""
WAIT_NS = 1_900_000_000
"""How long movement waits for gravity before and after it: less than the 2 s after which it would be late."""
NEAR_NS = 60_000_000
"""If two samples of gravity are this close together, no later message has a sample between them."""
KEPT_NS = 6 * 10**9
MOST_WAITING, MOST_UNSURE = 20_000, 10_000
SURE = 20
"""The number of samples from which the unit is detected."""
HOW_PUSHED = (
    "each entry of payload must have a name, a time in nanoseconds since 1970, and values x, y, z (wrist motion: "
    "gravityX, accelerationX and so on)"
)
TimedSignals = tuple[Float32Array, Int64Array]


class Message(msgspec.Struct):
    """A message of a WebSocket; null is a missing value."""

    x: Values
    y: Values
    z: Values
    time_ns: list[int] | None = None
    time_ms: list[Milliseconds] | None = None
    unit: Literal["g", "m/s2"] = "g"


class SensorValues(msgspec.Struct):
    """The values of a sensor at one time. Their names depend on the sensor."""

    name: Annotated[str, msgspec.Meta(examples=["accelerometer", "gravity", "wrist motion"])]
    time: Nanoseconds
    values: dict[str, Any]


class Push(msgspec.Struct, rename="camel"):
    """A message of Sensor Logger. ``messageId`` and ``sessionId`` are not used, because samples have times."""

    device_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    payload: list[SensorValues]


def samples_of(text: str | bytes) -> TimedSignals:
    """Signals ``[n, 3]`` in g and times ``[n]`` of a message.

    A value that float32 cannot hold becomes infinite and marks its sample invalid, as any value beyond the sensor's
    range does.

    Raises:
        RefusedError: when the message has another form.
    """
    try:
        message = msgspec.json.decode(text, type=Message)
        time_ns = _times(message)
        values = np.array([message.x, message.y, message.z], dtype=np.float64)
        if values.shape != (3, len(time_ns)):
            raise ValueError("the numbers of times and values differ")
    except (ValueError, OverflowError, RecursionError) as error:
        is_json = isinstance(error, msgspec.ValidationError) or not isinstance(error, msgspec.DecodeError)
        what = f"cannot be read; {HOW}, lists of one length" if is_json else f"is not JSON; {HOW}"
        raise RefusedError(400, f"this {what}") from error
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values.T, dtype=np.float32) / np.float32(SCALES[message.unit]), time_ns


def _times(message: Message) -> Int64Array:
    if message.time_ns is not None:
        return np.array(message.time_ns, dtype=np.int64)
    if message.time_ms is None:
        raise ValueError("a message has the time of each sample")
    milliseconds = np.array(message.time_ms, dtype=np.float64)
    # A double holds milliseconds and a fraction, but not their nanoseconds: convert the two parts separately.
    whole = np.floor(milliseconds)
    time_ns: Int64Array = whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64)
    return time_ns


class DeviceSensors:
    """The sensors of one device, combined to one acceleration."""

    def __init__(self, source: str | None = None) -> None:
        self._source, self._factor = source, 0.0  # of the source's unit, 0 until it is known
        self._unsure, self._gravity, self._movement = _none(), _none(), _none()

    def take(self, payload: Sequence[SensorValues]) -> TimedSignals:
        """Samples ``[n, 3]`` in g and their times that a message's payload completes, in any order.

        A value that float32 cannot hold becomes infinite and marks its sample invalid, as any value beyond the
        sensor's range does.

        Raises:
            RefusedError: when the values of a sensor that is used are missing or no numbers. No sample is taken then.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            sensors = _by_sensor(payload)
            for source in SOURCES[: None if self._source is None else SOURCES.index(self._source)]:
                if source in sensors:
                    self.__init__(source)  # type: ignore[misc]  # change to the better sensor
                    break
            self._gravity = _merged(self._gravity, sensors.get(GRAVITY, _none()))
            if self._source != MOVEMENT:
                return self._in_g(*sensors.get(self._source or "", _none()))
            self._movement = _merged(self._movement, sensors.get(MOVEMENT, _none()))
            return self._in_g(*self._joined())

    def _joined(self) -> TimedSignals:
        """Movement plus gravity, for samples whose gravity is known or whose waiting time is over."""
        (moves, time_ns), (gravities, gravity_ns) = self._movement, self._gravity
        latest_ns = max(time_ns[-1:].sum(), gravity_ns[-1:].sum())
        ready = time_ns < latest_ns - WAIT_NS
        total = np.full_like(moves, np.nan)
        if len(gravity_ns):
            after = np.searchsorted(gravity_ns, time_ns)
            right = gravity_ns[after.clip(max=len(gravity_ns) - 1)]
            left = gravity_ns[(after - 1).clip(0)]
            ready |= (right == time_ns) | ((left < time_ns) & (right > time_ns) & (right - left <= NEAR_NS))
            total = moves + gravity_at(time_ns, gravities, gravity_ns)
        self._movement = moves[~ready][-MOST_WAITING:], time_ns[~ready][-MOST_WAITING:]
        kept = gravity_ns >= latest_ns - KEPT_NS
        self._gravity = gravities[kept], gravity_ns[kept]
        return total[ready], time_ns[ready]

    def _in_g(self, signals: Float32Array, time_ns: Int64Array) -> TimedSignals:
        """Samples in g; none before the unit is known from the size of gravity."""
        if self._factor == 0:
            signals = np.concatenate([self._unsure[0], signals])
            time_ns = np.concatenate([self._unsure[1], time_ns])
            lengths = np.linalg.norm(signals, axis=1)
            lengths = lengths[np.isfinite(lengths)]
            if len(lengths) < SURE:
                self._unsure = signals[-MOST_UNSURE:], time_ns[-MOST_UNSURE:]
                return _none()
            self._factor = 1 / STANDARD_GRAVITY if np.median(lengths) > np.sqrt(STANDARD_GRAVITY) else 1.0
            self._unsure = _none()
        return signals * np.float32(self._factor), time_ns


def _none() -> TimedSignals:
    return np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64)


def _merged(old: TimedSignals, new: TimedSignals) -> TimedSignals:
    """Both together, sorted by time, with each time once."""
    times, rows = np.unique(np.concatenate([old[1], new[1]]), return_index=True)
    return np.concatenate([old[0], new[0]])[rows], times


def _by_sensor(payload: Sequence[SensorValues]) -> dict[str, TimedSignals]:
    """The values of each sensor in ``SOURCES``, and of gravity, in the order of the message."""
    samples: dict[str, list[tuple[int, list[Any]]]] = {}
    for entry in payload:
        name = entry.name.lower().replace(" ", "").replace("_", "")
        values = entry.values
        try:
            if name == WRIST:
                vector = [values["gravity" + axis] + values["acceleration" + axis] for axis in "XYZ"]
            elif name in SOURCES or name == GRAVITY:
                vector = [values[axis] for axis in "xyz"]
            else:
                continue
        except (KeyError, TypeError, OverflowError) as error:
            raise RefusedError(400, HOW_PUSHED) from error
        samples.setdefault(name, []).append((int(entry.time), vector))
    return {name: _arrays(name, *zip(*listed, strict=True)) for name, listed in samples.items()}


def _arrays(name: str, times: tuple[int, ...], vectors: tuple[list[Any], ...]) -> TimedSignals:
    try:
        values = msgspec.convert(vectors, list[Values])
    except msgspec.ValidationError as error:
        raise RefusedError(400, f"the values of {name} must be numbers ({error})") from error
    return np.array(values, dtype=np.float32), np.array(times, dtype=np.int64)
