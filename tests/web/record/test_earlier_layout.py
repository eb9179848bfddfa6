"""Sessions that the version before has left: ``sessions/NAME.json``, beside recordings whose labels may lack bouts."""

import json
from pathlib import Path
from typing import Any

import pytest

import harken
from harken.support.errors import HarkenError
from harken.web.limits import Limits
from harken.web.record.recorder import Recorder
from harken.web.record.session import PAUSE_NS
from harken.web.record.session_files import SessionFiles
from recorded_bouts import SECOND, START, bouts, finished, labels_in, log, record, samples

NAME = "anna_20250615-150650"
PAUSE_S = PAUSE_NS / 1e9
LABELS = "start,end,label\n2025-06-15T15:06:50+00:00,2025-06-15T15:07:20+00:00,walking\n"
"""From 10 s to 40 s."""


def bout(start_s: int, end_s: int, label: str, cut: str | None = None) -> dict[str, Any]:
    """A pending bout of that version."""
    return {
        "start_ns": START + start_s * SECOND,
        "end_ns": START + end_s * SECOND,
        "label": label,
        "note": "",
        "cut": cut,
    }


def write_session(folder: Path, *pending: dict[str, Any], open_s: int | None = None, closed: bool = False) -> Path:
    """Write the JSON file of a session."""
    opened = None if open_s is None else {"start_ns": START + open_s * SECOND, "label": "running", "ahead_ns": 5}
    session = {"name": NAME, "watch": "anna", "since_s": 1.75e9, "pending": pending, "open": opened, "closed": closed}
    (folder / "sessions").mkdir(exist_ok=True)
    path = folder / "sessions" / f"{NAME}.json"
    path.write_text(json.dumps(session, indent=2))
    return path


def write_recording(folder: Path, labels: str | None = LABELS) -> Path:
    """Write a recording of a minute before to a minute after the first bout, with labels."""
    (folder / "before").mkdir()
    log(folder / "before", samples(-50, 100))
    recorder = Recorder(folder / "before", Limits())
    record(recorder, 10, 40, "walking")
    recorder.close("anna")
    (made,) = finished(recorder)
    (folder / "recordings").mkdir()
    path = made.rename(folder / "recordings" / f"{NAME}.parquet")
    if labels is not None:
        path.with_suffix(".labels.csv").write_text(labels)
    return path


def test_a_session_without_a_recording_goes_on_and_is_finished(tmp_path: Path) -> None:
    log(tmp_path, samples(-100, 200))
    state = write_session(tmp_path, bout(10, 40, "walking"), bout(60, 100, "sitting"), open_s=120)
    recorder = Recorder(tmp_path, Limits())
    assert not state.exists()
    (session,) = recorder.sessions("anna", 5)
    assert (session.name, bouts(session)) == (NAME, [(10, 40, "walking"), (60, 100, "sitting")])
    assert session.open is not None
    assert (session.open.start_ns, session.open.label, session.open.ahead_ns) == (START + 120 * SECOND, "running", 5)
    recorder.end("anna", START + 150 * SECOND)
    recorder.close("anna")
    (path,) = finished(Recorder(tmp_path, Limits()))
    assert labels_in(path) == ["walking", "sitting", "running"]


def test_a_recording_with_all_its_labels_stays_as_it_is(tmp_path: Path) -> None:
    log(tmp_path, samples(-100, 300))
    path = write_recording(tmp_path, LABELS.replace("label\n", "label,note\n").replace("walking", "stairs,two floors"))
    before = (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes())
    write_session(tmp_path)
    for recorder in (Recorder(tmp_path, Limits()), Recorder(tmp_path, Limits())):
        assert [bouts(session) for session in recorder.sessions("anna", 5)] == [[(10, 40, "stairs")]]
        assert finished(recorder, after_s=3600) == [path]
        assert (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes()) == before
        assert recorder.labels() == ["stairs"]
    record(recorder, 60, 100, "sitting")  # of another session
    assert [bouts(session) for session in recorder.sessions("anna", 5)] == [
        [(60, 100, "sitting")],
        [(10, 40, "stairs")],
    ]


@pytest.mark.parametrize(
    "pending",
    [
        [bout(100, 130, "sitting"), bout(140, 160, "lying")],
        [bout(20, 40, "walking"), bout(100, 130, "sitting"), bout(140, 160, "lying")],
    ],
    ids=["killed before labels were written", "killed after"],
)
def test_bouts_that_a_recording_lacks_get_one_of_their_own(tmp_path: Path, pending: list[dict[str, Any]]) -> None:
    log(tmp_path, samples(-100, 300))
    path = write_recording(tmp_path)
    before = (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes())
    write_session(tmp_path, *pending, closed=True)
    recorder = Recorder(tmp_path, Limits())
    finished(recorder, after_s=PAUSE_S)
    rest, first = finished(recorder, after_s=PAUSE_S + 60)
    assert (first, rest.stem) == (path, f"{NAME}-rest")
    assert (path.read_bytes(), path.with_suffix(".labels.csv").read_bytes()) == before
    assert labels_in(rest) == ["sitting", "lying"]
    times = [set(harken.read(each).time_ns.tolist()) for each in (first, rest)]
    assert not times[0] & times[1], "no sample is in two recordings"


@pytest.mark.parametrize("labels", ["start,end,label\nx,y,z\n", "start,end,label\n60,90,walking\n", None])
def test_labels_that_cannot_be_read_lose_no_bout(tmp_path: Path, labels: str | None) -> None:
    log(tmp_path, samples(-100, 300))
    path = write_recording(tmp_path, labels)
    write_session(tmp_path, bout(100, 140, "sitting", "start"))
    recorder = Recorder(tmp_path, Limits())
    finished(recorder, after_s=PAUSE_S)
    finished(recorder, after_s=PAUSE_S + 60)
    assert labels_in(path.with_name(f"{NAME}-rest.parquet")) == ["sitting"]
    assert labels is None or path.with_suffix(".labels.csv").read_text() == labels


@pytest.mark.parametrize("recording", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_kill_at_the_first_start_doubles_no_bout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, *, recording: bool
) -> None:
    log(tmp_path, samples(-100, 300))
    if recording:
        write_recording(tmp_path)
    write_session(tmp_path, bout(120, 140, "sitting"), open_s=200)
    real = SessionFiles.append
    left = [steps]

    def append(*arguments: Any) -> None:
        if left[0] == 0:
            raise HarkenError("killed")
        left[0] -= 1
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SessionFiles, "append", append)
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
        Recorder(tmp_path, Limits())
    recorder = Recorder(tmp_path, Limits())
    latest, *others = recorder.sessions("anna", 5)
    assert bouts(latest) == [(120, 140, "sitting")]
    assert latest.open is not None
    assert [bouts(session) for session in others] == ([[(10, 40, "walking")]] if recording else [])
    assert list((tmp_path / "sessions").glob("*.json")) == []


def test_a_full_disk_keeps_the_session_of_the_version_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(tmp_path, samples(-100, 200))
    state = write_session(tmp_path, bout(10, 40, "walking"))

    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("harken.web.record.session_files.write_bytes", fill)
        assert Recorder(tmp_path, Limits()).sessions("anna", 5) == []
    assert state.exists()
    (session,) = Recorder(tmp_path, Limits()).sessions("anna", 5)
    assert bouts(session) == [(10, 40, "walking")]
    assert not state.exists()
