"""Labels that another program changes while bouts, or their samples, are still to come."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edited_labels import save
from harken.server.limits import Limits
from harken.server.recorded.recorder import Recorder
from harken.server.recorded.session import Bout, RecordedSession
from recorded_bouts import SECOND, START, annotate, bouts, labels_in, log, record, samples


def saved_with_a_note(path: Path, **change: object) -> None:
    """Save the labels of a recording in annotate, with a note on the first one and perhaps another change."""
    labels = annotate(path)
    rows = labels.as_json()["intervals"]
    rows[0] |= {"note": "with the dog"} | change
    save(labels, rows)


def test_a_bout_whose_samples_come_later_survives_what_annotate_saves(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    record(recorder, 250, 300, "running")  # there are samples up to 200 s
    (path,) = recorder.labelled_files()
    assert labels_in(path) == ["walking"]
    saved_with_a_note(path)
    assert bouts(recorder.sessions("anna", 1)[0]) == [(10, 40, "walking"), (250, 300, "running")]
    log(tmp_path, samples(200, 310))
    (path,) = Recorder(tmp_path, Limits()).labelled_files()
    assert labels_in(path) == ["walking", "running"]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, [(150, 300, "walking")]),
        ({"label": "running"}, [(150, 300, "running")]),
        ({"end_ms": START // 10**6 + 180_000}, [(150, 180, "walking")]),
        ({"start_ms": START // 10**6 + 160_000}, [(160, 300, "walking")]),
    ],
)
def test_the_rest_of_a_bout_whose_samples_come_later_survives_what_annotate_saves(
    recorder: Recorder, tmp_path: Path, change: dict[str, object], left: list[tuple[float, float, str]]
) -> None:
    record(recorder, 150, 300, "walking")
    (path,) = recorder.labelled_files()
    saved_with_a_note(path, **change)
    assert bouts(recorder.sessions("anna", 1)[0]) == left
    log(tmp_path, samples(200, 310))
    again = Recorder(tmp_path, Limits())
    assert again.labelled_files() == [path]
    (session,) = again.sessions("anna", 1)
    assert bouts(session) == left
    assert session.bouts[0].note == "with the dog"


def test_a_bout_that_is_deleted_before_its_last_samples_come_stays_deleted(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "sitting")
    record(recorder, 150, 300, "walking")
    (path,) = recorder.labelled_files()
    labels = annotate(path)
    save(labels, labels.as_json()["intervals"][:1])
    log(tmp_path, samples(200, 310))
    assert recorder.labelled_files() == [path]
    assert labels_in(path) == ["sitting"]


def test_a_bout_that_ends_while_annotate_saves_is_kept(recorder: Recorder) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = recorder.labelled_files()
    recorder.begin("anna", "sitting", START + 60 * SECOND)
    labels = annotate(path)
    rows = [row | {"label": "running"} for row in labels.as_json()["intervals"]]
    recorder.end("anna", START + 100 * SECOND)
    save(labels, rows)  # the file does not have the bout that has just ended
    assert recorder.labelled_files() == [path]
    assert labels_in(path) == ["running", "sitting"]


@given(
    edges=st.lists(st.integers(0, 200), min_size=2, max_size=12, unique=True).map(sorted),
    samples_s=st.tuples(st.integers(0, 200), st.integers(1, 200)),
    noted=st.integers(0, 5),
)
def test_a_note_in_the_file_changes_no_time(edges: list[int], samples_s: tuple[int, int], noted: int) -> None:
    """Whatever part of the bouts is in the file."""
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    session = RecordedSession(
        "name", "anna", 0.0, tuple(Bout(start * SECOND, end * SECOND, str(end)) for start, end in pairs)
    )
    written = session.with_written((samples_s[0] * SECOND, sum(samples_s) * SECOND))
    intervals = written.intervals()
    lines = intervals.lines.tolist()
    changed = replace(intervals, notes=dict.fromkeys(lines[noted : noted + 1], "a note"))
    after = written.with_intervals(changed, "digest")
    assert [(one.start_ns, one.end_ns, one.label) for one in after.bouts] == [
        (one.start_ns, one.end_ns, one.label) for one in session.bouts
    ]
    assert [one.note for one in after.bouts].count("a note") == len(changed.notes)


def test_a_session_is_recorded_on_while_its_labels_are_broken(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = recorder.labelled_files()
    recorder.begin("anna", "sitting", START + 60 * SECOND)
    labels = path.with_suffix(".labels.csv")
    before = labels.read_text()
    labels.write_text("start,end,label\nyesterday,today,walking\n")
    recorder.end("anna", START + 100 * SECOND)
    record(recorder, 120, 140, "lying")
    (session,) = recorder.sessions("anna", 5)
    assert bouts(session) == [(10, 40, "walking"), (60, 100, "sitting"), (120, 140, "lying")]
    assert "the start 'yesterday' is not a time" in (recorder.trouble(session.name) or "")
    recorder.labelled_files()
    assert labels.read_text() == "start,end,label\nyesterday,today,walking\n"
    labels.write_text(before.replace("walking", "stairs"))
    again = Recorder(tmp_path, Limits())
    assert again.labelled_files() == [path]
    assert again.trouble(path.stem) is None
    assert labels_in(path) == ["stairs", "sitting", "lying"]


@pytest.mark.parametrize("made", [False, True])
def test_labels_over_a_bout_that_is_being_recorded_stay_and_it_has_the_rest(
    recorder: Recorder, tmp_path: Path, made: bool
) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = recorder.labelled_files()
    recorder.begin("anna", "running", START + 50 * SECOND)
    labels = annotate(path)
    times = {"start_ms": (START + 60 * SECOND) // 10**6, "end_ms": (START + 70 * SECOND) // 10**6}
    rows = [*labels.as_json()["intervals"], times | {"label": "drinking", "note": ""}]
    save(labels, rows)
    if made:
        recorder.make_changed()
    ended = recorder.end("anna", START + 100 * SECOND)
    assert ended is not None
    assert (ended.start_ns, ended.end_ns) == (START + 70 * SECOND, START + 100 * SECOND)
    assert recorder.labelled_files() == [path]
    assert recorder.trouble(path.stem) is None
    whole = [(10, 40, "walking"), (50, 60, "running"), (60, 70, "drinking"), (70, 100, "running")]
    assert bouts(Recorder(tmp_path, Limits()).sessions("anna", 1)[0]) == whole
    assert labels_in(path) == [label for *_, label in whole]


def test_a_bout_that_is_covered_by_labels_before_it_ends_leaves_nothing(recorder: Recorder) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = recorder.labelled_files()
    recorder.begin("anna", "running", START + 50 * SECOND)
    saved_with_a_note(path, end_ms=(START + 90 * SECOND) // 10**6)
    assert recorder.end("anna", START + 80 * SECOND) is None
    assert bouts(recorder.sessions("anna", 1)[0]) == [(10, 90, "walking")]


@pytest.mark.parametrize("end_s", [240, 290])
def test_an_end_after_the_last_sample_is_that_of_the_file_when_the_samples_come(
    recorder: Recorder, tmp_path: Path, end_s: int
) -> None:
    """An interval may reach over the end of a recording by a minute; further ones wait for samples."""
    record(recorder, 10, 40, "walking")
    record(recorder, 150, 300, "running")
    (path,) = recorder.labelled_files()
    begins_s = 50  # before START: a minute before the first bout
    rows = [(10, 40, "walking"), (150, end_s, "cycling")]
    table = "".join(f"{start + begins_s},{end + begins_s},{label}\n" for start, end, label in rows)
    path.with_suffix(".labels.csv").write_text(f"start,end,label\n{table}")
    recorder.labelled_files()
    log(tmp_path, samples(200, 400))
    again = Recorder(tmp_path, Limits())
    again.labelled_files()
    assert again.trouble(path.stem) is None
    assert bouts(again.sessions("anna", 1)[0]) == rows


def test_a_session_that_an_earlier_version_stored_is_read(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    record(recorder, 60, 90, "sitting")
    (path,) = recorder.labelled_files()
    state = tmp_path / "sessions" / f"{path.stem}.json"
    stored = json.loads(state.read_text())
    for bout in stored["bouts"]:
        del bout["written"]
    state.write_text(json.dumps(stored))
    labels = annotate(path)
    save(labels, labels.as_json()["intervals"][1:])
    assert bouts(Recorder(tmp_path, Limits()).sessions("anna", 1)[0]) == [(60, 90, "sitting")]
    stored["bouts"][1]["start_ns"] = START + 30 * SECOND  # it stored bouts that overlap
    state.write_text(json.dumps(stored | {"labels_digests": [""]}))
    path.with_suffix(".labels.csv").unlink()
    again = Recorder(tmp_path, Limits())
    assert bouts(again.sessions("anna", 1)[0]) == [(10, 40, "walking"), (40, 90, "sitting")]
    assert again.labelled_files() == [path]
