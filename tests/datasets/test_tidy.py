"""Any table of many people's samples: whose row is whose, and on which clock."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
from harken.annotations.labelled_files import with_labels
from harken.datasets.tidy import read_tidy
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED
from harken.support.errors import HarkenError

MONDAY_S = 1_700_000_000


def session(
    subject: str, name: str, *, label: str = "walking", rows: int = 200, start: float = 0.0, **more: object
) -> pl.DataFrame:
    """Twenty samples a second of a watch that lies flat and trembles; x holds the number of the row."""
    random = np.random.default_rng(rows)
    frame = pl.DataFrame(
        {
            "subject": [subject] * rows,
            "session": [name] * rows,
            "t": start + np.arange(rows) / 20,
            "x": np.arange(rows) / 1e4,
            "y": random.normal(0, 0.01, rows),
            "z": 1 + random.normal(0, 0.01, rows),
            "label": [label] * rows,
        }
    )
    return frame.with_columns(**{column: pl.lit(value) for column, value in more.items()})


def write(path: Path, *sessions: pl.DataFrame) -> Path:
    frame = pl.concat(sessions)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return path


@pytest.mark.parametrize("name", ["study.csv", "study.parquet"])
def test_sessions_of_a_person_stand_one_after_another(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path / name, session("bo", "1"), session("al", "1", label="lying"), session("bo", "2", label="sitting")
    )
    al, bo = read_tidy(path)
    assert (al.subject, al.label_names, len(al)) == ("al", ("lying",), 200)
    assert (bo.subject, bo.label_names, len(bo)) == ("bo", ("sitting", "walking"), 400)
    assert bo.gap_rows.tolist() == [200]
    assert np.array(bo.label_names)[bo.label_codes].tolist() == ["walking"] * 200 + ["sitting"] * 200
    np.testing.assert_allclose(bo.signals[:, 0], np.tile(np.arange(200) / 1e4, 2), atol=1e-7)
    assert bo.time_ns[0] == 0
    assert bo.time_ns[200] - bo.time_ns[199] == 60 * 10**9
    assert any("one after another" in note for note in bo.quality.notes)


def test_placements_are_recordings_of_their_own(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.parquet",
        session("bo", "1", placement="right_wrist"),
        session("bo", "1", placement="left_wrist"),
        session("bo", "2", placement="left_wrist"),
    )
    left, right = read_tidy(path)
    assert left.subject == right.subject == "bo"
    assert left.source.endswith("s.parquet, bo, left wrist")
    assert right.source.endswith("right wrist")
    assert (len(left), len(right)) == (400, 200)
    assert (left.file, left.within_file) == (str(path), "bo, left wrist")
    notes = tmp_path / "notes.csv"
    notes.write_text("file,start,end,label\ns.parquet,0,5,lying\nother,0,5,sitting\n")
    assert with_labels(left, notes).label_names == ("lying",)


def test_sessions_with_dates_stay_where_they_are(tmp_path: Path) -> None:
    frames = [session("bo", str(n), start=MONDAY_S + n * 3600).rename({"t": "time"}) for n in (2, 1)]
    (r,) = read_tidy(write(tmp_path / "s.csv", *frames))
    assert r.time_ns[0] == (MONDAY_S + 3600) * 10**9
    assert r.time_ns[200] == (MONDAY_S + 7200) * 10**9
    assert not any("one after another" in note for note in r.quality.notes)


def test_times_without_a_date_have_the_unit_of_one_session(tmp_path: Path) -> None:
    """In ms from the start, the second session half a step off: together their steps would be 25 ms and less."""
    many = [session("bo", str(n), start=n / 1000).rename({"t": "time"}) for n in range(40)]
    frames = [frame.with_columns((pl.col("time") * 1000).round(3)) for frame in many]
    (r,) = read_tidy(write(tmp_path / "s.csv", *frames))
    assert len(r) == 8000
    assert len(r.gap_rows) == 39
    assert r.sample_rate_hz == pytest.approx(20)


def test_overlapping_sessions_with_dates_are_refused(tmp_path: Path) -> None:
    frames = [session("bo", str(n), start=MONDAY_S + n * 5).rename({"t": "time"}) for n in (1, 2)]
    with pytest.raises(HarkenError, match=r"sessions 1 and 2 overlap in time.*placement"):
        read_tidy(write(tmp_path / "s.csv", *frames))


def test_acceleration_in_other_units_becomes_g(tmp_path: Path) -> None:
    frame = session("bo", "1")
    (in_g,) = read_tidy(write(tmp_path / "g.parquet", frame))
    metric = frame.with_columns(pl.col("x", "y", "z") * STANDARD_GRAVITY)
    (converted,) = read_tidy(write(tmp_path / "m.parquet", metric))
    np.testing.assert_allclose(converted.signals, in_g.signals, atol=1e-6)
    assert converted.quality.acceleration_unit == "m/s2"
    assert in_g.quality.acceleration_unit == "g"
    (said,) = read_tidy(tmp_path / "g.parquet", unit="mg")
    np.testing.assert_allclose(said.signals, in_g.signals / 1000, atol=1e-9)


def test_a_table_without_gravity_wants_its_unit(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", session("bo", "1").with_columns(pl.col("z") - 1))
    with pytest.raises(HarkenError, match="unit="):
        read_tidy(path)


def test_rows_without_a_label_or_a_value(tmp_path: Path) -> None:
    frame = session("bo", "1").with_row_index("row")
    frame = frame.with_columns(
        pl.when(pl.col("row") < 50).then(pl.lit(None)).otherwise(pl.col("label")).alias("label"),
        pl.when(pl.col("row") == 60).then(pl.lit(None)).otherwise(pl.col("y")).alias("y"),
    )
    (r,) = read_tidy(write(tmp_path / "s.csv", frame))
    assert (r.label_codes[:50] == UNLABELLED).all()
    assert (r.label_codes[50:] == 0).all()
    assert np.flatnonzero(~r.valid).tolist() == [60]
    assert r.quality.missing == 1


def test_a_folder_of_tables_is_one_study(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", session("bo", "1"))
    write(tmp_path / "2.parquet", session("al", "1"))
    write(tmp_path / "3.csv", session("bo", "2"))
    (tmp_path / "README.txt").write_text("about the study")
    al, bo = read_tidy(tmp_path)
    assert (al.subject, len(al), bo.subject, len(bo)) == ("al", 200, "bo", 400)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: frame.drop("session"), "found none for session among subject, t, x"),
        (lambda frame: frame.drop("t", "label"), "found no column for time .*its columns are subject, session, x"),
        (lambda frame: frame.drop("label"), "found none for label among subject, session, t, x"),
        (lambda frame: frame.with_columns(pl.lit("one").alias("x")), "column x: contains String, not numbers"),
        (lambda frame: frame.with_columns(pl.lit(" ").alias("subject")), "row 1: the subject has no name"),
        (lambda frame: frame.with_columns(pl.lit(None).alias("session")), "row 1: the session has no name"),
        (lambda frame: frame.with_columns(t=pl.when(pl.col("t") > 1).then(pl.col("t"))), "row 1: has no time"),
        (lambda frame: frame.head(0), "no rows"),
    ],
)
def test_the_message_states_the_error_in_a_table(
    tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], reason: str
) -> None:
    with pytest.raises(HarkenError, match=reason):
        read_tidy(write(tmp_path / "s.parquet", change(session("bo", "1"))))


def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="no such file or folder"):
        read_tidy(tmp_path / "nowhere")
    with pytest.raises(HarkenError, match="no table in this folder"):
        read_tidy(tmp_path)
    (tmp_path / "s.parquet").write_bytes(b"nonsense")
    with pytest.raises(HarkenError, match=r"s\.parquet: not a complete Parquet file"):
        read_tidy(tmp_path)


def test_names_that_look_like_numbers_stay_as_they_are(tmp_path: Path) -> None:
    first, second = read_tidy(write(tmp_path / "s.csv", session("007", "01"), session("7", "1")))
    assert (first.subject, second.subject) == ("007", "7")


def test_columns_of_other_names_are_named(tmp_path: Path) -> None:
    frame = session("bo", "1").rename({"subject": "who", "t": "when", "label": "doing"})
    options = TableOptions(subject_column="who", time_column="when", time_unit="s")
    (r,) = read_tidy(write(tmp_path / "s.csv", frame), label_column="doing", reading=options)
    assert (r.subject, len(r), len(r.label_names)) == ("bo", 200, 1)


def test_people_whose_rows_alternate_have_sessions_of_their_own(tmp_path: Path) -> None:
    frames = [session(subject, number) for number in ("1", "2") for subject in ("al", "bo")]
    apart = read_tidy(write(tmp_path / "apart.csv", *frames))
    mixed = pl.concat(frames).sort("session", "t", "subject", maintain_order=True)
    together = read_tidy(write(tmp_path / "mixed.csv", mixed))
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_array_equal(one.time_ns, other.time_ns)
        np.testing.assert_array_equal(one.signals, other.signals)


@pytest.mark.parametrize(
    ("encoding", "refusal"),
    [
        ("cp1252", r"s\.csv, line 202: 'Übung' is not in UTF-8, but probably in Windows-1252 \(Latin-1\); save"),
        ("utf-16", r"s\.csv: a table must be text in UTF-8 .* this file is in UTF-16; save it as CSV in UTF-8"),
    ],
)
def test_text_in_another_encoding_is_refused_by_its_name(tmp_path: Path, encoding: str, refusal: str) -> None:
    table = pl.concat([session("bo", "1"), session("bo", "2", label="Übung")])
    (tmp_path / "s.csv").write_bytes(table.write_csv().encode(encoding))
    with pytest.raises(HarkenError, match=refusal):
        read_tidy(tmp_path)


@pytest.mark.parametrize("name", ["study.csv", "study.parquet"])
def test_the_reader_of_single_recordings_names_this_one(tmp_path: Path, name: str) -> None:
    """Choosing a person would merge the sessions into one another."""
    path = write(tmp_path / name, session("al", "1"), session("bo", "1"), session("bo", "2"))
    with pytest.raises(HarkenError, match=r"contains 2 people.*--subject NAME.*column session.*read_tidy"):
        harken.read(path)
    with pytest.raises(HarkenError, match=r"times go back by up to 9.95 s.*read_tidy"):
        harken.read(path, subject="bo")
    assert len(harken.read(path, subject="al")) == 200
