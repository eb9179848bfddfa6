"""Recorded sessions: what is on the disk after each step, and the recordings that are made of them."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harken
from harken.annotations.formats import read_annotations
from harken.web.limits import Limits, RefusedError
from harken.web.record.recorder import RETRY_S, Recorder
from harken.web.record.session import LONGEST_NS, MARGIN_NS, PAUSE_NS, RecordedSession, session_name
from recorded_bouts import SECOND, START, bouts, finished, log, made, record, samples


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path, Limits())


def test_a_session_becomes_a_recording_with_its_labels(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(-100, 0), samples(0, 50, "ben"), samples(0, 200))
    record(recorder, 10, 40, "walking")
    record(recorder, 60, 100, "sitting, with coffee")
    (path,) = made(recorder)
    assert path == tmp_path / "recordings" / "anna_20250615-150650.parquet"
    recording = harken.read(path)
    assert recording.subject == "anna"
    # A minute before and after, and nothing of the other watch.
    np.testing.assert_array_equal(recording.time_ns, samples(-50, 160.04)[2])
    np.testing.assert_array_equal(recording.signals, samples(-50, 160.04)[1])
    found = read_annotations(path.with_suffix(".labels.csv"))
    assert found.format == "plain table"
    assert [entry.label for entry in found.entries] == ["walking", "sitting, with coffee"]
    assert [(entry.start.ns - START) / 1e9 for entry in found.entries] == [10, 60]


def test_a_recording_of_some_seconds_of_running_states_its_unit(recorder: Recorder, tmp_path: Path) -> None:
    watch, signals, time_ns = samples(0, 8)
    log(tmp_path, (watch, 1.4 * signals, time_ns))
    record(recorder, 1, 7, "running")
    (path,) = made(recorder)
    np.testing.assert_array_equal(harken.read(path).signals, 1.4 * signals)


def test_every_step_is_on_the_disk_when_it_returns(recorder: Recorder, tmp_path: Path) -> None:
    def restarted() -> RecordedSession:
        (session,) = Recorder(tmp_path, Limits()).sessions("anna", 5)
        return session

    recorder.begin("anna", "walking", START)
    assert (opened := restarted().open) is not None
    assert (opened.label, opened.start_ns) == ("walking", START)
    recorder.end("anna", START + 9 * SECOND)
    assert restarted().open is None
    assert bouts(restarted()) == [(0, 9, "walking")]
    recorder.begin("anna", "sitting", START + 10 * SECOND)
    again = Recorder(tmp_path, Limits())  # it goes on where the first one was killed
    again.end("anna", START + 30 * SECOND)
    assert bouts(restarted()) == [(0, 9, "walking"), (10, 30, "sitting")]
    again.delete(restarted().name, START // 10**6)
    assert bouts(restarted()) == [(10, 30, "sitting")]
    again.close("anna")
    assert restarted().closed_s is not None


def test_a_bout_without_samples_leaves_no_recording(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(0, 20))
    record(recorder, 1000, 1100, "walking")
    assert made(recorder) == []
    assert finished(recorder, after_s=3600) == []
    assert not (tmp_path / "recordings").exists()
    (session,) = recorder.sessions("anna", 5)
    sentence = "no samples of its bouts have come; the recording is made when they come"
    assert recorder.trouble(session.name) == sentence
    assert bouts(session) == [(1000, 1100, "walking")]


def test_a_recording_is_made_when_its_session_is_closed(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(0, 200))
    record(recorder, 10, 40, "walking")
    assert finished(recorder) == []
    assert not (tmp_path / "recordings").exists()
    assert len(made(recorder)) == 1


def test_a_session_that_is_left_is_closed_after_a_pause(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(0, 200))
    record(recorder, 10, 40, "walking")
    pause_s = PAUSE_NS / 1e9
    assert finished(recorder, after_s=pause_s - 10) == []
    assert finished(recorder, after_s=pause_s + 10) == []  # it is closed, and more samples may follow
    assert len(finished(recorder, after_s=pause_s + 20)) == 1


def test_a_bout_that_was_never_stopped_has_its_longest_length(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(0, 200))
    record(recorder, 10, 40, "walking")
    recorder.begin("anna", "lying", START + 50 * SECOND)
    longest_s = LONGEST_NS / 1e9
    recorder = Recorder(tmp_path, Limits())
    assert finished(recorder, after_s=longest_s - 10) == []
    assert recorder.open_sessions()
    finished(recorder, after_s=longest_s + 10)
    (session,) = recorder.sessions("anna", 5)
    assert bouts(session) == [(10, 40, "walking"), (50, 50 + longest_s, "lying")]
    (path,) = finished(recorder, after_s=longest_s + 100)
    assert [entry.label for entry in read_annotations(path.with_suffix(".labels.csv")).entries] == ["walking", "lying"]


def test_a_new_session_begins_after_a_pause_or_a_button(recorder: Recorder, tmp_path: Path) -> None:
    pause_s = PAUSE_NS / 1e9
    log(tmp_path, samples(0, 300), samples(100 + pause_s, 400 + pause_s))
    record(recorder, 10, 40, "walking")
    record(recorder, 60, 100, "sitting")
    recorder.close("anna")
    record(recorder, 110, 120, "lying")
    record(recorder, 120 + pause_s, 150 + pause_s, "walking")
    found = recorder.sessions("anna", 5)
    assert [bouts(session) for session in reversed(found)] == [
        [(10, 40, "walking"), (60, 100, "sitting")],
        [(110, 120, "lying")],
        [(120 + pause_s, 150 + pause_s, "walking")],
    ]
    recordings = [harken.read(path) for path in made(recorder)]
    assert len(recordings) == 3
    times = np.concatenate([recording.time_ns for recording in recordings])
    assert (np.diff(times) > 0).all()  # no sample is in two recordings
    assert times[0] == START
    assert recordings[1].time_ns[-1] == START + 120 * SECOND + MARGIN_NS


def test_a_clock_that_was_set_back_begins_a_new_session(recorder: Recorder) -> None:
    record(recorder, 400, 440, "walking")
    record(recorder, 140, 180, "walking")
    assert [bouts(session) for session in recorder.sessions("anna", 5)] == [
        [(140, 180, "walking")],
        [(400, 440, "walking")],
    ]
    record(recorder, 178, 190, "sitting")  # the estimate of the clock differs by a moment
    assert bouts(recorder.sessions("anna", 1)[0]) == [(140, 180, "walking"), (180, 190, "sitting")]


def test_what_is_discarded_may_be_all(recorder: Recorder, tmp_path: Path) -> None:
    recorder.begin("anna", "walking", START)
    assert recorder.end("anna", START - SECOND) is None
    assert recorder.sessions("anna", 5) == []
    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_session_whose_bouts_are_deleted_leaves_no_file(recorder: Recorder, tmp_path: Path) -> None:
    log(tmp_path, samples(0, 200))
    record(recorder, 10, 40, "walking")
    (session,) = recorder.sessions("anna", 5)
    with pytest.raises(RefusedError, match="no such bout"):
        recorder.delete(session.name, (START + 11 * SECOND) // 10**6)
    recorder.delete(session.name, (START + 10 * SECOND) // 10**6)
    assert list((tmp_path / "sessions").iterdir()) == []
    assert Recorder(tmp_path, Limits()).sessions("anna", 5) == []
    assert made(recorder) == []
    with pytest.raises(RefusedError, match="no such session"):
        recorder.delete(session.name, 0)


def test_an_open_bout_is_deleted_and_the_others_stay(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    name = recorder.begin("anna", "sitting", START + 50 * SECOND).name
    recorder.delete(name, (START + 50 * SECOND) // 10**6)
    for each in (recorder, Recorder(tmp_path, Limits())):
        (session,) = each.sessions("anna", 5)
        assert (bouts(session), session.open) == ([(10, 40, "walking")], None)


def test_several_watches_record_at_once(recorder: Recorder) -> None:
    watches = [f"watch {number}" for number in range(8)]

    def one(watch: str) -> None:
        for number in range(10):
            record(recorder, 10 * number, 10 * number + 8, f"label {number}", watch)

    threads = [threading.Thread(target=one, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for watch in watches:
        (session,) = recorder.sessions(watch, 5)
        assert bouts(session) == [(10 * n, 10 * n + 8, f"label {n}") for n in range(10)]


def test_what_cannot_be_is_refused(recorder: Recorder, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="nothing is being recorded"):
        recorder.end("anna", START)
    recorder.begin("anna", "walking", START)
    for step in (lambda: recorder.begin("anna", "lying", START + SECOND), lambda: recorder.close("anna")):
        with pytest.raises(RefusedError, match="walking is being recorded with this watch; stop it first"):
            step()
    few = Recorder(tmp_path, replace(Limits(), recorded_sessions=1, recorded_bouts=1))
    few.end("anna", START + SECOND)
    with pytest.raises(RefusedError, match="1 bouts; finish it and begin another one"):
        few.begin("anna", "lying", START + SECOND)
    with pytest.raises(RefusedError, match="1 recorded sessions; move old ones"):
        few.begin("ben", "lying", START)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harken.web.record.session_files.append_lines", refuse)


def test_a_full_disk_is_said_and_changes_nothing(
    recorder: Recorder, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    log(tmp_path, samples(0, 100))
    recorder.begin("anna", "walking", START)
    request.getfixturevalue("full_disk")
    with pytest.raises(RefusedError, match="No space left on device") as refused:
        recorder.end("anna", START + SECOND)
    assert refused.value.status == 507
    (session,) = recorder.sessions("anna", 5)
    assert session.open is not None
    assert Recorder(tmp_path, Limits()).sessions("anna", 5) == [session]


def _fail(*_: object, **__: object) -> None:
    raise OSError(28, "No space left")


def test_a_recording_that_cannot_be_written_says_why_and_is_written_later(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(tmp_path, samples(0, 100))
    record(recorder, 10, 40, "walking")
    with monkeypatch.context() as patch:
        patch.setattr("polars.DataFrame.write_parquet", _fail)
        assert made(recorder) == []
        (session,) = recorder.sessions("anna", 5)
        assert recorder.trouble(session.name) == "the recording could not be written (No space left)"
    assert finished(recorder) == []  # it is not tried again at once
    assert len(finished(recorder, after_s=2 * RETRY_S)) == 1
    assert recorder.trouble(session.name) is None


@given(watches=st.lists(st.text(min_size=1, max_size=128), min_size=1, max_size=8))
def test_names_of_files_are_safe_and_differ(watches: list[str]) -> None:
    taken: set[str] = set()
    for watch in watches:
        name = session_name(watch, START, taken)
        assert name.isascii()
        assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        assert len(name) <= 80
        assert name.lower() not in {other.lower() for other in taken}
        taken.add(name)


def test_sessions_that_are_something_else_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Recorder(tmp_path, Limits()).begin("anna", "walking", START)
    (tmp_path / "sessions" / "other.json").write_text('{"name": "../x"}')
    (tmp_path / "sessions" / "folder.log").mkdir()
    (tmp_path / "sessions" / "text.log").write_text("lying\n")
    with caplog.at_level("WARNING", "uvicorn.error"):
        assert len(Recorder(tmp_path, Limits()).sessions("anna", 5)) == 1
    assert "other.json is not a recorded session" in caplog.text
    assert "folder.log is not a recorded session" in caplog.text
    assert "text.log, line 1: this step is damaged, and left out" in caplog.text


def test_a_step_that_a_kill_has_cut_short_is_not_taken_and_the_next_one_is_whole(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Limits())
    record(recorder, 10, 40, "walking")
    (path,) = (tmp_path / "sessions").iterdir()
    whole = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(whole + b'{"step":"begin","at_s":1750000000.0,"start_ns":1750000060000000000}'[:cut])
        again = Recorder(tmp_path, Limits())
        record(again, 60, 100, "sitting")
        for each in (again, Recorder(tmp_path, Limits())):
            (session,) = each.sessions("anna", 5)
            assert bouts(session) == [(10, 40, "walking"), (60, 100, "sitting")]


def test_a_damaged_step_costs_no_other_bout(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Limits())
    for start_s in (10, 50, 90):
        record(recorder, start_s, start_s + 30, "walking")
    (path,) = (tmp_path / "sessions").iterdir()
    lines = path.read_bytes().splitlines()
    lines[3] = lines[3].replace(b'"start_ns"', b'"\xff\x00"')
    path.write_bytes(b"\n".join(lines) + b"\n")
    (session,) = Recorder(tmp_path, Limits()).sessions("anna", 5)
    assert bouts(session) == [(10, 40, "walking"), (90, 120, "walking")]
