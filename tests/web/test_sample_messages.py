"""Messages of samples: which are valid, and that memory is in proportion to their size; and Sensor Logger's messages.

The app posts samples from any of its sensors, out of order, and repeated.
"""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from harken.recordings.recording import STANDARD_GRAVITY
from harken.web.limits import RefusedError
from harken.web.sample_messages import DeviceSensors, SensorValues, UnitCheck, samples_of
from offline import offline
from server_thread import Served, now_wrist, recogniser, serving


def test_numbers_of_any_size_are_read() -> None:
    signals, time_ns = samples_of(
        '{"time_ms": [1700000000001, 1700000000002.5, 1700000000003], "x": [1e300, null, 18446744073709551615], '
        '"y": [-1e39, 1, -3], "z": [1e-300, 0, 1]}',
        UnitCheck(),
    )
    np.testing.assert_array_equal(signals[0], np.array([np.inf, -np.inf, 0], np.float32))
    np.testing.assert_array_equal(signals[1], np.array([np.nan, 1, 0], np.float32))
    np.testing.assert_array_equal(signals[2], np.array([2**64, -3, 1], np.float32))
    assert (time_ns - 1_700_000_000 * 10**9).tolist() == [1_000_000, 2_500_000, 3_000_000]


@pytest.mark.parametrize("name", ["x", "time_ms", "time_ns"])
def test_text_among_numbers_takes_no_memory(name: str) -> None:
    """NumPy makes each value of an array as wide as its longest text."""
    listed = {"time_ms": "[1]", "x": "[1]", "y": "[1]", "z": "[1]"}
    listed[name] = '["' + "a" * 2000 + '"' + ', ""' * 2000 + "]"
    text = "{" + ", ".join(f'"{key}": {values}' for key, values in listed.items()) + "}"
    tracemalloc.start()
    with pytest.raises(RefusedError):
        samples_of(text, UnitCheck())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000


SIGNALS = NDArray[np.float32]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def entry(name: str, time_ns: int, values: Any) -> dict[str, Any]:
    return {"name": name, "accuracy": 3, "time": time_ns, "values": values}


def taken(device: DeviceSensors, entries: list[dict[str, Any]]) -> tuple[SIGNALS, NDArray[np.int64]]:
    return device.take(msgspec.convert(entries, list[SensorValues]))


def three(values: SIGNALS) -> dict[str, float]:
    return dict(zip("zyx", map(float, values[::-1]), strict=True))


def of_phone(signals: SIGNALS, time_ns: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Movement and gravity in m/s2, each with a clock of its own, and a sensor that nobody asked for."""
    gravity_ns = time_ns[::2] + 3_000_000
    slow = np.stack([np.sin(time_ns / 4e9), np.cos(time_ns / 5e9), np.ones(len(time_ns))], axis=1).astype(np.float32)
    at = np.stack([np.interp(gravity_ns, time_ns, slow[:, axis]) for axis in range(3)], axis=1)
    moved = signals - np.stack([np.interp(time_ns, gravity_ns, at[:, axis]) for axis in range(3)], axis=1)
    entries = [entry("accelerometer", int(t), three(v * STANDARD_GRAVITY)) for t, v in zip(time_ns, moved, strict=True)]
    entries += [entry("gravity", int(t), three(v * STANDARD_GRAVITY)) for t, v in zip(gravity_ns, at, strict=True)]
    entries += [entry("battery", int(t), {"batteryLevel": 0.5}) for t in time_ns[::100]]
    return entries


def of_watch(signals: SIGNALS, time_ns: NDArray[np.int64]) -> list[dict[str, Any]]:
    gravity = np.array([0.0, 0.6, 0.8], dtype=np.float32)
    names = [*(f"gravity{axis}" for axis in "XYZ"), *(f"acceleration{axis}" for axis in "XYZ")]
    return [
        entry("wrist motion", int(t), dict(zip(names, map(float, [*gravity, *(v - gravity)]), strict=True)))
        for t, v in zip(time_ns, signals, strict=True)
    ]


def of_android(signals: SIGNALS, time_ns: NDArray[np.int64]) -> list[dict[str, Any]]:
    scaled = signals * np.float32(STANDARD_GRAVITY)
    return [entry("TotalAcceleration", int(t), three(v)) for t, v in zip(time_ns, scaled, strict=True)]


def of_uncalibrated(signals: SIGNALS, time_ns: NDArray[np.int64]) -> list[dict[str, Any]]:
    return [entry("accelerometeruncalibrated", int(t), three(v)) for t, v in zip(time_ns, signals, strict=True)]


def shuffled(entries: list[dict[str, Any]], device: str) -> list[bytes]:
    """A message for each second, neighbours changed round, every third one twice, its entries in any order."""
    random = np.random.default_rng(1)
    seconds: dict[int, list[dict[str, Any]]] = {}
    for one in entries:
        seconds.setdefault(one["time"] // 10**9, []).append(one)
    messages = []
    for number, second in enumerate(sorted(seconds)):
        payload = [seconds[second][row] for row in random.permutation(len(seconds[second]))]
        posted = {"messageId": number, "sessionId": "s-1", "deviceId": device, "payload": payload}
        messages.append(json.dumps(posted).encode())
    order = list(range(len(messages)))
    # The first two stay: before it knows anything a receiver cannot tell late from early.
    for row in range(2, len(order) - 2, 2):
        order[row], order[row + 1] = order[row + 1], order[row]
    again = [number for place, number in enumerate(order) for _ in range(2 if place % 3 == 0 else 1)]
    return [messages[number] for number in again]


@pytest.mark.parametrize("sensors", [of_phone, of_watch, of_android, of_uncalibrated])
def test_shuffled_and_repeated_messages_give_the_offline_timeline(served: Served, sensors: Any) -> None:
    device = sensors.__name__
    signals, time_ns = now_wrist(20, rate_hz=50)
    time_ns = time_ns + np.random.default_rng(2).integers(0, 4_000_000, len(time_ns))
    count = 0
    for message in shuffled(sensors(signals, time_ns), device):
        answer = served.ask("/push", message, Content_Type="application/json")
        assert answer.status == 200
        count += answer.json["samples"]
    assert count >= 0.9 * len(time_ns)
    rows = served.ask_until(f"/api/timeline?watch={device}", lambda found: len(found["rows"]) >= 13)["rows"]
    timeline = offline(recogniser(), signals, time_ns)
    starts = timeline.frame["start"].to_physical().to_numpy() / 1e6
    for row in rows:
        (at,) = np.flatnonzero(np.abs(starts - row["start_ms"]) < 0.01)
        # Values went through JSON in m/s2. Where the message after next comes first, the phone's gravity at the edge
        # between two messages has to be read from further away, or its samples would be too late.
        atol = 2e-3 if sensors is of_phone else 1e-5
        np.testing.assert_allclose(row["probabilities"], timeline.probabilities[at], atol=atol)
        if np.sort(row["probabilities"])[-1] - np.sort(row["probabilities"])[-2] > 0.01:
            assert row["label"] == timeline.frame["label"][int(at)]


def test_movement_without_gravity_gives_no_samples() -> None:
    device = DeviceSensors()
    signals, time_ns = now_wrist(4)
    moves = [entry("accelerometer", int(t), three(v)) for t, v in zip(time_ns, signals, strict=True)]
    found, _ = taken(device, moves)
    assert len(found) == 0
    gravity = [entry("gravity", int(time_ns[-1]), {"x": 0, "y": 0, "z": 9.8})]
    found, times = taken(device, gravity)
    assert len(found) == 0, "the unit is not known from movements that gravity is missing from"
    assert len(times) == 0


def test_the_wrist_comes_before_the_phone() -> None:
    device = DeviceSensors()
    signals, time_ns = now_wrist(3)
    phone, wrist = of_android(signals, time_ns), of_watch(2 * signals, time_ns)
    first, _ = taken(device, phone[:50])
    np.testing.assert_allclose(first, signals[:50], atol=1e-5)
    both, _ = taken(device, phone[50:100] + wrist[50:100])
    np.testing.assert_allclose(both, 2 * signals[50:100], atol=1e-5)
    rest, times = taken(device, phone[100:])
    assert len(rest) == len(times) == 0


@pytest.mark.parametrize(
    "payload",
    [
        7,
        {},
        [7],
        [{"name": "gravity"}],
        [{"name": 3, "time": 1, "values": {}}],
        [{"name": "gravity", "time": "soon", "values": {"x": 1, "y": 1, "z": 1}}],
        [{"name": "gravity", "time": 1, "values": {"x": 1, "y": 1}}],
        [{"name": "gravity", "time": 1, "values": {"x": "a", "y": 1, "z": 1}}],
        [{"name": "gravity", "time": 1, "values": {"x": [1], "y": [1], "z": [1]}}],
        [{"name": "barometer", "time": 1.5, "values": {}}],
        [{"name": "gravity", "time": -1, "values": {"x": 1, "y": 1, "z": 1}}],
        [{"name": "gravity", "time": 10**30, "values": {"x": 1, "y": 1, "z": 1}}],
        [{"name": "wrist motion", "time": 1, "values": {"gravityX": 1}}],
    ],
)
def test_what_is_not_the_apps_is_refused(served: Served, payload: Any) -> None:
    answer = served.ask("/push", json.dumps({"deviceId": "d", "payload": payload}).encode())
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize(
    ("unit_ns", "step_ns", "sentence"),
    [
        (10**6, 20_000_000, "a sample has the time 1970-01-01 00:28:20, before 2000; send milliseconds since 1970 as"),
        (1, 20_000, "by their times, 50,000 samples come in a second, and a watch may send 1,000; send"),
    ],
)
def test_a_push_with_times_in_another_unit_is_refused(
    served: Served, unit_ns: int, step_ns: int, sentence: str
) -> None:
    times_ns = 1_700_000 * 10**12 + step_ns * np.arange(60)
    values = {"x": 0.0, "y": 0.0, "z": 9.8}
    payload = [entry("total acceleration", int(time_ns) // unit_ns, values) for time_ns in times_ns]
    refused = served.ask("/push", json.dumps({"deviceId": "wrong-unit", "payload": payload}).encode())
    assert refused.status == 400
    assert refused.json["error"].startswith(sentence)
    assert refused.json["error"].endswith("or nanoseconds as time_ns (Sensor Logger: as time)")


def test_an_envelope_that_cannot_be_read_is_refused(served: Served) -> None:
    for body in (b"", b"{", b"[]", b"{}", b'{"deviceId": 3, "payload": []}', b'{"deviceId": "d"}'):
        assert served.ask("/push", body).status == 400
    assert served.ask("/push", b'{"deviceId": "d", "payload": []}').json == {"samples": 0}
    assert served.ask("/push", json.dumps({"deviceId": "d" * 200, "payload": []}).encode()).status == 400


@pytest.mark.parametrize("name", ["total acceleration", "accelerometer", "wrist motion"])
def test_values_of_any_size_are_taken_without_a_warning(name: str) -> None:
    axes = ("gravityX", "gravityY", "gravityZ", "accelerationX", "accelerationY", "accelerationZ", *"xyz")
    device = DeviceSensors()
    for lot in range(3):
        times = 10**18 + (30 * lot + np.arange(30)) * 20_000_000
        entries = [entry(name, int(t), dict.fromkeys(axes, 9.8)) for t in times]
        entries += [entry("gravity", int(t), dict.fromkeys(axes, 9.8)) for t in times]
        entries[lot]["values"] = dict.fromkeys(axes, (1e300, 3e38, -1.7e308)[lot])
        signals, _ = taken(device, entries)
        assert signals.dtype == np.float32
    assert np.isfinite(signals).all(axis=1).sum() >= 25


def test_text_is_no_number() -> None:
    for value in ("1", "1e400", True, 10**400):
        with pytest.raises(RefusedError, match="must be numbers"):
            taken(DeviceSensors(), [entry("total acceleration", 10**18, dict.fromkeys("xyz", value))])
