"""Which labels a recording has: those of the named file, of the file beside it, or its own."""

import time
import zipfile
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harken
import people
from harken.annotations.folders import is_side_file, recording_names, recordings_in, side_file
from harken.annotations.formats import annotations_in, read_annotations
from harken.annotations.labelled_files import label_recordings, read_people, refuse_shared_rows, rows_of_nobody
from harken.annotations.options import LabelOptions
from harken.readers.options import TableOptions
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError

NOTES = "start,end,label\n0,20,resting\n30,50,striding\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text(NOTES)
    return path


def labelled(path: Path, options: LabelOptions = LabelOptions()) -> Recording:  # noqa: B008 - it does not change
    (one,) = label_recordings([harken.read(path)], path, options)
    return one


def test_the_named_file_beats_the_one_beside_and_that_beats_the_column(alice: Path, notes: Path) -> None:
    own = labelled(alice)
    assert own.label_names == ("lying", "sitting", "walking")
    assert own.label_source == ""
    beside = side_file(alice)
    beside.write_text("start,end,label\n0,20,still\n")
    found = labelled(alice)
    assert found.label_names == ("still",)
    assert found.label_source == f"{beside} (plain table, seconds from the start)"
    assert found.fingerprint != own.fingerprint
    assert found.samples_fingerprint == own.samples_fingerprint
    named = labelled(alice, LabelOptions.of(notes))
    assert named.label_names == ("resting", "striding")
    assert named.label_source == f"{notes} (plain table, seconds from the start)"


@pytest.mark.parametrize("name", ["anna.csv", "anna.csv.gz", "anna.zip", "anna.cwa", "anna.parquet"])
def test_the_file_beside_has_the_name_of_the_recording(tmp_path: Path, name: str) -> None:
    assert side_file(tmp_path / name) == tmp_path / "anna.labels.csv"
    (tmp_path / "anna.2024").mkdir()
    assert side_file(tmp_path / "anna.2024") == tmp_path / "anna.2024.labels.csv"
    assert is_side_file("anna.labels.csv")
    assert not is_side_file("labels.csv")


def test_a_file_of_labels_is_never_a_recording(tmp_path: Path, alice: Path) -> None:
    side_file(alice).write_text(NOTES)
    orphan = tmp_path / "old" / "carl.labels.csv"
    orphan.parent.mkdir()
    orphan.write_text(NOTES)
    found = recordings_in(tmp_path)
    assert found.files == [alice]
    assert found.notes == [f"skipped, not a recording: {orphan} (labels of a recording)"]
    named = recordings_in([alice, side_file(alice)])
    assert named.files == [alice]
    assert named.notes == [f"skipped, not a recording: {side_file(alice)} (labels of a recording)"]
    with pytest.raises(HarkenError, match="this is a file of labels; name the recording that it belongs to"):
        recordings_in([orphan])


def export(folder: Path) -> list[Path]:
    """Files as in an export of Sensor Logger of a watch that lay still, with an annotation."""
    start_ns = 1_709_978_400_000_000_000
    columns = "time,seconds_elapsed,rotationRateX,rotationRateY,rotationRateZ,gravityX,gravityY,gravityZ"
    columns += ",accelerationX,accelerationY,accelerationZ"
    rows = [f"{start_ns + i * 20_000_000},{i / 50},0,0,0,0,0,-1,0.00{i % 3},0,0" for i in range(500)]
    motion, annotation = folder / "WristMotion.csv", folder / "Annotation.csv"
    folder.mkdir()
    motion.write_text("\n".join([columns, *rows]) + "\n")
    annotation.write_text(
        "time,seconds_elapsed,text,millisecond_press_duration\n"
        f"{start_ns + 2_000_000_000},2,lying,80\n{start_ns + 6_000_000_000},6,,80\n"
    )
    return [motion, annotation]


def test_the_annotations_in_an_export_of_sensor_logger_are_found(tmp_path: Path) -> None:
    files = export(tmp_path / "export")
    for file in files:
        file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\7")  # as a Mac's memory stick has them
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    for path in (tmp_path / "export", packed):
        one = labelled(path)
        assert one.label_source == f"{path / 'Annotation.csv'} (annotations of Sensor Logger)"
        assert one.label_names == ("lying",)
        assert (one.label_codes == 0).sum() == 200
        assert labelled(path, LabelOptions.of(path)).fingerprint == one.fingerprint
    assert recordings_in(tmp_path).files == [tmp_path / "export", packed]
    side_file(packed).write_text("0,5,sitting\n")
    assert labelled(packed).label_names == ("sitting",)
    side_file(packed).unlink()
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("export.labels.csv", "0,5,walking\n")
    assert labelled(packed).label_names == ("walking",)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("second.labels.csv", "0,5,walking\n")
    with pytest.raises(
        HarkenError, match=r"several files of labels, export.labels.csv and second.labels.csv; name one"
    ):
        annotations_in(packed)


def test_several_recordings_need_names_in_one_file(tmp_path: Path, alice: Path, notes: Path) -> None:
    with pytest.raises(HarkenError, match=r"for several recordings; add a column file or subject .*alice.labels.csv"):
        read_people(alice, TableOptions(), labels=LabelOptions.of(notes), of_several=True)
    study = people.write_study(tmp_path / "study.csv")
    with pytest.raises(HarkenError, match="for several recordings; add a column file or subject"):
        read_people(study, TableOptions(), labels=LabelOptions.of(notes))
    notes.write_text("subject,start,end,label\nalice,0,20,a\nbob,0,20,b\ncarol,0,20,c\n")
    found = read_people(study, TableOptions(), labels=LabelOptions.of(notes))
    assert [one.label_names for one in found] == [("a",), ("b",), ("c",)]
    side_file(study).write_text(notes.read_text())
    assert [one.label_names for one in read_people(study, TableOptions())] == [("a",), ("b",), ("c",)]
    side_file(study).write_text("subject,start,end,label\nalice,0,20,a\n")
    with pytest.raises(HarkenError, match=r"no row is for the recording .*study.csv, whose wearer is bob: "):
        read_people(study, TableOptions())


@given(
    st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=3), min_size=1, max_size=4, unique_by=tuple),
    st.integers(1, 9),
    st.sampled_from(["", ".csv", ".csv.gz"]),
    st.sampled_from(["", "./", "../", "../../x/../"]),
)
def test_a_row_is_for_the_recordings_whose_path_ends_with_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, places: list[list[str]], parts: int, ending: str, before: str
) -> None:
    """Recordings of one name in folders; each row has some of the last folders of one of them."""
    folder = tmp_path_factory.mktemp("study")
    recordings = [folder.joinpath(*place, "day.csv.gz") for place in places]
    written = ["/".join([*path.parts[1:-1], "day"][-parts:]) for path in recordings]
    table = folder / "all.csv"
    rows = [f"{before}{name}{ending},{line},{line + 1},{line}" for line, name in enumerate(written)]
    table.write_text("\n".join(["file,start,end,label", *rows, ""]))
    fits = [
        {str(line) for line, name in enumerate(written) if str(path).removesuffix(".csv.gz").endswith(f"/{name}")}
        for path in recordings
    ]
    for path, own in zip(recordings, fits, strict=True):
        found = read_annotations(table).of_recording(recording_names(path), "day")
        assert {entry.label for entry in found.entries} == own
    others = set(map(str, range(len(written)))) - fits[0]
    unused = rows_of_nobody(LabelOptions.of(table), [(recordings[0], "day")])
    assert (unused or "0").split()[0] == ("a" if len(others) == 1 else str(len(others)))
    reason = ""
    try:
        refuse_shared_rows([*recordings, recordings[0]], LabelOptions.of(table))
    except HarkenError as refused:
        reason = str(refused)
    shared = sum(map(len, fits)) > len(set.union(*fits))
    assert reason.startswith(f"{table}, line ") if shared else not reason


def test_rows_with_a_folder_are_for_the_recording_in_it(tmp_path: Path) -> None:
    for number, name in enumerate(("anna", "ben")):
        (tmp_path / name).mkdir()
        people.write_person(tmp_path / name / "rec.csv", number)
    (tmp_path / "link").symlink_to(tmp_path / "ben")
    table = tmp_path / "all.csv"
    table.write_text("file,start,end,label\nanna/rec.csv,0,20,lying\nben/rec,30,50,sitting\nlink/rec,60,80,walking\n")

    def names(folder: str) -> tuple[str, ...]:
        path = tmp_path / folder / "rec.csv"
        (found,) = read_people(path, TableOptions(), labels=LabelOptions.of(table), of_several=True)
        return found.label_names

    assert (names("anna"), names("ben"), names("link")) == (("lying",), ("sitting",), ("sitting", "walking"))
    with pytest.raises(HarkenError, match=r"no row is for .*carl/rec.csv, .* its files are anna/rec.csv, "):
        read_annotations(table).of_recording(recording_names(tmp_path / "carl" / "rec.csv"), "rec")


@pytest.mark.parametrize(
    "root", ["/home/anna/study", "C:\\Users\\anna\\study", "\\\\server\\share", "/", f"/{'x' * 300}/study"]
)
def test_whole_paths_of_another_computer_count_from_the_folder_that_they_share(tmp_path: Path, root: str) -> None:
    mark = "\\" if "\\" in root else "/"
    table = tmp_path / "all.csv"

    def found(written: list[str], recording: str) -> list[str]:
        files = [root.rstrip(mark) + mark + each.replace("/", mark) for each in written]
        rows = [f"{file},0,9,{each}" for file, each in zip(files, written, strict=True)]
        table.write_text("\n".join(["file,start,end,label", *rows, ""]))
        names = recording_names(tmp_path / "study" / recording)
        return [entry.label for entry in read_annotations(table).of_recording(names, "day").entries]

    assert found(["ben/day.csv"], "ben/day.csv") == ["ben/day.csv"]
    assert found(["ben/day1.csv", "ben/day2.csv"], "ben/day2.csv") == ["ben/day2.csv"]
    every = ["anna/1/day.csv", "anna/2/day.csv", "ben/1/day.csv", "ben/1/day"]
    assert found(every, "anna/1/day.csv.gz") == every[:1]
    assert found(every, "ben/1/day.csv") == every[2:]
    assert found(["ben/1/day.csv", "ben/2/day.csv"], "ben/1/day.csv") == ["ben/1/day.csv"]
    for recording in ("carl/1/day.csv", "1/day.csv", "anna/day.csv", "../1/day.csv"):
        with pytest.raises(HarkenError, match="no row is for the recording"):
            found(every, recording)


@given(
    st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=3), min_size=1, max_size=5, unique_by=tuple),
    st.sampled_from(["/nowhere/at/all/study", "/nowhere/study", "E:\\study"]),
    st.data(),
)
def test_each_recording_of_a_study_that_was_moved_keeps_its_own_rows(
    tmp_path_factory: pytest.TempPathFactory, places: list[list[str]], root: str, data: st.DataObject
) -> None:
    """The table has rows for some of the recordings; a row that may be for two of them is refused."""
    table = tmp_path_factory.mktemp("moved") / "all.csv"
    recordings = {"/".join(place): table.parent.joinpath("study", *place, "day.csv") for place in places}
    noted = data.draw(st.lists(st.sampled_from(sorted(recordings)), min_size=1, unique=True))
    mark = "\\" if "\\" in root else "/"
    rows = [f"{mark.join([root, *place.split('/'), 'day.csv'])},0,9,{place}" for place in noted]
    table.write_text("\n".join(["file,start,end,label", *rows, ""]))
    found = {place: set[str]() for place in recordings}
    for place, path in recordings.items():
        with suppress(HarkenError):
            own = read_annotations(table).of_recording(recording_names(path), "day").entries
            found[place] = {entry.label for entry in own}
        assert found[place] >= {place} & set(noted)
    shared = sum(map(len, found.values())) > len(noted)
    with pytest.raises(HarkenError, match="may be") if shared else nullcontext():
        refuse_shared_rows(recordings.values(), LabelOptions.of(table))


def test_whole_paths_of_this_computer_are_taken_as_they_are(tmp_path: Path) -> None:
    pilot, main = (tmp_path / study / "ben" / "day.csv" for study in ("pilot", "main"))
    main.parent.mkdir(parents=True)
    table = tmp_path / "all.csv"
    table.write_text(f"file,start,end,label\n{pilot},0,9,lying\n{main.with_suffix('')},10,19,sitting\n")
    for path, label in ((main, "sitting"), (pilot, "lying")):
        found = read_annotations(table).of_recording(recording_names(path), "day").entries
        assert [entry.label for entry in found] == [label]
    table.write_text(f"file,start,end,label\n{main},0,9,lying\n")
    with pytest.raises(HarkenError, match=rf"no row is for the recording .*pilot/ben/day.csv, .* its files are {main}"):
        read_annotations(table).of_recording(recording_names(pilot), "day")


def test_a_table_for_many_recordings_of_one_name_is_checked_at_once(tmp_path: Path) -> None:
    """If each row is compared with each recording, it takes more than 10 s."""
    recordings = [tmp_path / f"p{number:03}" / "rec.csv" for number in range(600)]
    (table := tmp_path / "all.csv").write_text(
        "".join(["file,start,end,label\n", *(f"{path.parent.name}/rec.csv,0,9,lying\n" for path in recordings)])
    )
    began_s = time.process_time()
    refuse_shared_rows(recordings, LabelOptions.of(table))
    assert rows_of_nobody(LabelOptions.of(table), [(path, "rec") for path in recordings]) is None
    assert time.process_time() - began_s < 2


def test_the_file_beside_each_of_several_recordings_needs_no_names(alice: Path, bob: Path) -> None:
    for path in (alice, bob):
        side_file(path).write_text(NOTES)
        (one,) = read_people(path, TableOptions(), of_several=True)
        assert one.label_names == ("resting", "striding")


def test_an_offset_needs_a_file_of_labels(alice: Path) -> None:
    with pytest.raises(HarkenError, match="--labels-offset is for files of labels, but all labels are in the recordin"):
        harken.inspect(alice, labels_offset_s=2)
    side_file(alice).write_text(NOTES)
    assert harken.inspect(alice, labels_offset_s=2).labels["resting"].total_s == pytest.approx(18)  # then comes a gap


def test_trimming_applies_to_a_label_column(alice: Path) -> None:
    """Six bouts of 20 s at 25 Hz, with gaps in between."""
    own, trimmed = labelled(alice), labelled(alice, LabelOptions(trim_s=2))
    second = np.tile(np.arange(500) / 25, 6)
    inner = (second >= 2) & (second <= 499 / 25 - 2)
    assert (trimmed.label_codes == np.where(inner, own.label_codes, UNLABELLED)).all()
    assert trimmed.fingerprint != own.fingerprint
    assert labelled(alice, LabelOptions(trim_s=10)).unlabelled_rows == len(own)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: LabelOptions(trim_s=-1), "--trim -1: give seconds, 0 or more"),
        (lambda: LabelOptions(trim_s=float("nan")), "--trim nan"),
        (lambda: LabelOptions(offset_s=float("inf")), "--labels-offset inf: give seconds"),
        (lambda: LabelOptions(rename=(("a", "b"), ("a", "c"))), "--rename a: this label has 2 new names"),
        (lambda: LabelOptions(rename=(("a", ""),)), "--rename a=: give the old and the new name"),
    ],
)
def test_impossible_options_are_refused(make: "type[LabelOptions]", reason: str) -> None:
    with pytest.raises(HarkenError, match=reason):
        make()
