"""Another program, such as annotate or a text editor, changes the file of labels of a recorded session."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import harken
from edited_labels import save
from harken.annotations.find import with_labels
from harken.annotations.formats import read_annotations
from harken.web.limits import Limits, RefusedError
from harken.web.record.recorder import Recorder
from harken.web.record.session import PAUSE_NS, SessionFiles
from recorded_bouts import SECOND, START, annotate, bouts, labels_in, log, made, record, samples


@pytest.mark.parametrize("during", ["write_recording", "save_labels"])
def test_what_annotate_saves_while_the_recording_is_made_is_kept(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    record(recorder, 60, 100, "sitting")
    labels, real = annotate(path), getattr(SessionFiles, during)
    saved: list[str] = []

    def save_first(*arguments: Any) -> Any:
        if not saved:
            rows = labels.as_json()["intervals"]
            saved.append(save(labels, [row | {"label": "running"} for row in rows]))
        return real(*arguments)

    monkeypatch.setattr(SessionFiles, during, save_first)
    assert made(recorder) == [path]
    assert saved
    assert labels_in(path) == ["running", "sitting"]
    for one in (recorder, Recorder(tmp_path, Limits())):
        assert bouts(one.sessions("anna", 1)[0]) == [(10, 40, "running"), (60, 100, "sitting")]
        assert one.trouble(path.stem) is None


def test_a_full_disk_after_the_labels_were_written_loses_no_bout(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of labels ends where the samples end. Read back as a change, it would cut the bout for good."""
    record(recorder, 190, 300, "walking")

    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harken.web.record.session.write_bytes", fill)
        (path,) = made(recorder)
        assert recorder.trouble(path.stem) == "the recording could not be written (No space left on device)"
    for one in (recorder, Recorder(tmp_path, Limits())):
        assert bouts(one.sessions("anna", 1)[0]) == [(190, 300, "walking")]
    log(tmp_path, samples(200, 310))
    assert made(recorder) == [path]
    assert recorder.trouble(path.stem) is None
    (entry,) = read_annotations(path.with_suffix(".labels.csv")).entries
    assert entry.end is not None
    assert entry.end.ns == START + 300 * SECOND


def labelled_as_in_commands(path: Path) -> list[tuple[float, str]]:
    """The bouts that all commands find beside a recording: starts in seconds after ``START``, and labels."""
    recording = with_labels(harken.read(path), path.with_suffix(".labels.csv"))
    codes = recording.label_codes
    firsts = [row for row in range(len(codes)) if codes[row] >= 0 and (row == 0 or codes[row] != codes[row - 1])]
    return [((int(recording.time_ns[row]) - START) / 1e9, recording.label_names[codes[row]]) for row in firsts]


@pytest.mark.parametrize(
    "table",
    [
        "start,end,label\n60,75,running\n75,90,x\n",  # seconds from the start of the recording
        "start,end,label\n2025-06-15 15:06:50,2025-06-15 15:07:05,running\n15:07:05,15:07:20,x\n",
        "start,label\n60,running\n75,x\n90,end\n",
        "start,end,label,subject\n60,75,running,anna\n75,90,x,anna\n5000,6000,lying,ben\n",
    ],
    ids=["seconds", "times without a zone", "points", "of several wearers"],
)
@pytest.mark.parametrize("restart", [True, False])
def test_labels_are_read_as_in_all_commands(recorder: Recorder, tmp_path: Path, table: str, restart: bool) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    path.with_suffix(".labels.csv").write_text(table)
    assert labelled_as_in_commands(path) == [(10, "running"), (25, "x")]
    again = Recorder(tmp_path, Limits()) if restart else recorder
    if not restart:
        record(again, 160, 170, "sitting")
    assert made(again) == [path]
    expected = [(10, 25, "running"), (25, 40, "x"), (160, 170, "sitting")]
    assert bouts(again.sessions("anna", 1)[0]) == expected[: 2 if restart else 3]
    assert labelled_as_in_commands(path) == [(start_s, label) for start_s, _, label in expected[: 2 if restart else 3]]


def test_seconds_count_from_the_start_of_the_recording_that_was_there(tmp_path: Path) -> None:
    """Late samples may begin the recording earlier."""
    log(tmp_path, samples(-20, 200))
    recorder = Recorder(tmp_path, Limits())
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    path.with_suffix(".labels.csv").write_text("start,end,label\n30,45,running\n")
    log(tmp_path, samples(-50, -20))
    assert made(Recorder(tmp_path, Limits())) == [path]
    assert harken.read(path).time_ns[0] == START - 50 * SECOND
    assert labelled_as_in_commands(path) == [(10, "running")]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("start,end,label\n2025-06-15T17:06:55,2025-06-15T17:07:10,walking\n", "line 2: .*write times with their zone"),
        ("start,end,label\n2025-06-14T15:06:55Z,2025-06-14T15:07:10Z,walking\n", "line 2: .*outside the recording"),
        ("start,end,label,subject\n60,75,walking,ben\n", "no row is for the recording"),
        ("start,end,label\n1000,1015,walking\n", "no samples of the recording"),
    ],
    ids=["another zone", "another day", "another wearer", "in a gap"],
)
def test_labels_of_something_else_stay_and_are_told(tmp_path: Path, table: str, sentence: str) -> None:
    log(tmp_path, samples(-100, 45), samples(2000, 2200))
    recorder = Recorder(tmp_path, Limits())
    record(recorder, 10, 40, "walking")
    record(recorder, 1800, 2100, "sitting")
    (path,) = made(recorder)
    labels, before_ns = path.with_suffix(".labels.csv"), harken.read(path).time_ns
    labels.write_text(table)
    again = Recorder(tmp_path, Limits())
    assert made(again) == [path]
    assert labels.read_text() == table
    assert (harken.read(path).time_ns == before_ns).all()
    trouble = again.trouble(path.stem)
    assert trouble is not None
    assert str(labels) in trouble
    assert re.search(sentence, trouble)
    labels.write_text("start,end,label\n60,75,running\n")
    assert made(again) == [path]
    assert again.trouble(path.stem) is None
    assert labelled_as_in_commands(path) == [(10, "running")]


def test_labels_that_fit_only_with_late_samples_count_when_these_have_come(tmp_path: Path) -> None:
    log(tmp_path, samples(-100, 20))
    recorder = Recorder(tmp_path, Limits())
    record(recorder, 10, 200, "walking")
    (path,) = made(recorder)
    path.with_suffix(".labels.csv").write_text("start,end,label\n60,90,walking\n200,240,running\n")
    again = Recorder(tmp_path, Limits())
    made(again)
    assert "outside the recording" in (again.trouble(path.stem) or "")
    log(tmp_path, samples(20, 300))
    assert made(again) == [path]
    assert again.trouble(path.stem) is None
    assert labelled_as_in_commands(path) == [(10, "walking"), (150, "running")]


def test_a_recording_that_was_removed_is_made_again_for_its_labels(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    labels = path.with_suffix(".labels.csv")
    before = labels.read_text()
    path.unlink()
    for table, trouble in (
        ("start,end,label\n60,90,walking\n", "write times with their zone"),  # seconds from the start of what?
        ("start,end,label\n2025-06-14T15:06:55Z,2025-06-14T15:07:10Z,walking\n", "no samples"),
    ):
        labels.write_text(table)
        again = Recorder(tmp_path, Limits())
        assert made(again) == []
        assert trouble in (again.trouble(path.stem) or "")
        assert labels.read_text() == table
    labels.write_text(before)
    assert made(again) == [path]
    assert again.trouble(path.stem) is None
    assert labelled_as_in_commands(path) == [(10, "walking")]


def test_broken_labels_of_an_earlier_session_are_told_and_stop_nothing(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    recorder.close("anna")
    record(recorder, 60, 100, "sitting")
    labels = path.with_suffix(".labels.csv")
    before = labels.read_text()
    labels.write_text("start,end,label\n2025-06-15T15:06:50Z,2025-06-15T15:07:2")
    recorder.begin("anna", "running", START + 110 * SECOND)
    later, earlier = recorder.sessions("anna", 5)
    assert later.open is not None
    assert later.open.label == "running"
    assert bouts(earlier) == [(10, 40, "walking")]
    assert recorder.trouble(later.name) is None
    trouble = recorder.trouble(earlier.name) or ""
    assert trouble.startswith(f"the labels of this session cannot be read: {labels}, line 2: ")
    with pytest.raises(RefusedError, match="cannot be read"):
        recorder.delete(earlier.name, START // 10**6)
    labels.write_text(before.replace("walking", "stairs"))
    _, earlier = recorder.sessions("anna", 5)
    assert bouts(earlier) == [(10, 40, "stairs")]
    assert recorder.trouble(earlier.name) is None
    recorder.end("anna", START + 120 * SECOND)
    labels.unlink()
    labels.mkdir()  # no file, so that it cannot be read
    later, earlier = recorder.sessions("anna", 5)
    assert bouts(earlier) == [(10, 40, "stairs")]
    assert (recorder.trouble(earlier.name) or "").endswith("the labels cannot be read (Is a directory)")


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("by", ["a button", "a pause"])
def test_broken_labels_stop_no_new_session(recorder: Recorder, tmp_path: Path, by: str, restart: bool) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    start_ns = START + 41 * SECOND
    if by == "a button":
        recorder.close("anna")
    else:
        start_ns += PAUSE_NS
    (labels := path.with_suffix(".labels.csv")).write_text("start,end,label\nx,y,z\n")
    again = Recorder(tmp_path, Limits()) if restart else recorder
    begun = again.begin("anna", "sitting", start_ns)
    assert labels.read_text() == "start,end,label\nx,y,z\n"
    assert begun.name != path.stem
    assert [session.name for session in again.sessions("anna", 5)] == [begun.name, path.stem]


def test_times_without_dates_are_kept_in_a_recording_of_nearly_a_day(tmp_path: Path) -> None:
    """The server reads on for a minute after the last sample. With that minute, it would be longer than a day."""
    log(tmp_path, samples(0, 10))
    first = Recorder(tmp_path, Limits())
    record(first, 1, 9, "walking")
    (path,) = made(first)
    minutes = 24 * 60 - 2.4
    rows = START + np.arange(round(minutes * 60)) * SECOND
    frame = pl.DataFrame({"Timestamp": pl.Series(rows).cast(pl.Datetime("ns", "UTC")), "X": 0.0, "Y": 0.0, "Z": 1.0})
    frame.with_columns(Subject=pl.lit("anna")).write_parquet(path)
    path.with_suffix(".labels.csv").write_text("start,end,label\n20:00,20:10,lying\n")
    again = Recorder(tmp_path, Limits())
    again.begin("anna", "sitting", START + 86_400 * SECOND)
    assert labels_in(path) == ["lying"]
    assert path.exists()
    assert [one.label for session in again.sessions("anna", 5) for one in session.bouts] == ["lying"]
