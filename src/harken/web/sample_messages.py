"""JSON messages of samples -> arrays: those sent through a WebSocket, and those that the app Sensor Logger posts.

The app (https://www.tszheichoi.com/sensorlogger) posts ``{messageId, sessionId, deviceId, payload: [{name, time,
values}]}``. Its accelerometer excludes gravity, which is a separate sensor with its own times. The two are added as by
the reader of its files (``readers.exports``). Messages may come out of order and repeatedly.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from harken.labelling.live.watch import LATEST_NS
from harken.readers.exports import gravity_at
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.arrays import Float32Array, Int64Array
from harken.web.limits import RefusedError

HOW = 'a message is {"time_ns" or "time_ms": [...], "x": [...], "y": [...], "z": [...], "unit": "g" or "m/s2"}'
HOW_TIMED = "send milliseconds since 1970 as time_ms, or nanoseconds as time_ns (Sensor Logger: as time)"
SCALES = {"g": 1.0, "m/s2": STANDARD_GRAVITY}
Values = list[float | None]
EARLIEST_NS = 946_684_800 * 10**9
"""The year 2000. An earlier time is one in another unit: no watch of these protocols is so old."""
MOST_MS = float(LATEST_NS // 10**6)
FASTEST_HZ, FEWEST_TIMED = 1000, 50
"""Samples that follow each other faster than this, by their times, have times in another unit. A few samples may: some
phones give several samples nearly the same time."""
BOUNDS = msgspec.Meta(
    gt=-LATEST_NS,
    lt=LATEST_NS,
    multiple_of=1,
    description="Nanoseconds since 1970.",
    extra_json_schema={"minimum": EARLIEST_NS},  # checked by check_times, which says what to do
)
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
LARGEST_G = float(np.sqrt(STANDARD_GRAVITY))
"""Between gravity in g and in m/s2: samples are usually shorter in g, and longer in m/s2."""
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
    time_ms: list[float] | None = None
    unit: Literal["g", "m/s2"] | None = None


class SensorValues(msgspec.Struct):
    """The values of a sensor at one time. Their names depend on the sensor."""

    name: Annotated[str, msgspec.Meta(examples=["accelerometer", "gravity", "wrist motion"])]
    time: Nanoseconds
    values: dict[str, Any]


class Push(msgspec.Struct, rename="camel"):
    """A message of Sensor Logger. ``messageId`` and ``sessionId`` are not used, because samples have times."""

    device_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    payload: list[SensorValues]


class UnitCheck:
    """Checks that a sender whose messages have no unit means g, from the first samples without a unit."""

    __slots__ = ("_lengths",)

    def __init__(self) -> None:
        self._lengths: list[float] | None = []  # None once the unit is sure

    def check(self, signals: Float32Array) -> None:
        """Look at samples ``[n, 3]`` without a unit. Raises ``RefusedError`` when the first ones are not in g."""
        if self._lengths is None:
            return
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(signals, axis=1)
        self._lengths += lengths[np.isfinite(lengths)].tolist()
        if len(self._lengths) < SURE:
            return
        length = float(np.median(self._lengths))
        if length > LARGEST_G:
            raise RefusedError(
                400,
                f'without "unit", values are in g, but the acceleration of these samples is about {length:.3g}; '
                'add "unit": "m/s2" to each message, or "unit": "g" if they are in g',
            )
        self._lengths = None


def samples_of(text: str | bytes, unit: UnitCheck) -> TimedSignals:
    """Signals ``[n, 3]`` in g and times ``[n]`` of a message.

    A value that float32 cannot hold becomes infinite and marks its sample invalid, as any value beyond the sensor's
    range does.

    Args:
        text: the message.
        unit: what is known of the unit of its sender's messages.

    Raises:
        RefusedError: when the message has another form, or its times or values are in another unit.
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
    check_times(time_ns)
    with np.errstate(over="ignore"):
        signals = np.ascontiguousarray(values.T, dtype=np.float32) / np.float32(SCALES[message.unit or "g"])
    if message.unit is None:
        unit.check(signals)
    return signals, time_ns


def _times(message: Message) -> Int64Array:
    if message.time_ns is not None:
        return np.array(message.time_ns, dtype=np.int64)
    if message.time_ms is None:
        raise ValueError("a message has the time of each sample")
    milliseconds = np.array(message.time_ms, dtype=np.float64)
    if not (np.abs(milliseconds) < MOST_MS).all():
        raise RefusedError(400, f"time_ms has a time after 2096 or long before 1970; {HOW_TIMED}")
    # A double holds milliseconds and a fraction, but not their nanoseconds: convert the two parts separately.
    whole = np.floor(milliseconds)
    time_ns: Int64Array = whole.astype(np.int64) * 10**6 + np.rint((milliseconds - whole) * 1e6).astype(np.int64)
    return time_ns


def check_times(time_ns: Int64Array) -> None:
    """Raise ``RefusedError`` when the earliest time is before 2000: the times are then in another unit."""
    if len(time_ns) and (earliest_ns := int(time_ns.min())) < EARLIEST_NS:
        moment = datetime.fromtimestamp(earliest_ns // 10**9, UTC)
        raise RefusedError(400, f"a sample has the time {moment:%Y-%m-%d %H:%M:%S}, before 2000; {HOW_TIMED}")


def check_pace(time_ns: Int64Array) -> None:
    """Raise ``RefusedError`` when samples with these times, in any order, follow each other faster than a sensor's."""
    if len(time_ns) < FEWEST_TIMED or int(np.ptp(time_ns)) * FASTEST_HZ >= (len(time_ns) - 1) * 10**9:
        return
    times = np.unique(time_ns)
    rate_hz = (len(times) - 1) * 1e9 / max(1, int(times[-1] - times[0]))
    if len(times) >= FEWEST_TIMED and rate_hz > FASTEST_HZ:
        sentence = f"by their times, {rate_hz:,.0f} samples come in a second, and a watch may send {FASTEST_HZ:,}"
        raise RefusedError(400, f"{sentence}; {HOW_TIMED}")


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
            RefusedError: when the values of a sensor that is used are missing or no numbers, or a time is before 2000.
                No sample is taken then.
        """
        check_times(np.array([int(entry.time) for entry in payload], dtype=np.int64))
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
            self._factor = 1 / STANDARD_GRAVITY if np.median(lengths) > LARGEST_G else 1.0
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
