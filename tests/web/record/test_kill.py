"""``kill -9`` of the server while a phone pushes and bouts begin and end: nothing that was acknowledged is lost."""

import json
import os
import random
import signal
import subprocess
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harken
from annotating_server import put
from harken.annotations.formats import read_annotations
from harken.support.aside import is_aside
from harken.web.limits import Limits
from harken.web.record.recorder import Recorder
from harken.web.sample_log import logged_samples
from made_up_phones import pushing
from recorded_bouts import labels_in, made
from server_process import free_port, server_process
from server_thread import Served
from waiting import until

pytestmark = pytest.mark.second_stage

KILLS = 4
KEPT = 4
"""No bout is deleted while there are so few. A slow machine takes few steps, and could delete all of them."""
PHONE = "phone"
LABELS = ("lying", "sitting", "walking", "stairs")


def ask(port: int, path: str, method: str = "GET", **fields: Any) -> Any:
    """The JSON of an answer; None without one, because the server was killed."""
    try:
        answer = Served(port, None).ask(path, json.dumps(fields).encode() if fields else None, method=method)
        assert answer.status < 300, answer.body
        return json.loads(answer.body or b"{}")
    except (OSError, ValueError, HTTPException):  # HTTPException: an answer that was cut short
        return None


class Acknowledged:
    """What the server has acknowledged: the ends of bouts by their starts, None for the open one. A step without an
    answer may have been taken or not."""

    def __init__(self) -> None:
        self.bouts: dict[int, tuple[str, int | None]] = {}
        self.unsure: tuple[str, int | None] | None = None

    def step(self, port: int, random_numbers: random.Random) -> bool:
        """Begin, end or delete a bout; whether the server has answered."""
        open_ms = next((start for start, (_, end) in self.bouts.items() if end is None), None)
        if open_ms is None and len(self.bouts) > KEPT and random_numbers.random() < 0.25:
            if (recorded := ask(port, f"/api/record?watch={PHONE}")) is None:
                return False
            (session,) = recorded["sessions"]
            start_ms = random_numbers.choice(list(self.bouts))
            self.unsure = ("delete", start_ms)
            if ask(port, f"/api/record/{session['name']}/{start_ms}", "DELETE") is None:
                return False
            del self.bouts[start_ms]
        elif open_ms is None:
            label = random_numbers.choice(LABELS)
            self.unsure = ("begin", None)
            if (answer := ask(port, "/api/record/begin", "POST", watch=PHONE, label=label)) is None:
                return False
            self.bouts[answer["open"]["start_ms"]] = label, None
        else:
            self.unsure = ("end", open_ms)
            if (answer := ask(port, "/api/record/end", "POST", watch=PHONE, discard_s=0)) is None:
                return False
            label, _ = self.bouts[open_ms]
            if answer["bout"] is None:
                del self.bouts[open_ms]
            else:
                self.bouts[open_ms] = label, answer["bout"]["end_ms"]
        self.unsure = None
        return True

    def last_ms(self) -> int:
        """When the last bout began or ended, by the clock of the phone."""
        return max(start if end is None else end for start, (_, end) in self.bouts.items())

    def check(self, recorded: Any) -> None:
        """Compare with what the server has after a restart; then take it over."""
        there = {
            bout["start_ms"]: (bout["label"], bout["end_ms"])
            for session in recorded["sessions"]
            for bout in session["bouts"]
        }
        if recorded["open"] is not None:
            there[recorded["open"]["start_ms"]] = recorded["open"]["label"], None
        expected = dict(self.bouts)
        if self.unsure is not None:
            what, start_ms = self.unsure
            if what == "begin":
                there_only = set(there) - set(expected)
                assert len(there_only) <= 1
                expected |= {start: there[start] for start in there_only}
            elif start_ms is not None and there.get(start_ms) != expected[start_ms]:
                if start_ms in there:
                    assert what == "end"
                    expected[start_ms] = there[start_ms]
                else:
                    del expected[start_ms]
        assert there == expected
        self.bouts, self.unsure = there, None


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    keep, port, log = tmp_path / "kept", free_port(), tmp_path / "log.txt"
    numbers = random.Random(21)
    acknowledged = Acknowledged()
    steps = 0
    with pushing(f"http://127.0.0.1:{port}/push", name=PHONE, every_s=0.1):
        for _ in range(KILLS):
            with server_process("--keep", str(keep), log=log, port=port) as (process, _):
                while not (ask(port, "/api/watches") or []):
                    time.sleep(0.05)
                acknowledged.check(ask(port, f"/api/record?watch={PHONE}"))
                for _ in range(numbers.randrange(4, 9)):
                    assert acknowledged.step(port, numbers)
                    steps += 1
                killer = subprocess.Popen(["sh", "-c", f"sleep {numbers.uniform(0, 1):.3f}; kill -9 {process.pid}"])
                while acknowledged.step(port, numbers):
                    steps += 1
                killer.wait()
                assert process.wait(20) == -signal.SIGKILL
        assert steps >= 4 * KILLS
        with server_process("--keep", str(keep), log=log, port=port):
            acknowledged.check(ask(port, f"/api/record?watch={PHONE}"))
            last_ms = acknowledged.last_ms() + 1000  # an open bout is ended a second after its begin
            while not any(watch["last_ms"] > last_ms for watch in ask(port, "/api/watches")):
                time.sleep(0.05)
    recorder = Recorder(keep, Limits())
    sessions = recorder.sessions(PHONE, 99)
    if sessions and sessions[0].open is not None:
        recorder.end(PHONE, sessions[0].open.start_ns + 10**9)
    paths = made(recorder, PHONE)
    assert len(paths) == 1, [(session, recorder.trouble(session.name)) for session in recorder.sessions(PHONE, 99)]
    (path,) = paths
    recording = harken.read(path)
    logged = np.unique(np.concatenate([one.time_ns for one in logged_samples(keep)]))
    assert np.isin(recording.time_ns, logged).all()
    entries = read_annotations(path.with_suffix(".labels.csv")).entries
    ended = {start: label for start, (label, end) in acknowledged.bouts.items() if end is not None}
    found = {entry.start.ns // 10**6: entry.label for entry in entries}
    assert ended.items() <= found.items()
    assert len(ended) > 3
    left = [name for _, folders, files in os.walk(keep) for name in (*folders, *files) if is_aside(name)]
    assert left == []


def test_a_session_is_recorded_through_two_kills_closed_and_annotated(tmp_path: Path) -> None:
    """The server is killed while a bout is open and while the recording is made; annotate then has all labels."""
    keep, port, log = tmp_path / "kept", free_port(), tmp_path / "log.txt"

    def begin(label: str) -> None:
        until(lambda: bool(ask(port, "/api/watches")))
        assert ask(port, "/api/record/begin", "POST", watch=PHONE, label=label)["open"]["label"] == label
        time.sleep(1.2)

    def end() -> None:
        assert ask(port, "/api/record/end", "POST", watch=PHONE)["bout"] is not None

    with pushing(f"http://127.0.0.1:{port}/push", name=PHONE, every_s=0.1):
        with server_process("--keep", str(keep), log=log, port=port) as (process, _):
            begin("lying")
            end()
            begin("sitting")
            process.kill()
            process.wait(20)
        with server_process("--keep", str(keep), log=log, port=port) as (process, _):
            assert ask(port, f"/api/record?watch={PHONE}")["open"]["label"] == "sitting"
            end()
            begin("walking")
            end()
            (recorded,) = ask(port, f"/api/record?watch={PHONE}")["sessions"]
            assert ask(port, "/api/record/close", "POST", watch=PHONE)["sessions"][0]["closed"]
            process.kill()
            process.wait(20)
        path = keep / recorded["recording"]
        assert not path.exists()
        with server_process("--keep", str(keep), log=log, port=port):
            until(lambda: ask(port, f"/api/record?watch={PHONE}")["sessions"][0]["made"])
    assert labels_in(path) == ["lying", "sitting", "walking"]
    with server_process("--no-model", str(path), log=tmp_path / "annotate.txt", command="annotate") as (_, address):
        served = Served.of(address)
        served.ask_until("/api/recordings/0", lambda about: about["state"] == "ready")
        found = served.ask("/api/recordings/0/labels").json["intervals"]
        bouts = [(bout["start_ms"], bout["end_ms"], bout["label"]) for bout in recorded["bouts"]]
        assert [(row["start_ms"], row["end_ms"], row["label"]) for row in found] == bouts
        assert put(served, [found[0] | {"label": "napping"}, *found[1:]]).status == 200
    with server_process("--keep", str(keep), log=log, port=port):
        time.sleep(3)
        (session,) = ask(port, f"/api/record?watch={PHONE}")["sessions"]
        assert [bout["label"] for bout in session["bouts"]] == ["lying", "sitting", "walking"]  # as it was recorded
    assert labels_in(path) == ["napping", "sitting", "walking"]
