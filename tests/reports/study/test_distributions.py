"""Histograms over people, and values as text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.reports.caveats import Caveat, CaveatKind
from harken.reports.study import Study, write_study_page
from harken.reports.study.page import Form, PersonOutcome, compare_parts, distribution, outcomes_of, shown
from made_study import made_study

VALUES = {
    "hours": st.floats(0, 24),
    "clock": st.floats(12, 42),
    "share": st.floats(0, 1),
    "count": st.integers(0, 400).map(float),
    "number": st.floats(-1e6, 1e6, allow_subnormal=False),
}


@pytest.mark.parametrize("form", VALUES)
@settings(max_examples=50)
@given(data=st.data())
def test_every_person_stands_in_one_bar_within_the_axis(form: Form, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES[form], min_size=1, max_size=40))
    found = distribution(PersonOutcome("Wear", "x", "X", form, "h"), pl.Series([*values, None], dtype=pl.Float64))
    assert found is not None
    assert found["people"] == len(values)
    if len(set(values)) == 1:
        assert (found["bars"], found["middle"]) == ([], shown(values[0], form))
        return
    counts = [int(words.rpartition(": ")[2].split()[0]) for *_, words in found["bars"]]
    assert sum(counts) == len(values)
    assert min(counts) > 0
    assert len(found["bars"]) <= 24 + 2
    for at, wide, high, _ in found["bars"]:
        assert -0.01 <= at <= at + wide <= 100.1
        assert 0 < high <= 100
    assert max(high for _, _, high, _ in found["bars"]) == 100
    assert -0.01 <= found["median"] <= 100.01


def test_the_words_of_a_picture() -> None:
    outcome = PersonOutcome("Nights", "night_onset_clock_hours", "Onset", "clock", "by the clock")
    found = distribution(outcome, pl.Series([23.0, 23.5, 24.0, 24.5, 25.0]))
    assert found is not None
    assert found["middle"] == "00:00 (23:30 to 00:30)"
    assert (found["first"], found["last"]) == ("23:00", "01:00")
    assert distribution(outcome, pl.Series([None, None], dtype=pl.Float64)) is None
    days = distribution(PersonOutcome("Wear", "valid_days", "Valid days", "count", "days"), pl.Series([3.0, 7.0, 7.0]))
    assert days is not None
    assert (days["first"], days["last"]) == ("3", "7")
    assert [words for *_, words in days["bars"]] == ["3: 1 person", "7: 2 people"]


def test_hours_that_are_recognised_well_come_first_and_others_show_their_score() -> None:
    columns = ["hours_lying", "hours_walking", "hours_other", "sedentary_hours", "on_feet_hours", "steps", "wear_hours"]
    scores = {"lying": 0.3, "walking": 0.75, "sedentary": 0.87, "on_feet": 0.6}
    assert [(one.group, one.title, one.unit) for one in outcomes_of(columns, scores)] == [
        ("Wear", "Worn", "a day"),
        ("Day", "Sedentary", "a day"),
        ("Hours", "Walking", "a day"),
        ("Doubtful", "On the feet", "a day; F1 0.60"),
        ("Doubtful", "Lying", "a day; F1 0.30"),
        ("Doubtful", "Other", "a day; no score"),
        ("Movement", "Steps", "a day"),
    ]
    assert "Doubtful" not in {one.group for one in outcomes_of(columns, {})}


def write_page(path: Path, study: Study) -> str:
    """The page of a study as its text."""
    write_study_page(path, study)
    return path.read_text(encoding="utf-8")


def test_faulty_samples_have_their_share(tmp_path: Path) -> None:
    study = made_study(3, doubtful=0)
    broken = Caveat(CaveatKind.SENSOR, "broken: x stays at 0.24 g in 0.1 % of the samples", 0.001)
    stuck = Caveat(CaveatKind.SENSOR, "stuck in 2.5 % of the samples", 0.025)

    def with_doubts(*doubts: Caveat) -> Study:
        people = [
            replace(person, files=(replace(person.files[0], doubts=(doubt,)),))
            for person, doubt in zip(study.people, doubts, strict=False)
        ]
        return replace(study, people=people)

    one = write_page(tmp_path / "one.html", with_doubts(broken))
    assert "0.1 % of the samples are marked as faulty and were not used." in one
    several = write_page(tmp_path / "several.html", with_doubts(broken, stuck))
    assert "Up to 2.5 % of the samples of a recording are marked as faulty and were not used." in several


def test_the_page_of_one_person_speaks_of_no_pictures(tmp_path: Path) -> None:
    assert "Over each picture" not in write_page(tmp_path / "one.html", made_study(1))
    assert "Over each picture" in write_page(tmp_path / "several.html", made_study(12))


def test_the_range_of_a_measure_is_no_second_number() -> None:
    (outcome,) = outcomes_of(["interdaily_stability"], {})
    assert outcome.unit == "(0 to 1)"


def test_values_as_text() -> None:
    values: list[tuple[float | None, Form, str]] = [
        (7.08, "hours", "7 h 05 min"),
        (0.999, "hours", "1 h 00 min"),
        (0.42, "hours", "25 min"),
        (25.5, "clock", "01:30"),
        (23.9999, "clock", "00:00"),
        (0.884, "share", "88 %"),
        (12345.6, "number", "12,346"),
        (None, "hours", "–"),
        (float(np.nan), "count", "–"),
    ]
    assert [shown(value, form) for value, form, _ in values] == [text for *_, text in values]


@settings(max_examples=50)
@given(values=st.lists(st.tuples(st.sampled_from("abc"), VALUES["number"]), min_size=1, max_size=40))
def test_groups_are_compared_on_one_axis(values: list[tuple[str, float]]) -> None:
    people = pl.DataFrame(values, schema={"site": pl.String, "x": pl.Float64}, orient="row")
    outcome = PersonOutcome("Wear", "x", "X", "number", "h")
    compared = compare_parts(outcome, people, "site", list("abc"))
    present = sorted({site for site, _ in values})
    if len(present) < 2:
        assert compared is None
        return
    assert compared is not None
    assert [part.name for part in compared["parts"]] == present
    assert sum(part.people for part in compared["parts"]) == len(values)
    for part in compared["parts"]:
        own = np.array([value for site, value in values if site == part.name])
        assert part.middle.startswith(shown(float(np.median(own)), "number"))
        assert list(part.places) == sorted(part.places)
        assert -0.01 <= part.places[0] <= part.places[-1] <= 100.01


def test_the_page_compares_the_people_who_are_included(tmp_path: Path) -> None:
    study = made_study(8)
    site = ["<b>Athens", "Bern", "Bern", "Bern", "Bern", None, "Chur", "Chur"]
    table = study.table.with_columns(pl.Series("site", site), pl.Series("age", [9.5, *7 * [None]], dtype=pl.Float64))
    left_out = pl.col("subject") == "person_0002"
    table = table.with_columns(included=~left_out, why_not=pl.when(left_out).then(pl.lit("ill")))
    write_study_page(tmp_path / "study.html", replace(study, table=table))
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert "<h2>By site</h2>" in page
    assert "Site: &lt;b&gt;Athens (1 person), Bern (3 people), Chur (2 people)" in page
    assert "1 person has no site." in page
    assert "&lt;b&gt;Athens, 9.5 years" in page
    alone = table.with_columns(site=pl.lit("Bern"))
    write_study_page(tmp_path / "study.html", replace(study, table=alone))
    assert "By site" not in (tmp_path / "study.html").read_text(encoding="utf-8")
