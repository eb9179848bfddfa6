"""Another program, such as annotate or a text editor, changes the file of labels of a recorded session."""

from pathlib import Path

import pytest

import harken
from harken.annotating.labels import Labels
from harken.annotations.moments import Span
from harken.annotations.registry import read_annotations
from harken.server.limits import Limits
from harken.server.recorded.recorder import Recorder
from recorded_bouts import SECOND, START, bouts, log, record, samples


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    log(tmp_path, samples(-100, 200))
    return Recorder(tmp_path, Limits())


def annotate(path: Path) -> Labels:
    """The labels of a recording as annotate opens them."""
    recording = harken.read(path)
    times = Span(int(recording.time_ns[0]), int(recording.time_ns[-1]), recording.timezone)
    return Labels(path, times, recording.subject, [], zone_known=False)


def labels_in(path: Path) -> list[str]:
    """The labels in the file beside a recording."""
    return [entry.label for entry in read_annotations(path.with_suffix(".labels.csv")).entries]


def test_a_bout_that_annotate_has_deleted_stays_deleted(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    recorder.labelled_files()
    record(recorder, 60, 100, "sitting")
    (path,) = recorder.labelled_files()
    labels = annotate(path)
    # The file is then, to the byte, the one that the server had written after the first bout.
    labels.save(labels.revision, labels.as_json()["intervals"][:1])
    assert [bouts(session) for session in recorder.sessions("anna", 5)] == [[(10, 40, "walking")]]
    assert Recorder(tmp_path, Limits()).labelled_files() == [path]
    assert labels_in(path) == ["walking"]
    record(recorder, 120, 130, "lying")
    assert recorder.labelled_files() == [path]
    assert labels_in(path) == ["walking", "lying"]


@pytest.mark.parametrize("kept", [1, 0])
def test_what_annotate_saves_while_the_recording_is_made_again_is_kept(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = recorder.labelled_files()
    labels = annotate(path)
    rows = [row | {"label": "running"} for row in labels.as_json()["intervals"]][:kept]
    if not kept:  # the server is about to remove both files, because there is no bout left
        labels.save(labels.revision, [])
        rows = [{"start_ms": START // 10**6, "end_ms": (START + SECOND) // 10**6, "label": "running", "note": ""}]
    saved: list[int] = []

    def save_first(at: Path, content: bytes) -> None:
        if not saved:
            saved.append(labels.revision)
            labels.save(labels.revision, rows)
        at.write_bytes(content)

    monkeypatch.setattr("harken.server.recorded.files.write_bytes", save_first)
    again = Recorder(tmp_path, Limits())
    assert again.labelled_files() == [path]
    assert saved
    assert labels_in(path) == ["running"]
    assert [bout[2] for bout in bouts(again.sessions("anna", 1)[0])] == ["running"]
    assert [bout[2] for bout in bouts(Recorder(tmp_path, Limits()).sessions("anna", 1)[0])] == ["running"]


def test_a_full_disk_after_the_labels_were_written_loses_no_bout(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of labels ends where the samples end. Read back as a change, it would cut the bout for good."""
    record(recorder, 190, 300, "walking")
    written: list[Path] = []

    def fill(at: Path, content: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(at)
        at.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr("harken.server.recorded.files.write_bytes", fill)
        (path,) = recorder.labelled_files()
        assert recorder.trouble(path.stem) == "the recording could not be written (No space left on device)"
    for one in (recorder, Recorder(tmp_path, Limits())):
        assert bouts(one.sessions("anna", 1)[0]) == [(190, 300, "walking")]
    log(tmp_path, samples(200, 310))
    assert recorder.labelled_files() == [path]
    assert recorder.trouble(path.stem) is None
    (entry,) = read_annotations(path.with_suffix(".labels.csv")).entries
    assert entry.end is not None
    assert entry.end.ns == START + 300 * SECOND
