"""A table of several people is a recording a person, read as each person's own file is."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
import people
from harken.annotations.labelled_files import read_people
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Alice's and Bob's recordings in one table, a row of each in turn; and each in a file of their own."""
    rows = {name: people.person_rows(seed) for name, seed in (("bob", 2), ("alice", 1))}
    for name, seed in (("bob", 2), ("alice", 1)):
        people.write_person(tmp_path / f"{name}.csv", seed)
    lines = [
        f"{','.join(map(str, row))},{name}"
        for each in zip(*rows.values(), strict=True)
        for name, row in zip(rows, each, strict=True)
    ]
    path = tmp_path / "study.csv"
    path.write_text("\n".join(["Timestamp,X,Y,Z,P,Label,Subject", *lines]) + "\n")
    return path


@pytest.mark.parametrize("as_found", [False, True])
def test_each_person_is_read_as_from_a_file_of_their_own(table: Path, as_found: bool) -> None:
    found = read_people(table, TableOptions(), as_found=as_found)
    assert [one.subject for one in found] == ["alice", "bob"]
    assert [one.source for one in found] == [f"{table}, alice", f"{table}, bob"]
    for one in found:
        own = harken.read(table.with_name(f"{one.subject}.csv"), as_found=as_found)
        np.testing.assert_array_equal(one.signals, own.signals)
        np.testing.assert_array_equal(one.time_ns, own.time_ns)
        assert (one.label_names, one.as_found, one.quality) == (own.label_names, as_found, own.quality)


def test_a_person_can_be_chosen_and_a_file_of_one_person_is_one_recording(table: Path) -> None:
    (bob,) = read_people(table, TableOptions(subject="bob"))
    assert (bob.subject, bob.source) == ("bob", str(table))
    (alone,) = read_people(table.with_name("alice.csv"), TableOptions())
    assert (alone.subject, alone.source) == ("alice", str(table.with_name("alice.csv")))


def test_a_table_with_sessions_is_read_as_tidy(table: Path) -> None:
    frame = pl.read_csv(table).with_columns(session=pl.lit("1")).rename({"Timestamp": "time", "Label": "activity"})
    path = table.with_name("tidy.parquet")
    frame.write_parquet(path)
    options = TableOptions(label_column="activity", timezone="Europe/Athens")
    found = read_people(path, options)
    assert [(one.subject, one.timezone) for one in found] == [("alice", "Europe/Athens"), ("bob", "Europe/Athens")]
    assert found[1].source == f"{path}, bob"
    assert [one.subject for one in read_people(path, TableOptions(label_column="activity", subject="bob"))] == ["bob"]
    with pytest.raises(HarkenError, match="has no subject 'carl'; its subjects are alice and bob"):
        read_people(path, TableOptions(label_column="activity", subject="carl"))
    raw = read_people(path, options, as_found=True)
    assert [one.as_found for one in raw] == [True, True]
    numbered = read_people(path, TableOptions(label_column="activity", sample_rate_hz=25.0))
    assert [one.sample_rate_hz for one in numbered] == [25.0, 25.0]
    frame.rename({"time": "when", "Subject": "who"}).write_parquet(path)
    names = TableOptions(label_column="activity", time_column="when", subject_column="who", time_unit="ms")
    for one, other in zip(read_people(path, names), read_people(table, TableOptions()), strict=True):
        np.testing.assert_array_equal(one.time_ns, other.time_ns)
        np.testing.assert_array_equal(one.label_codes, other.label_codes)
