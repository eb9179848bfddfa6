"""A session is finished once: its recording waits for samples, and its labels then belong to annotate."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from edited_labels import save
from harken.annotations.formats import read_annotations
from harken.web.limits import Limits, RefusedError
from harken.web.record.recorder import LONG_PATIENCE_S, PATIENCE_S, WAIT_S, Recorder
from harken.web.record.session import Closed
from harken.web.record.session_files import SessionFiles
from harken.web.sample_log import log_files
from recorded_bouts import SECOND, START, annotate, bouts, finished, labels_in, log, made, record, samples


class Killed(BaseException):
    """In place of ``kill -9``."""


def test_labels_of_a_finished_session_belong_to_annotate(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    record(recorder, 60, 100, "sitting")
    (path,) = made(recorder)
    labels = annotate(path)
    rows = labels.as_json()["intervals"]
    save(labels, [rows[0] | {"label": "running", "note": "with the dog"}])
    log(tmp_path, samples(200, 300))  # late
    before = (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes())
    again = Recorder(tmp_path, Limits())
    for each in (recorder, again):
        receive(each, 200, 300)
        assert finished(each, after_s=3600) == [path]
        assert (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes()) == before
        with pytest.raises(RefusedError, match="this session is finished; change its labels with harken annotate"):
            each.delete(path.stem, (START + 10 * SECOND) // 10**6)


def receive(recorder: Recorder, first_s: float, last_s: float) -> None:
    """Tell a recorder that samples have come which are in the log."""

    async def arrive() -> None:
        written = asyncio.get_running_loop().create_future()
        recorder.received("anna", samples(first_s, last_s)[2], written)
        written.set_result(None)
        await asyncio.sleep(0)

    asyncio.run(arrive())


def test_a_recording_waits_for_its_last_samples(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 150, 220, "walking")  # the samples end at 200 s
    assert made(recorder) == []
    log(tmp_path, samples(200, 230))
    assert finished(recorder, after_s=2 * WAIT_S) == []  # nobody has said that they are there
    receive(recorder, 200, 230)
    (path,) = finished(recorder, after_s=2 * WAIT_S)
    assert harken.read(path).time_ns[-1] == samples(200, 230)[2][-1]
    (entry,) = read_annotations(path.with_suffix(".labels.csv")).entries
    assert entry.end is not None
    assert entry.end.ns == START + 220 * SECOND


def test_without_its_last_samples_a_recording_has_the_others(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 150, 220, "walking")
    record(recorder, 230, 260, "lying")
    assert made(recorder) == []
    again = Recorder(tmp_path, Limits())
    assert finished(again, after_s=PATIENCE_S - 5) == []
    assert finished(again, after_s=PATIENCE_S + 5) == []  # the watch is away, and a whole bout is missing
    assert finished(again, after_s=LONG_PATIENCE_S - 5) == []
    (path,) = finished(again, after_s=LONG_PATIENCE_S + 5)
    assert again.sessions("anna", 1)[0].left_out == 1
    assert Recorder(tmp_path, Limits()).sessions("anna", 1)[0].left_out == 1
    assert harken.read(path).time_ns[-1] == samples(0, 200)[2][-1]
    (entry,) = read_annotations(path.with_suffix(".labels.csv")).entries
    assert entry.end is not None
    assert 0 < entry.end.ns - samples(0, 200)[2][-1] <= 10**6
    # The log has what was recorded.
    assert bouts(again.sessions("anna", 1)[0]) == [(150, 220, "walking"), (230, 260, "lying")]


def test_a_recording_without_samples_is_made_when_they_come(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 1000, 1040, "walking")
    assert made(recorder) == []
    assert finished(recorder, after_s=PATIENCE_S + 5) == []
    log(tmp_path, samples(900, 1100))
    receive(recorder, 900, 1100)
    assert [labels_in(path) for path in finished(recorder, after_s=PATIENCE_S + 10)] == [["walking"]]
    assert recorder.trouble(recorder.sessions("anna", 1)[0].name) is None


@pytest.mark.parametrize("step", ["write_labels", "write_recording", "append"])
@pytest.mark.parametrize("done", [False, True])
def test_a_kill_while_a_recording_is_made_leaves_it_to_the_next_start(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, step: str, done: bool
) -> None:
    record(recorder, 10, 40, "walking")
    record(recorder, 60, 100, "sitting")
    recorder.close("anna")
    real = getattr(SessionFiles, step)

    def kill(*arguments: object) -> None:
        if done:
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SessionFiles, step, kill)
        with pytest.raises(Killed):
            finished(recorder)
    paths = list((tmp_path / "recordings").glob("*.parquet"))
    if paths:  # annotate may have it from now on
        labels = annotate(paths[0])
        save(labels, [row | {"label": "running"} for row in labels.as_json()["intervals"]])
    (path,) = finished(Recorder(tmp_path, Limits()))
    assert labels_in(path) == (["running", "running"] if paths else ["walking", "sitting"])
    assert len(harken.read(path)) == 25 * (60 + 90 + 60) + 1
    assert sorted(file.name for file in path.parent.iterdir()) == [f"{path.stem}.labels.csv", path.name]


STEPS = ("record", "record", "begin", "end", "delete", "close", "restart")
EXPECTED = list[tuple[float, float, str]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.booleans()), min_size=4, max_size=20))
def test_whatever_happens_in_any_order_each_acknowledged_bout_is_in_one_recording(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bool]]
) -> None:
    """Bouts begin, end and are deleted, and the server is killed before or after a step is on the disk."""
    folder = tmp_path_factory.mktemp("kept")
    log(folder, samples(0, 1000))
    recorder = Recorder(folder, Limits())
    expected: EXPECTED = []
    closed: EXPECTED = []
    opened: tuple[float, str] | None = None
    for number, (step, choice, killed) in enumerate(steps, 1):
        second = 20.0 * number
        if step in ("record", "begin") and opened is None:
            recorder.begin("anna", f"label {choice}", START + int(second) * SECOND)
            opened = second, f"label {choice}"
            second += 15
        if step in ("record", "end") and opened is not None:
            if attempt(partial(recorder.end, "anna", START + int(second) * SECOND), killed=killed):
                expected.append((opened[0], second, opened[1]))
                opened = None
        elif step == "delete" and expected:
            bout = expected[choice % len(expected)]
            name = recorder.sessions("anna", 1)[0].name
            if attempt(partial(recorder.delete, name, (START + int(bout[0]) * SECOND) // 10**6), killed=killed):
                expected.remove(bout)
        elif step == "close" and opened is None and attempt(partial(recorder.close, "anna"), killed=killed):
            closed += expected
            expected = []
        if killed or step == "restart":
            recorder = Recorder(folder, Limits())
    if opened is not None:
        recorder.end("anna", START + 900 * SECOND)
        expected.append((opened[0], 900, opened[1]))
    paths = made(recorder)
    assert all(recorder.trouble(session.name) is None for session in recorder.sessions("anna", 99))
    assert sorted(bout for path in paths for bout in labelled(path)) == sorted([*closed, *expected])
    times = [time for path in sorted(paths) for time in harken.read(path).time_ns.tolist()]
    assert len(set(times)) == len(times), "no sample is in two recordings"


def attempt(act: Callable[[], object], *, killed: bool) -> bool:
    """Do a step; with ``killed``, the server is killed just before it is written. Returns whether it was taken."""
    if not killed:
        act()
        return True
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(SessionFiles, "append", lambda *_: (_ for _ in ()).throw(Killed))
        patch.setattr(SessionFiles, "forget", lambda *_: (_ for _ in ()).throw(Killed))
        act()
    return False


def labelled(path: Path) -> EXPECTED:
    """The bouts in the file of labels beside a recording."""
    found: EXPECTED = []
    for entry in read_annotations(path.with_suffix(".labels.csv")).entries:
        assert entry.end is not None
        found.append(((entry.start.ns - START) / 1e9, (entry.end.ns - START) / 1e9, entry.label or ""))
    return found


def test_a_server_that_was_started_after_the_end_waits_for_samples(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 150, 220, "walking")  # the samples end at 200 s
    (session,) = recorder.sessions("anna", 1)
    recorder.files.append(session.name, Closed(time.time() - 3600))  # the power was away for an hour
    again = Recorder(tmp_path, Limits())
    assert finished(again) == []
    log(tmp_path, samples(200, 230))
    receive(again, 200, 230)
    (path,) = finished(again, after_s=2 * WAIT_S)
    assert harken.read(path).time_ns[-1] == samples(200, 230)[2][-1]


def test_samples_are_found_after_the_clock_of_the_server_was_set_back(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    before_s = time.time() - 3600
    for path in log_files(tmp_path):
        os.utime(path, (before_s, before_s))  # as if they were written after the clock was set back by an hour
    assert made(recorder) == []
    (path,) = finished(recorder, after_s=PATIENCE_S + 5)
    assert labels_in(path) == ["walking"]
