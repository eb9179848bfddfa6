"""``kill -9`` at any moment loses nothing that was acknowledged to any window, and leaves no half-written file."""

import random
import threading
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from annotating_server import intervals, put, write_recording
from harken.annotations.formats import read_annotations
from harken.annotations.times import Span
from harken.support.aside import is_aside
from server_process import server_process
from server_thread import Served

pytestmark = pytest.mark.second_stage

KILLS = 6
SECONDS = 3600
LONGEST_S = 0.7
PROCESSES = 2
LABELS = "/api/recordings/0/labels"


class Window:
    """A window that adds one label after the other to those that it knows, each at a second of its own.

    Args:
        number: its number, from 0.
        of: the number of windows.
    """

    def __init__(self, number: int, of: int) -> None:
        self.number, self.of = number, of
        self.acknowledged: list[int] = []
        self.sent = self.refused = 0

    def label_until_killed(self, served: Served) -> None:
        """Save until there is no answer. What was changed elsewhere is fetched, and its own label added again."""
        try:
            rows, etag = self._fetch(served)
            while True:
                second = self.number + self.of * self.sent
                own = intervals((second, second + 1, str(second)))
                together = sorted([*rows, *own], key=lambda one: one["start_ms"])
                saved = put(served, together, etag=etag)
                if saved.status == 200:
                    rows, etag = together, saved.headers["etag"]
                    self.acknowledged.append(second)
                    self.sent += 1
                else:
                    assert saved.status == 412, saved.body
                    self.refused += 1
                    rows, etag = self._fetch(served)
                    rows = [row for row in rows if row["label"] != str(second)]
        except (OSError, HTTPException, ValueError):
            self.sent += 1  # what was under way may be there or not

    def _fetch(self, served: Served) -> tuple[list[Any], str]:
        answer = served.ask(LABELS)
        return answer.json["intervals"], answer.headers["etag"]


def test_what_was_acknowledged_survives_any_kill_of_two_processes(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=SECONDS, label=None)
    beside = tmp_path / "anna.labels.csv"
    choose = random.Random(1)
    windows = [Window(number, PROCESSES) for number in range(PROCESSES)]
    for _ in range(KILLS):
        with ExitStack() as stack:
            started = [
                stack.enter_context(
                    server_process("--no-model", str(path), log=tmp_path / f"log{each.number}", command="annotate")
                )
                for each in windows
            ]
            for _, address in started:
                Served.of(address).ask_until("/api/recordings/0", lambda about: about["state"] == "ready")
            killers = [threading.Timer(LONGEST_S * choose.random(), process.kill) for process, _ in started]
            labelling = [
                threading.Thread(target=window.label_until_killed, args=(Served.of(address),))
                for window, (_, address) in zip(windows, started, strict=True)
            ]
            for thread in (*killers, *labelling):
                thread.start()
            for thread in (*killers, *labelling):
                thread.join()
        found = read_annotations(beside)
        assert len(found.intervals(Span(0, 1 << 62, "UTC"))) == len(found.entries)
        there = {int(entry.label) for entry in found.entries}
        acknowledged = {second for window in windows for second in window.acknowledged}
        assert acknowledged <= there
        assert len(there - acknowledged) <= 2 * KILLS, "only labels that were under way may be there, too"
    assert min(len(window.acknowledged) for window in windows) > KILLS
    assert min(window.refused for window in windows) > 0, "both windows saved at the same time"
    with server_process("--no-model", str(path), log=tmp_path / "log", command="annotate") as (_, address):
        served = Served.of(address)
        served.ask_until("/api/recordings/0", lambda about: about["state"] == "ready")
        saved = put(served, intervals((0, 1, "0")), etag=served.ask(LABELS).headers["etag"])
        assert saved.status == 200, saved.body
    left = [path.name for path in tmp_path.iterdir() if is_aside(path)]
    assert left == [], "what a killed process left aside is removed by the next one that writes"
    assert not (tmp_path / "anna.labels.csv.orig").exists()
