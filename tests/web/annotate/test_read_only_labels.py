"""Files of labels that are kept before they are replaced, and those that are only shown, with the sentence why."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edited_labels import SPAN, START_NS, Labels, opened, row, save
from harken.annotations.bouts import Annotations
from harken.annotations.folders import recordings_in
from harken.annotations.store import LabelStore, ReadOnlyLabelsError
from harken.web.learn import labelled_in

TIMES = "2023-11-15T00:14:20+02:00,2023-11-15T00:14:25+02:00"


def test_labels_of_a_column_that_a_file_cannot_hold_are_read_only_at_once(tmp_path: Path) -> None:
    column = [(START_NS, START_NS + 10**9, "None"), (START_NS + 10**9, START_NS + 2 * 10**9, "stop")]
    labels = Labels(LabelStore(tmp_path / "anna.csv", SPAN, "anna", column=column), SPAN)
    assert labels.intervals.labels == ("None", "stop")
    assert labels.stored.read_only == (
        "anna.csv has a label that anna.labels.csv cannot hold ('None' cannot be a label: in a file of labels it means "
        "that there is none); it is shown, and not changed. To label here, rename it there, or begin without labels: "
        "write anna.labels.csv with the one line start,end,label"
    )
    labels.path.write_text("start,end,label\n")
    assert labels.follow()
    assert labels.stored.read_only is None
    assert LabelStore(tmp_path / "ben.csv", SPAN, "ben", column=column[1:]).load().read_only is None


ODD = {
    "label track of Audacity": "0.5\t2\tlying\n",
    "subject": "subject,start,end,label\nanna,1,2,lying\nben,3,4,sitting\n",
    "file": "anna.csv,1,2,lying\nben.csv,1,2,sitting\n",
    "unknown column": f"start,end,label,rater\n{TIMES},lying,bob\n",
    "remark": f"# by bob\nstart,end,label\n{TIMES},lying\n",
    "field beyond the last column": f"start,end,label\n{TIMES},lying,sofa\n",
    "note without a label": "time,label,note\n1,lying,\n9,end,charged\n",
    "points at one time": "time,label\n1,sitting\n1,lying\n",
    "long note": f"start,end,label,note\n{TIMES},lying,{'x' * 1001}\n",
    "note with a line end": f'start,end,label,note\n{TIMES},lying,"a\nb"\n',
    "semicolons and a mark of UTF-8": "\ufeffstart;end;label\n1;2;lying\n",
    "row without a label": f"start,end,label\n{TIMES},lying\n{TIMES.replace('00:14', '00:15')},NA\n",
}


@pytest.mark.parametrize("kind", ODD)
def test_a_file_that_harken_did_not_write_is_copied_before_it_is_replaced(tmp_path: Path, kind: str) -> None:
    labels = opened(tmp_path, ODD[kind])
    labels.path.chmod(0o640)
    labels.follow()
    assert labels.stored.read_only is None
    assert labels.intervals.labels == ("lying",)
    original = tmp_path / "anna.labels.csv.orig"
    assert not original.exists()
    save(labels, [row(1, 2, "walking")])
    assert (original.read_text(encoding="utf-8"), original.stat().st_mode & 0o777) == (ODD[kind], 0o640)
    assert opened(tmp_path).intervals.labels == ("walking",)
    again = "# again\nstart,end,label\n"
    for content in (again, ODD[kind], again):
        labels.path.write_text(content, encoding="utf-8")
        labels.follow()
        save(labels, [])
    assert original.read_text(encoding="utf-8") == ODD[kind]
    assert (tmp_path / "anna.labels.csv.orig2").read_text() == again
    assert not (tmp_path / "anna.labels.csv.orig3").exists(), "a copy with the same content is there already"
    for name in ("anna.csv", "ben.csv"):
        (tmp_path / name).write_text("")
    found = recordings_in(tmp_path)
    assert ([path.name for path in found.files], found.notes) == (["anna.csv", "ben.csv"], [])
    assert [file.path.name for file in labelled_in(tmp_path)] == ["anna.csv"]


@pytest.mark.parametrize(
    ("start", "copied"),
    [
        ("2023-11-15T00:14:20", False),
        ("2023-11-15T00:14:20+02:00", False),
        ("2023-11-14T18:44:20.123456789-03:30", False),
        ("2023-11-14T22:14:20Z", True),
    ],
)
def test_a_file_that_harken_wrote_is_replaced_without_a_copy(tmp_path: Path, start: str, *, copied: bool) -> None:
    labels = opened(tmp_path, f'start,end,label,note\n{start},{start.replace(":20", ":25")},"lying, still",\n')
    for rows in ([row(1, 2, note="with dog")], [row(2, 3)], []):
        save(labels, rows)
    assert (tmp_path / "anna.labels.csv.orig").exists() == copied


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("start,end,label\n1,x,lying\n", "line 2: the end 'x' is not a time"),
        ("start,end,label\n5000,6000,lying\n", "All labels lie inside with -3600 in a column offset_s"),
        ("start,end,label\n3500,6000,lying\n", "Shift a clock that was wrong with seconds in a column offset_s"),
        ("\0", "it contains zero bytes"),
    ],
)
def test_a_damaged_file_is_not_replaced(tmp_path: Path, content: str, sentence: str) -> None:
    labels = opened(tmp_path, content)
    assert sentence in (labels.stored.read_only or "")
    with pytest.raises(ReadOnlyLabelsError):
        save(labels, [row(1, 2)])
    assert labels.path.read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["anna.labels.csv"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Path.mkdir, "anna.labels.csv: the labels cannot be read (Is a directory). Correct or remove that file"),
        (lambda path: os.mkfifo(path), "anna.labels.csv: this is not a regular file"),
    ],
)
def test_what_is_no_file_of_labels_is_told_and_the_recording_is_shown(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    make(tmp_path / "anna.labels.csv")
    labels = opened(tmp_path)
    assert sentence in (labels.stored.read_only or "")
    with pytest.raises(ReadOnlyLabelsError):
        save(labels, [row(1, 2)])


def test_a_file_of_labels_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "anna.labels.csv":  # the superuser may read everything
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **named)

    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    labels.path.chmod(0o000)
    monkeypatch.setattr(Path, "open", refuse)
    assert labels.follow()
    assert "the labels cannot be read (Permission denied)" in (labels.stored.read_only or "")


def test_a_link_to_a_file_for_other_recordings_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(ODD["subject"])
    (tmp_path / "anna.labels.csv").symlink_to("all.csv")
    labels = opened(tmp_path)
    assert labels.intervals.labels == ("lying",)
    assert (labels.stored.read_only or "").startswith("anna.labels.csv leads to a file with a column for the subject")


def test_local_times_are_only_replaced_when_the_zone_is_known(tmp_path: Path) -> None:
    content = "start,end,label\n2023-11-15 00:20,2023-11-15 00:30,lying\n"  # 22:20 UTC
    labels = opened(tmp_path, content, zone_known=False)
    sentence = "anna.labels.csv has times without a zone; add --timezone ZONE, such as Europe/Athens, to label here"
    assert labels.stored.read_only == sentence
    labels = opened(tmp_path, zone_known=True)
    assert labels.stored.read_only is None
    save(labels, labels.as_json()["intervals"])
    assert labels.path.read_text().splitlines()[1] == "2023-11-15T00:20:00+02:00,2023-11-15T00:30:00+02:00,lying"


def test_a_file_of_several_people_is_not_labelled(tmp_path: Path) -> None:
    labels = opened(tmp_path, several_people=True)
    assert labels.stored.read_only is not None
    assert "anna.csv has several people" in labels.stored.read_only


def test_a_folder_that_cannot_be_written_makes_labels_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the superuser may write everywhere
    sentence = f"the folder {tmp_path} cannot be written, so labels cannot be saved beside the recording"
    assert opened(tmp_path).stored.read_only == sentence


def test_a_write_protected_file_of_labels_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "anna.labels.csv"
    monkeypatch.setattr(os, "access", lambda each, _: Path(each) != path)  # the superuser may write everything
    assert opened(tmp_path).stored.read_only is None
    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    assert labels.stored.read_only == f"{path} is write-protected; it is shown, and not changed"
    assert labels.intervals.labels == ("lying",)
    assert not labels.follow()
    path.chmod(0o400)
    assert labels.follow(), "what may be written may have changed"


def test_an_error_that_nobody_expected_is_said_until_the_file_is_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Path) -> Annotations:
        raise OverflowError("date value out of range")

    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    with monkeypatch.context() as patch:
        patch.setattr("harken.annotations.store.read_annotations", broken)
        patch.setattr("harken.annotations.store.LOG", logging.getLogger("labels"))  # a server's does not reach the test
        labels.path.write_text("start,end,label\n0,2,lying\n")
        assert labels.follow()
        assert labels.stored.read_only == (
            f"{labels.path}: its labels cannot be read (a fault in harken: OverflowError: date value out of range). "
            "Correct or remove that file to label here"
        )
        assert opened(tmp_path).stored.read_only == labels.stored.read_only
        assert "OverflowError" in caplog.text
        with pytest.raises(ReadOnlyLabelsError):
            save(labels, [row(1, 2)])
    labels.path.write_text("start,end,label\n0,3,lying\n")
    assert labels.follow()
    assert labels.stored.read_only is None
    assert labels.intervals.labels == ("lying",)
