"""Labels that another window or program has changed: nothing is overwritten unseen, and an error ends no other."""

import logging
import random
from pathlib import Path
from typing import Any

import pytest

from annotating_server import annotating, intervals, put, write_recording
from harken.annotations.formats import read_annotations
from harken.annotations.store import LabelStore
from harken.web.annotate import opening
from server_thread import Answer

LABELS = "/api/recordings/0/labels"


def names(answer: Answer) -> list[str]:
    return [interval["label"] for interval in answer.json["intervals"]]


def test_labels_that_were_changed_elsewhere_are_not_replaced(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", label=None)
    beside = tmp_path / "anna.labels.csv"
    with annotating(path) as served:
        none = served.ask(LABELS).headers["etag"]
        first = put(served, intervals((1, 2, "lying")), etag=none)
        assert (first.status, first.json) == (200, {"etag": first.headers["etag"]})
        stale = put(served, [], etag=none)
        assert (stale.status, stale.headers["etag"]) == (412, first.headers["etag"])
        assert stale.json["error"] == "anna.labels.csv was changed by another window or program"
        theirs = served.ask(LABELS)
        assert (names(theirs), theirs.json["on_disk"], theirs.json["read_only"]) == (["lying"], True, None)
        second = put(served, intervals((1, 2, "lying"), (3, 4, "sitting")), etag=theirs.headers["etag"])
        assert second.status == 200
        beside.write_text("start,end,label\n5,6,walking\n")
        assert put(served, [], etag=second.headers["etag"]).status == 412
        assert names(served.ask(LABELS)) == ["walking"]
        beside.write_text("start,end,label\n5,x,walking\n")
        damaged = served.ask(LABELS)
        assert (names(damaged), "the end 'x' is not a time" in damaged.json["read_only"]) == ([], True)
        assert put(served, []).status == 423
        assert beside.read_text() == "start,end,label\n5,x,walking\n"


@pytest.mark.parametrize("seed", range(3))
def test_two_windows_and_another_program_overwrite_nothing_unseen(tmp_path: Path, seed: int) -> None:
    """Each acts on what it has seen last, which may be old."""
    path, choose = write_recording(tmp_path / "anna.csv", seconds=60, label=None), random.Random(seed)
    beside = tmp_path / "anna.labels.csv"

    def on_disk() -> list[str]:
        return [entry.label for entry in read_annotations(beside).entries] if beside.exists() else []

    with annotating(path) as served:
        seen = dict.fromkeys(("one", "two"), served.ask(LABELS).headers["etag"])
        expected: list[str] = []
        for step in range(60):
            act, window = choose.choice(("save", "save", "look", "write", "remove")), choose.choice(list(seen))
            if act == "look":
                answer = served.ask(LABELS)
                assert names(answer) == expected
                seen[window] = answer.headers["etag"]
            elif act == "save":
                current = served.ask(LABELS).headers["etag"]
                rows = intervals(*((number, number + 1, f"{step} {number}") for number in range(choose.randrange(4))))
                answer = put(served, rows, etag=seen[window])
                assert answer.status == (200 if seen[window] == current else 412)
                if answer.status == 200:
                    expected, seen[window] = [row["label"] for row in rows], answer.headers["etag"]
                else:
                    assert answer.headers["etag"] == current
            elif act == "write":
                expected = [f"program {step}"]
                beside.write_text(f"start,end,label\n5,6,program {step}\n")
            elif beside.exists():
                expected = []
                beside.unlink()
            assert on_disk() == expected


def test_a_drive_that_is_away_for_a_while_loses_nothing(tmp_path: Path) -> None:
    (drive := tmp_path / "drive").mkdir()
    path = write_recording(drive / "anna.csv", seconds=20)
    with annotating(path) as served:
        drive.rename(tmp_path / "away")
        drive.write_text("")  # to ask for a file in it is an error, as with a drive that was unplugged
        assert names(served.ask(LABELS)) == ["lying"], "as they were read last"
        refused = put(served, intervals((1, 2, "lying")))
        assert (refused.status, "anna.labels.csv" in refused.json["error"]) == (507, True)
        drive.unlink()
        (tmp_path / "away").rename(drive)
        (drive / "anna.labels.csv").write_text("start,end,label\n5,6,walking\n")
        assert names(served.ask(LABELS)) == ["walking"]
        assert put(served, intervals((1, 2, "lying"))).status == 200


@pytest.mark.parametrize("again", [False, True], ids=("first", "from the cache"))
def test_a_recording_that_cannot_be_shown_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, again: bool
) -> None:
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=20) for name in ("anna", "ben")]
    if again:
        with annotating(*paths):
            pass

    def broken(path: Path, *arguments: Any, **options: Any) -> LabelStore:
        if path.name == "anna.csv":
            raise RuntimeError("nobody expected this")
        return LabelStore(path, *arguments, **options)

    monkeypatch.setattr("harken.web.annotate.recording.LabelStore", broken)
    monkeypatch.setattr(opening, "LOG", logging.getLogger("opening"))  # the server's own does not reach the test
    with annotating(*paths) as served:
        found = [served.ask(f"/api/recordings/{number}").json for number in (0, 1)]
        assert [each["state"] for each in found] == ["failed", "ready"]
        assert found[0]["error"] == f"{paths[0]}: a fault in harken: RuntimeError: nobody expected this"
        assert put(served, intervals((1, 2, "lying")), number=1).status == 200
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["nobody expected this"]


def test_learn_sees_labels_that_another_program_has_changed(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv")
    with annotating(path) as served:
        (tmp_path / "anna.labels.csv").write_text("start,end,label\n5,15,walking\n")
        found = served.ask("/api/learn").json["available"]
        assert found["people"] == [{"subject": "anna", "seconds_by_label": {"walking": 10.0}}]


def test_labels_can_be_set_after_the_recording_is_read(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv")
    with annotating(path, read=False) as served:
        refused = put(served, [])
        not_read = "the recording is still being read; labels can be set when it is complete"
        assert (refused.status, refused.json["error"]) == (423, not_read)
        assert served.ask(LABELS).status == 404
        served.ask_until("/api/recordings/0", lambda about: about["state"] == "ready")
        labels = served.ask(LABELS).json
        assert (len(labels["intervals"]), labels["read_only"]) == (1, None)
        assert put(served, []).status == 200
