"""People with several files: their outcomes are those of one recording."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from files_of_a_person import cut_out, measured_days, measured_of, write_results
from harken.labelling.stored import results_in
from harken.labelling.study import Cohort, read_cohort, study_of, write_study
from harken.labelling.summary import LabelledFile, Measured, summarise_folder
from harken.outcomes.rules import Rules
from harken.reports.caveats import CaveatKind

DAYS = 3
CUTS_H = (0, 36.5, 52.25, 24 * DAYS)
"""Two seams, one of them in a night."""
RULES = Rules(valid_day_h=10)


@pytest.fixture(scope="module")
def whole() -> Measured:
    """Four days in one file."""
    return measured_days(DAYS)


@pytest.fixture(scope="module")
def three(whole: Measured, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same days in three files."""
    out = tmp_path_factory.mktemp("three")
    for number, (begin_h, end_h) in enumerate(pairwise(CUTS_H)):
        name = f"part{number}"
        write_results(cut_out(whole, begin_h, end_h, file=f"{name}.cwa"), out / name, RULES)
    write_study(out)
    return out


@pytest.fixture
def copied(three: Path, tmp_path: Path) -> Path:
    """A copy of the three files that a test may change."""
    shutil.copytree(three, tmp_path / "study")
    return tmp_path / "study"


def cohort_in(out: Path) -> Cohort:
    unread: dict[Path, Exception] = {}
    cohort = read_cohort(results_in(out), unread)  # type: ignore[arg-type]
    assert (unread, cohort is None) == ({}, False)
    assert cohort is not None
    return cohort


def test_a_person_in_three_files_has_the_outcomes_of_one(whole: Measured, three: Path) -> None:
    expected, joined = LabelledFile.of(whole, RULES), three / "joined" / "eva"
    assert expected.nights is not None
    assert expected.rhythm is not None
    for name, table in (
        ("days_all", expected.days),
        ("nights", expected.nights),
        ("rhythm", expected.rhythm),
        ("timeline", expected.timeline.frame),
    ):
        found = pl.read_parquet(joined / f"{name}.parquet")
        assert_frame_equal(found, table, check_exact=False, abs_tol=1e-3, check_column_order=False)
    people = pl.read_parquet(three / "person_all.parquet")
    assert people.select("subject", "files", "days", "nights").row(0) == (
        "eva",
        3,
        DAYS,
        int(expected.nights["complete"].sum()),
    )


def test_tables_and_page_show_the_person_and_the_files(three: Path) -> None:
    days, quality = (pl.read_csv(three / name) for name in ("cohort.csv", "quality.csv"))
    assert (days["subject"].to_list(), days["name"].unique().to_list()) == (["eva"] * DAYS, ["part0, part1, part2"])
    assert days["file"].unique().to_list() == ["part0.cwa, part1.cwa, part2.cwa"]
    assert quality["file"].to_list() == ["part0.cwa", "part1.cwa", "part2.cwa"]
    assert quality["wear_hours"].n_unique() == 3
    cohort = cohort_in(three)
    (person,) = study_of("s", cohort, [], {}).people
    assert [strip.date for strip in person.days] == cohort.days["date"].to_list()
    page, report = ((three / name).read_text() for name in ("study.html", "joined/eva/report.html"))
    assert 'href="joined/eva/report.html"' in page
    assert all(f'href="part{number}/report.html"' in page for number in range(3))
    assert all(f"<h3>part{number}</h3>" in report for number in range(3))


def test_the_order_of_files_makes_no_difference(whole: Measured, three: Path, tmp_path: Path) -> None:
    for name, (begin_h, end_h) in zip("cab", pairwise(CUTS_H), strict=True):
        write_results(cut_out(whole, begin_h, end_h, file=f"{name}.cwa"), tmp_path / name, RULES)
    write_study(tmp_path)
    found, expected = (pl.read_parquet(out / "person_all.parquet") for out in (tmp_path, three))
    assert_frame_equal(found, expected)


def test_the_number_of_processes_makes_no_difference(copied: Path, three: Path, whole: Measured) -> None:
    shutil.rmtree(copied / "joined")
    for name, begin_h, end_h in (("tom1", 0, 20), ("tom2", 20, 30)):
        part = cut_out(whole, begin_h, end_h, file=f"{name}.cwa")
        timeline = replace(part.timeline, subject="tom")
        write_results(measured_of(timeline, part.movement, file=f"{name}.cwa"), copied / name, RULES)
    write_study(copied, workers=2)
    before = (copied / "person_all.parquet").read_bytes()
    for name in ("timeline.parquet", "days.csv", "nights.csv", "summary.json"):
        assert (copied / "joined" / "eva" / name).read_bytes() == (three / "joined" / "eva" / name).read_bytes()
    shutil.rmtree(copied / "joined")
    write_study(copied)
    assert (copied / "person_all.parquet").read_bytes() == before


def test_outcomes_are_computed_again_only_when_a_file_has_changed(copied: Path) -> None:
    summary = copied / "joined" / "eva" / "summary.json"
    before = summary.stat().st_mtime_ns
    write_study(copied)
    assert summary.stat().st_mtime_ns == before
    shutil.rmtree(copied / "part1")
    write_study(copied)
    assert pl.read_parquet(copied / "person_all.parquet")["files"].to_list() == [2]
    shutil.rmtree(copied / "part2")
    write_study(copied)
    assert not summary.parent.exists()
    (person,) = cohort_in(copied).people.iter_rows(named=True)
    assert (person["files"], person["days"]) == (1, 2)


def test_a_changed_table_of_joined_outcomes_is_written_again(copied: Path, three: Path) -> None:
    (copied / "joined" / "eva" / "timeline.parquet").write_bytes(b"PAR1")
    write_study(copied)
    before, now = (out / "joined" / "eva" / "timeline.parquet" for out in (three, copied))
    assert now.read_bytes() == before.read_bytes()


def test_the_rules_of_the_files_are_applied(copied: Path, whole: Measured, tmp_path: Path) -> None:
    first = date(2024, 1, 1)
    exclude, diary = tmp_path / "exclude.csv", tmp_path / "diary.csv"
    exclude.write_text(f"subject,reason,day,night\neva,ill,{first},\neva,party,,{first + timedelta(days=1)}\n")
    diary.write_text(f"subject,date,onset,wake\neva,{first},23:10,06:40\n")
    rules = Rules(valid_day_h=12, exclude=exclude, diary=diary, diary_use="override", leave_out_taught=True)
    for folder in results_in(copied):
        summarise_folder(folder, rules)
    write_study(copied)
    expected = LabelledFile.of(whole, rules)
    assert expected.nights is not None
    for name, table in (("days_all", expected.days), ("nights", expected.nights)):
        found = pl.read_parquet(copied / "joined" / "eva" / f"{name}.parquet")
        assert_frame_equal(found, table, check_exact=False, abs_tol=1e-3)


def test_files_of_different_rules_are_not_joined(copied: Path) -> None:
    summarise_folder(copied / "part1", Rules(valid_day_h=16))
    (error,) = write_study(copied).unread.values()
    for words in ("eva", "valid_day_h", "part0", "part1", "harken summarise"):
        assert words in str(error)
    assert "different rules" in (copied / "study.html").read_text()


def test_a_file_that_cannot_be_read_is_left_out(copied: Path) -> None:
    shutil.rmtree(copied / "joined")
    (copied / "part1" / "movement.parquet").write_bytes(b"PAR1")
    written = write_study(copied)
    assert list(written.unread) == [copied / "part1"]
    assert written.cohort is not None
    assert written.cohort.people["files"].to_list() == [2]
    (copied / "part0" / "timeline.parquet").write_bytes(b"PAR1")
    written = write_study(copied)
    assert list(written.unread) == [copied / "part0", copied / "part1"]
    assert written.cohort is not None
    assert written.cohort.people["files"].to_list() == [1]
    assert written.cohort.days["name"].unique().to_list() == ["part2"]


def relabelled(measured: Measured) -> Measured:
    """The same with the probabilities of the labels in another order."""
    timeline = measured.timeline
    names = [f"probability_{label}" for label in timeline.labels]
    others = dict(zip(names, [*names[1:], names[0]], strict=True))
    frame = timeline.frame.with_columns(pl.col(other).alias(name) for name, other in others.items())
    return measured_of(
        replace(timeline, frame=frame).with_unsure_below(None), measured.movement, file=measured.quality.file
    )


@pytest.mark.parametrize("differ", [True, False])
def test_files_that_differ_where_both_were_worn_are_told(whole: Measured, tmp_path: Path, differ: bool) -> None:
    write_results(cut_out(whole, 0, 30, file="first.cwa"), tmp_path / "first", RULES)
    second = cut_out(whole, 24, 48, file="second.cwa")
    if differ:
        second = relabelled(second)
    write_results(second, tmp_path / "second", RULES)
    write_study(tmp_path)
    cohort = cohort_in(tmp_path)
    (person,) = study_of("s", cohort, [], {}).people
    (caveats,) = cohort.people["caveats"]
    told = [words for words in person.sentences if words.startswith("first and second were both worn for")]
    assert (CaveatKind.FILES in person.kinds, "files" in (caveats or "").split("; "), len(told)) == (
        differ,
        differ,
        differ,
    )
    page = (tmp_path / "study.html").read_text()
    assert ("Several files that differ" in page) is differ
    expected = LabelledFile.of(cut_out(whole, 0, 48, file="both.cwa"), RULES)
    assert cohort.days["wear_hours"].to_numpy() == pytest.approx(expected.days["wear_hours"].to_numpy(), abs=0.01)


def test_of_two_loggers_the_worn_one_counts(whole: Measured, tmp_path: Path) -> None:
    """Both record all the time, and each lies on a table while the other is worn."""
    half_h = 12 * DAYS
    for number, name in enumerate(("left", "right")):
        timeline, movement = whole.timeline, whole.movement
        assert movement is not None
        first_ns = int(timeline.frame["start"].to_physical()[0])
        seam_ns = first_ns + half_h * 3600 * 10**9
        off = (pl.col("start").to_physical() >= seam_ns) == (number == 0)
        columns = [
            pl.when(~off).then(f"probability_{label}").alias(f"probability_{label}") for label in timeline.labels
        ]
        frame = timeline.frame.with_columns(*columns, wear=pl.col("wear") & ~off)
        lying = replace(timeline, frame=frame).with_unsure_below(None)
        rows = movement.with_columns(wear=pl.col("wear") & ~off)
        write_results(measured_of(lying, rows, file=f"{name}.cwa"), tmp_path / name, RULES)
    days = cohort_in(tmp_path).days
    expected = LabelledFile.of(whole, RULES).days
    for column in ("wear_hours", "hours_walking", "steps", "minutes_mvpa"):
        assert days[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-3), column


def test_the_time_between_a_file_and_its_follow_up_is_not_worn(whole: Measured, tmp_path: Path) -> None:
    """The second file begins in the morning of another week: the rest of that night is no night."""
    write_results(cut_out(whole, 0, 30, file="first.cwa"), tmp_path / "first", RULES)
    later = cut_out(whole, 54, 72, file="later.cwa")
    shift = timedelta(days=60)
    assert later.movement is not None
    frame = later.timeline.frame.with_columns((pl.col("start", "end") + shift).dt.cast_time_unit("ns"))
    moved = later.movement.with_columns((pl.col("start") + shift).dt.cast_time_unit("ns"))
    write_results(measured_of(replace(later.timeline, frame=frame), moved, file="later.cwa"), tmp_path / "later", RULES)
    cohort = cohort_in(tmp_path)
    alone = [LabelledFile.of(Measured.read(tmp_path / name), RULES) for name in ("first", "later")]
    for name in ("days", "nights"):
        expected = np.concatenate([getattr(of_file, name)["date"].to_numpy() for of_file in alone])
        assert (getattr(cohort, name)["date"].to_numpy() == expected).all()
    worn = sum(of_file.days["wear_hours"].sum() for of_file in alone)
    assert cohort.days["wear_hours"].sum() == pytest.approx(worn)
