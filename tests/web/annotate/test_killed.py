"""``kill -9`` at any moment loses nothing that was acknowledged to any window, and leaves no half-written file."""

import json
import random
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from annotating_server import annotating_process, intervals, write_recording
from harken.annotations.formats import read_annotations
from harken.annotations.times import Span
from harken.support.files import is_aside
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
                body = json.dumps({"client": str(self.number), "intervals": together}).encode()
                request = urllib.request.Request(served.url(LABELS), body, method="PUT")
                request.add_header("If-Match", etag)
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        answer.read()
                        rows, etag = together, answer.headers["ETag"]
                    self.acknowledged.append(second)
                    self.sent += 1
                except urllib.error.HTTPError as error:
                    if error.code != 412:
                        raise AssertionError(error.read()) from error
                    self.refused += 1
                    rows, etag = self._fetch(served)
                    rows = [row for row in rows if row["label"] != str(second)]
        except (OSError, HTTPException, ValueError):
            self.sent += 1  # what was under way may be there or not

    def _fetch(self, served: Served) -> tuple[list[Any], str]:
        with urllib.request.urlopen(served.url(LABELS), timeout=20) as answer:
            return json.loads(answer.read())["intervals"], answer.headers["ETag"]


def test_what_was_acknowledged_survives_any_kill_of_two_processes(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=SECONDS, label=None)
    beside = tmp_path / "anna.labels.csv"
    choose = random.Random(1)
    windows = [Window(number, PROCESSES) for number in range(PROCESSES)]
    for _ in range(KILLS):
        with ExitStack() as stack:
            started = [
                stack.enter_context(annotating_process(str(path), log=tmp_path / f"log{each.number}"))
                for each in windows
            ]
            for _, served in started:
                served.ask_until("/api/recordings/0", lambda about: about["state"] == "ready")
            killers = [threading.Timer(LONGEST_S * choose.random(), process.kill) for process, _ in started]
            labelling = [
                threading.Thread(target=window.label_until_killed, args=(served,))
                for window, (_, served) in zip(windows, started, strict=True)
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
    left = [each for each in tmp_path.iterdir() if is_aside(each)]
    assert len(left) <= PROCESSES, "what a killed process left aside is removed by the next one that writes"
    assert not (tmp_path / "anna.labels.csv.orig").exists()
