"""Labels that are shown and not changed, because something would be lost or cannot be written; and the sentence why."""

import logging
import os
from pathlib import Path

import pytest

from edited_labels import SPAN, START_NS, opened, row
from harken.annotating.labels import ChangedError, Labels, ReadOnlyError
from harken.annotations.entries import Annotations


def test_labels_of_a_column_that_a_file_cannot_hold_are_read_only_at_once(tmp_path: Path) -> None:
    column = [(START_NS, START_NS + 10**9, "None"), (START_NS + 10**9, START_NS + 2 * 10**9, "stop")]
    labels = Labels(tmp_path / "anna.csv", SPAN, "anna", column)
    assert labels.intervals.labels == ("None", "stop")
    assert labels.read_only == (
        "anna.csv has a label that anna.labels.csv cannot hold ('None' cannot be a label: in a file of labels it means "
        "that there is none); it is shown, and not changed. To label here, rename it there, or begin without labels: "
        "write anna.labels.csv with the one line start,end,label"
    )
    labels.path.write_text("start,end,label\n")
    labels.load()
    assert labels.read_only is None
    assert Labels(tmp_path / "ben.csv", SPAN, "ben", column[1:]).read_only is None


@pytest.mark.parametrize(
    ("content", "sentence", "shown"),
    [
        ("0.5\t2\tlying\n", "has another format (label track of Audacity); it is shown, and not changed", True),
        ("subject,start,end,label\nanna,1,2,lying\n", "has a column for the subject, so it may be for other", True),
        ("anna.csv,1,2,lying\n", "has a column for the file, so it may be for other recordings", True),
        ("start,end,label,rater\n1,2,lying,bob\n", "has a column 'rater', which would be lost", True),
        ("# by bob\nstart,end,label\n1,2,lying\n", "contains remarks (#), which would be lost", True),
        ("start,end,label\n  # by bob\n1,2,lying\n", "contains remarks (#), which would be lost", True),
        ('start,end,label\n1,2,lying\n" # by bob"\n', "contains remarks (#), which would be lost", True),
        ("start,end,label\n1,2,lying,sofa\n", "has a field beyond the last column in line 2, which would be", True),
        ("1,2,lying\n2,3,,sofa\n", "has a field beyond the last column in line 2, which would be lost", True),
        ("start,end,label,note\n1,2,lying\n2,3,,charged\n", "has a note without a label in line 3, which would", True),
        (
            "time,label,note\n1,lying\n9,end,charged\n",
            "has a note without a label in line 3, which would be lost",
            True,
        ),
        ("time,label\n1,sitting\n1,lying\n", "has a label without a length in line 2, which would be lost", True),
        (f"start,end,label,note\n1,2,lying,{'x' * 1001}\n", "has a note of more than 1,000 characters in line 2", True),
        ('start,end,label,note\n1,2,lying,"a\nb"\n', "has a note with line ends or control characters in line 3", True),
        ("start,end,label\n1,x,lying\n", "line 2: the end 'x' is not a time", False),
        ("start,end,label\n5000,6000,lying\n", "lies outside the recording", False),
    ],
)
def test_a_file_that_would_lose_something_is_not_replaced(
    tmp_path: Path, content: str, sentence: str, *, shown: bool
) -> None:
    labels = opened(tmp_path, content)
    assert labels.read_only is not None
    assert sentence in labels.read_only
    with pytest.raises(ReadOnlyError):
        labels.save(labels.revision, [row(1, 2)])
    assert labels.path.read_text() == content
    assert labels.intervals.labels == (("lying",) if shown else ())


def test_local_times_are_only_replaced_when_the_zone_is_known(tmp_path: Path) -> None:
    content = "start,end,label\n2023-11-15 00:20,2023-11-15 00:30,lying\n"  # 22:20 UTC
    labels = opened(tmp_path, content, zone_known=False)
    sentence = "anna.labels.csv has times without a zone; add --timezone ZONE, such as Europe/Athens, to label here"
    assert labels.read_only == sentence
    labels = opened(tmp_path, zone_known=True)
    assert labels.read_only is None
    labels.save(labels.revision, labels.as_json()["intervals"])
    assert labels.path.read_text().splitlines()[1] == "2023-11-15T00:20:00+02:00,2023-11-15T00:30:00+02:00,lying"


def test_a_file_of_several_people_is_not_labelled(tmp_path: Path) -> None:
    labels = opened(tmp_path, several_people=True)
    assert labels.read_only is not None
    assert "anna.csv has several people" in labels.read_only


def test_a_folder_that_cannot_be_written_makes_labels_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the superuser may write everywhere
    sentence = f"the folder {tmp_path} cannot be written, so labels cannot be saved beside the recording"
    assert opened(tmp_path).read_only == sentence


def test_a_write_protected_file_of_labels_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "anna.labels.csv"
    monkeypatch.setattr(os, "access", lambda each, _: Path(each) != path)  # the superuser may write everything
    assert opened(tmp_path).read_only is None
    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    assert labels.read_only == f"{path} is write-protected; it is shown, and not changed"
    assert labels.intervals.labels == ("lying",)
    assert not labels.changed_outside()
    path.chmod(0o400)
    assert labels.changed_outside(), "what may be written may have changed"


def test_an_error_that_nobody_expected_is_said_until_the_file_is_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Path) -> Annotations:
        raise OverflowError("date value out of range")

    labels = opened(tmp_path, "start,end,label\n0,1,lying\n")
    with monkeypatch.context() as patch:
        patch.setattr("harken.annotating.labels.read_annotations", broken)
        patch.setattr("harken.annotating.labels.LOG", logging.getLogger("labels"))  # a server's does not reach the test
        labels.path.write_text("start,end,label\n0,2,lying\n")
        with pytest.raises(ChangedError):
            labels.save(labels.revision, [row(1, 2)])
        assert labels.read_only == (
            f"{labels.path}: its labels cannot be read (a fault in harken: OverflowError: date value out of range). "
            "Correct or remove that file to label here"
        )
        assert opened(tmp_path).read_only == labels.read_only
        assert "OverflowError" in caplog.text
        with pytest.raises(ReadOnlyError):
            labels.save(labels.revision, [row(1, 2)])
    labels.path.write_text("start,end,label\n0,3,lying\n")
    labels.load()
    assert labels.read_only is None
    assert labels.intervals.labels == ("lying",)
