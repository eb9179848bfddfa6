"""Labels while they are edited: what is read, what is written, and what is refused with which sentence."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from annotating_server import annotating, put
from edited_labels import FIRST_MS, SPAN, START_NS, Labels, opened, row, save
from harken.annotations.labelled_files import with_labels
from harken.annotations.store import LabelStore
from harken.annotations.table import why_not_kept
from harken.support.aside import lock_file
from harken.support.errors import HarkenError
from harken.web.annotate.recording import restored_ns
from harken.web.limits import RefusedError
from harken.web.record.session import checked_label

EDGES = st.lists(st.integers(0, 3600 * 10**9), min_size=2, max_size=12, unique=True).map(sorted)
NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20)


def test_without_a_file_the_label_column_counts(tmp_path: Path) -> None:
    labels = opened(tmp_path)
    assert [(each["start_ms"] - FIRST_MS, each["label"]) for each in labels.as_json()["intervals"]] == [
        (0, "lying"),
        (7000, "sitting"),
    ]
    assert labels.stored.read_only is None
    assert not labels.path.exists()


def test_a_file_without_rows_beats_the_label_column(tmp_path: Path) -> None:
    labels = opened(tmp_path)
    save(labels, [])
    assert labels.path.read_text() == "start,end,label\n"
    assert opened(tmp_path).as_json()["intervals"] == []
    labels.path.unlink()
    assert labels.follow()
    assert labels.intervals.labels == ("lying", "sitting")


def test_an_export_gives_its_labels_and_is_not_written(tmp_path: Path) -> None:
    (folder := tmp_path / "export").mkdir()
    note_ns = (START_NS + 10**9) // 1000 * 1000
    content = f"time,seconds_elapsed,text,millisecond_press_duration\n{note_ns},1,walking,9\n"
    (folder / "Annotation.csv").write_text(content)
    store = LabelStore(folder, SPAN, "anna")
    labels = Labels(store, SPAN)
    assert labels.intervals.labels == ("walking",)
    assert labels.stored.read_only is None
    save(labels, [row(1, 2, "standing")])
    assert (tmp_path / "export.labels.csv").exists()
    assert (folder / "Annotation.csv").read_text() == content
    assert Labels(store, SPAN).intervals.labels == ("standing",)


@settings(max_examples=100)
@given(EDGES, st.data())
def test_labels_that_are_saved_unchanged_stay_the_same_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory, edges: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    lines = [
        f"{_iso(START_NS + start)},{_iso(START_NS + end)},{'lying' if number % 2 else 'walking'}"
        for number, (start, end) in enumerate(pairwise(edges))
        if data.draw(st.booleans())
    ]
    labels = opened(folder, "\n".join(["start,end,label", *lines, ""]))
    before = labels.intervals
    assert len(before) == len(lines)
    sent = labels.as_json()
    save(labels, sent["intervals"])
    again = opened(folder)
    for one in (labels.intervals, again.intervals):
        assert one.start_ns.tolist() == before.start_ns.tolist()
        assert one.end_ns.tolist() == before.end_ns.tolist()
        assert one.labels == before.labels


def _iso(time_ns: int) -> str:
    return f"{np.datetime64(time_ns, 'ns')}Z"


@settings(max_examples=100)
@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=6))
def test_labels_and_notes_survive_saving(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]
) -> None:
    labels = opened(tmp_path_factory.mktemp("labels"))
    rows = [row(number, number + 0.5, label, note) for number, (label, note) in enumerate(texts)]
    try:
        save(labels, rows)
    except HarkenError:
        assert any(why_not_kept(label.strip()) for label, _ in texts)
        return
    for one in (labels, opened(labels.path.parent)):
        assert one.stored.read_only is None
        found = one.as_json()["intervals"]
        assert [each["label"] for each in found] == [label.strip() for label, _ in texts]
        assert [each["note"] for each in found] == [" ".join(note.split()) for _, note in texts]
        assert [each["start_ms"] for each in found] == [each["start_ms"] for each in rows]


@pytest.mark.parametrize("label", ["stop", "End", "null", "None", "", "#", "l" * 200, "l" * 201, "a\tb"])
def test_annotate_and_the_live_recorder_take_the_same_labels(tmp_path: Path, label: str) -> None:
    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    rows = [row(0, 1), row(1, 2, label), row(5, 6)]
    try:
        assert checked_label(label) == label
    except RefusedError:
        with pytest.raises(HarkenError, match="interval 2: "):
            save(labels, rows)
    else:
        save(labels, rows)
        found = opened(tmp_path).as_json()["intervals"]
        assert [(one["start_ms"], one["end_ms"], one["label"]) for one in found] == [
            (one["start_ms"], one["end_ms"], one["label"]) for one in rows
        ]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(5, 6), row(1, 2)], "interval 2 ends before it begins, or overlaps the interval before it"),
        ([row(1, 3), row(2, 4)], "interval 2 ends before it begins, or overlaps the interval before it"),
        ([row(3, 2)], "interval 1 ends before it begins, or overlaps"),
        ([row(2, 2)], "anna.labels.csv, line 2: the interval has no length"),
        ([row(-1, 2)], "interval 1 lies outside the recording"),
        ([row(1, 3601)], "interval 1 lies outside the recording"),
        ([row(1, 2, " ")], "interval 1: '' cannot be a label"),
        ([row(1, 2), row(2, 3, "n/a")], "interval 2: 'n/a' cannot be a label"),
        ([row(1, 2, "a\nb")], "interval 1: the label 'a\\nb' contains a line end or another control character"),
        ([row(1, 2, "a" * 201)], "interval 1: the label has 201 characters; the most are 200"),
        ([row(1, 2, note="a\nb")], "matching regex"),
        ([row(1, 2, note="a" * 1001)], "length <= 1000 - at `$[0].note`"),
        ([row(number, number + 1, f"label {number}") for number in range(1001)], "1,001 different labels"),
    ],
)
def test_what_is_not_valid_is_refused_and_nothing_is_written(tmp_path: Path, rows: list[Any], sentence: str) -> None:
    labels = opened(tmp_path)
    before = labels.as_json()
    with pytest.raises((HarkenError, msgspec.ValidationError)) as refused:
        save(labels, rows)
    assert sentence in str(refused.value)
    assert labels.as_json() == before
    assert list(tmp_path.iterdir()) == []


def test_too_many_intervals_are_refused(tmp_path: Path) -> None:
    labels = opened(tmp_path)
    with pytest.raises(HarkenError, match="a file of labels has at most 99,999 intervals, got 100,000"):
        save(labels, [row(0, 1)] * 100_000)


def test_the_whole_recording_can_be_labelled(tmp_path: Path) -> None:
    labels = opened(tmp_path)
    end_ms = -(-(SPAN.end_ns + 1) // 10**6)
    save(labels, [{"start_ms": FIRST_MS, "end_ms": end_ms, "label": "lying", "note": ""}])
    assert (int(labels.intervals.start_ns[0]), int(labels.intervals.end_ns[0])) == (SPAN.start_ns, SPAN.end_ns + 1)
    save(labels, labels.as_json()["intervals"])
    assert int(labels.intervals.end_ns[0]) == SPAN.end_ns + 1


def test_labels_of_local_times_keep_their_places_when_the_zone_is_given_later(tmp_path: Path) -> None:
    start = datetime(2024, 3, 9, 10, 0)
    rows = [f"{start + timedelta(seconds=second / 20)},0.1,{second % 7 / 10},9.8" for second in range(20 * 120)]
    (path := tmp_path / "anna.csv").write_text("\n".join(["time,x,y,z", *rows, ""]))
    start_ms = round(start.replace(tzinfo=UTC).timestamp() * 1000)
    one: dict[str, Any]
    one = {"start_ms": start_ms + 30_000, "end_ms": start_ms + 60_000, "label": "lying", "note": ""}
    with annotating(path) as served:
        assert put(served, [one]).status == 200
    for zone in (None, "Europe/Athens", "America/New_York"):
        recording = with_labels(harken.read(path, timezone=zone), tmp_path / "anna.labels.csv")
        labelled = np.flatnonzero(recording.label_codes >= 0)
        assert labelled.tolist() == list(range(600, 1200)), zone
        assert not any("anna.labels.csv" in note for note in recording.quality.notes)
    with annotating(path, reading=harken.TableOptions(timezone="Europe/Athens")) as served:
        (found,) = served.ask("/api/recordings/0/labels").json["intervals"]
        assert found["start_ms"] == one["start_ms"] - 7_200_000
        assert put(served, [found]).status == 200
    assert "2024-03-09T10:00:30+02:00" in (tmp_path / "anna.labels.csv").read_text()
    with annotating(path) as served:
        refused = put(served, [one])
        assert refused.status == 423
        assert "has times with a zone, and the recording has none; add --timezone ZONE" in refused.json["error"]


def test_labels_are_saved_where_a_link_leads(tmp_path: Path) -> None:
    (store := tmp_path / "store").mkdir()
    (store / "anna.csv").write_text("start,end,label\n0,1,lying\n")
    (tmp_path / "anna.labels.csv").symlink_to("store/anna.csv")
    labels = opened(tmp_path)
    save(labels, [row(1, 2, "sitting")])
    assert not labels.follow()
    assert labels.path.is_symlink()
    assert opened(store.parent).intervals.labels == ("sitting",)
    assert "sitting" in (store / "anna.csv").read_text()
    store.rename(tmp_path / "away")
    assert (
        opened(tmp_path).stored.read_only
        == f"the folder {store} cannot be written, so labels cannot be saved beside the recording"
    )


def test_a_file_that_another_harken_keeps_locked_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harken.annotations.store.LONGEST_S", 0.1)
    labels = opened(tmp_path, "start,end,label\n")
    lock = lock_file(tmp_path / ".anna.labels.csv.harken.lock")
    with pytest.raises(TimeoutError, match=r"another harken has locked anna\.labels\.csv"):
        save(labels, [row(1, 2)])
    lock.release()
    save(labels, [row(1, 2)])


def test_a_file_that_cannot_be_read_now_changes_nothing_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    before = labels.stored
    labels.path.write_text("start,end,label\n0,1,lying\n# a remark\n5,6,walking\n")

    def away(path: Path, *_: Any, **__: Any) -> os.stat_result:
        raise OSError(5, "Input/output error", str(path))

    for act in (labels.follow, lambda: save(labels, [row(1, 2)])):
        monkeypatch.setattr(Path, "stat", away)
        with pytest.raises(OSError, match="Input/output error"):
            act()
        monkeypatch.undo()
        assert labels.stored is before
    assert labels.follow()
    assert labels.intervals.labels == ("lying", "walking")


def test_labels_are_on_the_disk_and_their_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").resolve().name)
        real(handle)

    labels = opened(tmp_path)
    monkeypatch.setattr(os, "fsync", fsync)
    save(labels, [row(1, 2)])
    assert len(synced) == 2
    assert synced[0] == "new.csv"
    assert synced[1] == tmp_path.name


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 20_000_000), max_size=8).map(sorted),
    st.lists(st.integers(0, 20), max_size=8).map(sorted),
)
def test_edges_keep_their_order_and_their_millisecond(known: list[int], edges: list[int]) -> None:
    found = restored_ns(np.array(edges, np.int64), np.array(known, np.int64))
    assert (found // 10**6).tolist() == edges
    assert (np.diff(found) >= 0).all()
    for edge, ns in zip(edges, found.tolist(), strict=True):
        assert ns in known or not any(each // 10**6 == edge for each in known)
    own = np.array([each // 10**6 for each in known], np.int64)
    assert restored_ns(own, np.array(known, np.int64)).tolist() == known
