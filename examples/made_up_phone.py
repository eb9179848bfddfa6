"""A made-up phone: sends movement to ``harken serve`` as the app Sensor Logger does, without a phone.

    harken serve --keep recordings
    python examples/made_up_phone.py http://127.0.0.1:8000/push --activity walking

It plays a simulated activity, several in turn (``--activity walking:60 sitting:60``), or a recording of any format that
``harken.read`` reads (``--recording me.csv``), in real time or ``--speed`` times as fast, and begins again at the end.
``--clock-offset`` is how far its clock is ahead. A server on another address needs its token, which is part of the
address that ``harken serve`` prints.

Sensor Logger (https://www.tszheichoi.com/sensorlogger) posts JSON about every second. A phone sends movement
without gravity, and gravity; a watch both in one (``--watch``). A message that was not taken is sent again.
``docs/live_protocol.md`` describes the format.
"""

import argparse
import itertools
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any

import numpy as np
from numpy.typing import NDArray

import harken
from harken.datasets.simulated import simulate

G = 9.80665
SLOW_S = 1.0
"""Gravity is the mean of the acceleration over this time, as far as a made-up phone needs it."""
SIMULATED_DAYS = 0.02
REFUSED = (400, 401, 403, 404, 405)
"""Answers that the same message would get again: the address or the token is wrong."""
PART_S = 60.0
"""How long one of several activities lasts."""


class MadeUpPhone:
    """A phone, or a watch, that pushes to a server.

    Args:
        url: where it pushes to, with the token if the server needs one.
        name: the name of the device.
        rate_hz: samples a second.
        speed: how many times faster than real time its clock runs.
        clock_offset_s: how far its clock is ahead when it begins.
        watch: whether it is a watch, which sends gravity and movement as one sensor.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "made-up phone",
        rate_hz: float = 50.0,
        speed: float = 1.0,
        clock_offset_s: float = 0.0,
        watch: bool = False,
    ) -> None:
        self.url, self.name, self.rate_hz, self.speed, self.watch = url, name, rate_hz, speed, watch
        self._began_s, self._began_ns = time.monotonic(), time.time_ns() + round(clock_offset_s * 1e9)
        self._numbers = itertools.count(1)
        self._sent = 0
        self._stopped = threading.Event()
        self.movement: NDArray[np.float64] = np.array([[0.0, 0.0, 1.0]])

    def play(self, movement: NDArray[np.float64]) -> None:
        """Move like this from now on: samples ``[n, 3]`` in g, repeated. May be called from another thread."""
        self.movement = movement

    def now_ns(self) -> int:
        """What its clock shows, ns since 1970."""
        return self._began_ns + round((time.monotonic() - self._began_s) * self.speed * 1e9)

    def message(self) -> dict[str, Any]:
        """The samples since the last message, as Sensor Logger writes them."""
        last = int((self.now_ns() - self._began_ns) * self.rate_hz / 1e9)
        rows = np.arange(self._sent, last)
        self._sent = last
        times = self._began_ns + np.round(rows * (1e9 / self.rate_hz)).astype(np.int64)
        movement = self.movement
        total, gravity = (np.take(part, rows, axis=0, mode="wrap") for part in (movement, self._gravity(movement)))
        payload = [
            entry
            for at, whole, slow in zip(times.tolist(), total.tolist(), gravity.tolist(), strict=True)
            for entry in (self._as_watch if self.watch else self._as_phone)(at, whole, slow)
        ]
        return {"messageId": next(self._numbers), "sessionId": "made-up", "deviceId": self.name, "payload": payload}

    def _gravity(self, movement: NDArray[np.float64]) -> NDArray[np.float64]:
        length = max(1, min(len(movement), round(SLOW_S * self.rate_hz)))
        window = np.full(length, 1 / length)
        around = np.pad(movement, ((length // 2, length - 1 - length // 2), (0, 0)), mode="wrap")
        return np.stack([np.convolve(around[:, axis], window, mode="valid") for axis in range(3)], axis=1)

    @staticmethod
    def _as_phone(at: int, total: Sequence[float], gravity: Sequence[float]) -> list[dict[str, Any]]:
        moved = {axis: G * (both - slow) for axis, both, slow in zip("xyz", total, gravity, strict=True)}
        slow = {axis: G * value for axis, value in zip("xyz", gravity, strict=True)}
        return [{"name": "accelerometer", "time": at, "values": moved}, {"name": "gravity", "time": at, "values": slow}]

    @staticmethod
    def _as_watch(at: int, total: Sequence[float], gravity: Sequence[float]) -> list[dict[str, Any]]:
        values = {f"acceleration{axis}": both - slow for axis, both, slow in zip("XYZ", total, gravity, strict=True)}
        values |= {f"gravity{axis}": value for axis, value in zip("XYZ", gravity, strict=True)}
        return [{"name": "wrist motion", "time": at, "values": values}]

    def push(self, message: dict[str, Any]) -> None:
        """Send a message. Raises ``OSError`` when the server does not take it."""
        request = urllib.request.Request(
            self.url, json.dumps(message).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def stop(self) -> None:
        """End ``run`` in another thread."""
        self._stopped.set()

    def run(self, seconds: float, *, every_s: float = 1.0) -> None:
        """Push for so long in real time, or until ``stop``, a message every ``every_s`` seconds.

        A message that the server did not take is sent again, unless its address or its token is wrong.

        Raises:
            urllib.error.HTTPError: when the server refuses the messages.
        """
        until_s = time.monotonic() + seconds
        waiting: list[dict[str, Any]] = []
        said = False
        while time.monotonic() < until_s and not self._stopped.wait(every_s):
            waiting.append(self.message())
            try:
                while waiting:
                    self.push(waiting[0])
                    del waiting[0]
                    said = False
            except (OSError, HTTPException) as error:  # no connection, or one that was cut: later
                if isinstance(error, urllib.error.HTTPError) and error.code in REFUSED:
                    raise
                if not said:
                    print(f"{self.name}: {self.url} does not take messages ({error}); trying again", file=sys.stderr)
                said = True


def simulated_movement(activity: str, rate_hz: float, *, person: int = 0) -> NDArray[np.float64]:
    """How a simulated wearer moves in an activity, such as walking: float64 ``[n, 3]`` in g.

    Raises:
        SystemExit: when there is no such activity.
    """
    recording, _ = simulate(days=SIMULATED_DAYS, sample_rate_hz=rate_hz, person=person)
    if activity not in recording.label_names:
        raise SystemExit(f"there is no activity {activity}; choose one of {', '.join(recording.label_names)}")
    rows = recording.label_codes == recording.label_names.index(activity)
    return recording.signals[rows, :3].astype(np.float64)


def recorded_movement(path: str, rate_hz: float) -> NDArray[np.float64]:
    """The acceleration of a recording at this rate: float64 ``[n, 3]`` in g."""
    recording = harken.read(path)
    elapsed_s = (recording.time_ns - recording.time_ns[0]) / 1e9
    at_s = np.arange(0, elapsed_s[-1], 1 / rate_hz)
    return np.stack([np.interp(at_s, elapsed_s, recording.signals[:, axis]) for axis in range(3)], axis=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Send until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the address for Sensor Logger that harken serve prints")
    parser.add_argument("--name", default="made-up phone", help="the name of the device")
    parser.add_argument(
        "--activity", nargs="+", default=["walking"], metavar="ACTIVITY[:SECONDS]", help="simulated activities, in turn"
    )
    parser.add_argument("--recording", metavar="FILE", help="play this recording instead")
    parser.add_argument("--rate", type=float, default=50.0, metavar="HZ", help="samples a second")
    parser.add_argument("--speed", type=float, default=1.0, metavar="TIMES", help="how many times as fast as real time")
    parser.add_argument("--clock-offset", type=float, default=0.0, metavar="SECONDS", help="how far its clock is ahead")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="the time between two messages")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--person", type=int, default=0, metavar="N", help="which simulated wearer")
    parser.add_argument("--watch", action="store_true", help="send what a watch sends, not a phone")
    chosen = parser.parse_args(arguments)
    parts = []
    for part in [chosen.recording] if chosen.recording else chosen.activity:
        name, _, length = (part, "", "") if chosen.recording else part.partition(":")
        movement = (
            recorded_movement(name, chosen.rate)
            if chosen.recording
            else simulated_movement(name, chosen.rate, person=chosen.person)
        )
        parts.append((name, movement, float(length) if length else PART_S))
    phone = MadeUpPhone(
        chosen.url,
        name=chosen.name,
        rate_hz=chosen.rate,
        speed=chosen.speed,
        clock_offset_s=chosen.clock_offset,
        watch=chosen.watch,
    )
    until_s = time.monotonic() + chosen.seconds
    for name, movement, length_s in itertools.cycle(parts):
        rest_s = until_s - time.monotonic()
        if rest_s <= 0:
            return
        print(f"{phone.name}: {name}", flush=True)
        phone.play(movement)
        try:
            phone.run(min(rest_s, length_s) if len(parts) > 1 else rest_s, every_s=chosen.every)
        except urllib.error.HTTPError as error:
            answer = error.read(1000).decode(errors="replace")
            raise SystemExit(f"{chosen.url} refuses the messages ({error.code}): {answer}") from error


if __name__ == "__main__":
    main()
