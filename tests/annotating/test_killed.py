"""``kill -9`` at any moment loses nothing that was acknowledged, and leaves no half-written file."""

import http.client
import json
import random
import signal
import threading
from pathlib import Path

from annotating_server import annotating_process, intervals, write_recording
from harken.annotations.moments import Span
from harken.annotations.registry import read_annotations
from harken.support.files import is_aside

KILLS = 20
SECONDS = 600
LONGEST_S = 0.25
MOST = 100
"""After this number the labels begin again."""


def label_of(path: Path) -> int:
    """The number in the newest label of the file; it must be whole, and have the intervals of that number."""
    found = read_annotations(path)
    numbers = [int(entry.label) for entry in found.entries]
    assert numbers == list(range(numbers[-1] + 1))
    assert len(found.intervals(Span(0, 1 << 62, "UTC"))) == len(numbers)
    return numbers[-1]


def test_what_was_acknowledged_survives_any_kill(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=SECONDS, label=None)
    beside = tmp_path / "anna.labels.csv"
    choose = random.Random(1)
    written = -1
    interrupted = saved = 0
    for _ in range(KILLS):
        with annotating_process(str(path), log=tmp_path / "log") as (process, served):
            served.ask_until("/api/recordings/0", lambda each: each["state"] == "ready")
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
            found = served.ask("/api/recordings/0/labels").json
            acknowledged = len(found["intervals"]) - 1
            assert acknowledged == written
            rows, revision = found["intervals"], found["revision"]
            killer = threading.Timer(choose.random() * LONGEST_S, process.send_signal, [signal.SIGKILL])
            killer.start()
            try:
                while True:
                    sent = acknowledged + 1 if acknowledged < MOST else 0  # begin again, so that files stay small
                    rows = [*(rows if sent else ()), *intervals((sent, sent + 1, str(sent)))]
                    body = json.dumps({"client": "a", "revision": revision, "intervals": rows})
                    connection.request("PUT", "/api/recordings/0/labels", body)
                    answer = connection.getresponse()
                    revision = json.loads(answer.read())["revision"]
                    acknowledged = sent
                    saved += 1
            except (OSError, http.client.HTTPException):
                interrupted += 1
            finally:
                killer.join()
                connection.close()
        written = label_of(beside) if beside.exists() else -1
        assert written in (acknowledged, sent), "only the label under way may be there or not"
    assert interrupted == KILLS
    assert saved, "labels were saved in between"
    with annotating_process(str(path), log=tmp_path / "log") as (_, served):
        served.ask_until("/api/recordings/0", lambda each: each["state"] == "ready")
        assert len(served.ask("/api/recordings/0/labels").json["intervals"]) == written + 1
    left = [each for each in tmp_path.iterdir() if is_aside(each)]
    assert len(left) <= 1, "what a killed process left aside is removed by the next one that writes"
