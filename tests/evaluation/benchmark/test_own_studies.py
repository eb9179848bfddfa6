"""A user's own studies, of which one is left out of training: by folders, by a column, resumed, and refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
import people
import study
from harken.evaluation.benchmark.scoring import PeopleScoring
from harken.support.errors import HarkenError
from harken.support.files import Json

BAYES = "sklearn.naive_bayes:GaussianNB"


def benchmark(data: Path, out: Path, column: str | None = None, *, resume: bool = False) -> Json:
    """Leave one study out, with a baseline alone."""
    return harken.benchmark(
        data,
        protocol="leave-one-study-out",
        out=out,
        preset=None,
        baselines=[BAYES],
        study_column=column,
        workers=0,
        resume=resume,
    )


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """Two studies in folders, which both have a person of the name anna, and one in a table."""
    folder = tmp_path / "studies"
    for number, place in enumerate(("leeds", "ulm")):
        (folder / place).mkdir(parents=True)
        for seed, name in enumerate(("anna", f"ben_{place}"), 11 + 2 * number):
            people.write_person(folder / place / f"{name}.csv", seed)
    people.write_study(folder / "york.csv")
    return folder


def test_each_folder_and_each_table_is_a_study(studies: Path, tmp_path: Path) -> None:
    result = benchmark(studies, tmp_path / "out")
    assert list(result["folds"]) == ["leeds", "ulm", "york"]
    for name, fold in result["folds"].items():
        assert all(person.startswith(f"{name}_") for person in fold["test"])
        assert not any(person.startswith(f"{name}_") for person in fold["training"])
    assert {"leeds_anna", "ulm_anna"} <= set(result["folds"]["york"]["training"])
    assert 0.3 < result["mean_person_macro_f1"] <= 1


def test_a_name_in_several_studies_is_a_sentence_before_the_scores(studies: Path, tmp_path: Path) -> None:
    result = benchmark(studies, tmp_path / "out")
    assert result["same_names"] == {"anna": ["leeds", "ulm"]}
    assert "**anna is a name in several studies (leeds, ulm)." in (tmp_path / "out" / "benchmark.md").read_text()


@pytest.mark.parametrize(
    ("subjects", "people_in_both"),
    [
        (("anna", "anna"), "one person, anna,"),
        (("Anna", "anna"), "one person, anna,"),
        (("p1_left", "p1_right"), "one person, p1_left and p1_right,"),
    ],
)
def test_two_files_of_one_person_are_no_studies(subjects: tuple[str, str], people_in_both: str, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, subject in enumerate((*subjects, "ben")):
        path = people.write_person(folder / f"{number}.csv", 11 + number)
        pl.read_csv(path).with_columns(Subject=pl.lit(subject)).write_csv(path)
    with pytest.raises(HarkenError, match=people_in_both) as refused:
        benchmark(folder, tmp_path / "out")
    assert f"{folder / '0.csv'} and {folder / '1.csv'} would be two studies" in str(refused.value)
    assert "--protocol leave-one-person-out" in str(refused.value)


def test_studies_that_number_their_people_alike_are_not_refused(tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    names = {"alice": "1", "bob": "2", "carol": "3"}
    for place in ("leeds", "ulm"):
        path = people.write_study(folder / f"{place}.csv")
        table = pl.read_csv(path).with_columns(pl.col("Subject").replace_strict(names))
        if place == "ulm":
            table = table.with_columns(pl.col("X", "Y", "Z") * 1.01)
        table.write_csv(path)
    result = benchmark(folder, tmp_path / "out")
    assert result["same_names"] == {number: ["leeds", "ulm"] for number in names.values()}


def test_two_arms_in_two_studies_are_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    for seed, name in enumerate(("leeds/p1_left", "leeds/ben", "ulm/P1_right", "ulm/carl"), 11):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        people.write_person(folder / f"{name}.csv", seed)
    result = benchmark(folder, tmp_path / "out")
    assert result["same_names"] == {"p1_left and p1_right": ["leeds", "ulm"]}


def test_it_goes_on_where_it_stopped(studies: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = benchmark(studies, out)
    kept = (out / "fold_ulm" / "sklearn.naive_bayes_GaussianNB.json").read_bytes()
    (out / "fold_york" / "sklearn.naive_bayes_GaussianNB.json").unlink()
    again = benchmark(studies, out, resume=True)
    assert again["methods"] == result["methods"]
    assert (out / "fold_ulm" / "sklearn.naive_bayes_GaussianNB.json").read_bytes() == kept
    assert json.loads((out / "benchmark.json").read_text()) == json.loads(json.dumps(again))


def with_column(path: Path, places: dict[str, str | None]) -> Path:
    """A table of three people with a column of their study."""
    table = pl.read_csv(people.write_study(path))
    table.with_columns(place=pl.col("Subject").replace_strict(places, return_dtype=pl.String)).write_csv(path)
    return path


def test_a_column_says_the_study(tmp_path: Path) -> None:
    table = with_column(tmp_path / "all.csv", {"alice": "leeds", "bob": "leeds", "carol": "ulm"})
    result = benchmark(table, tmp_path / "out", "place")
    assert {name: fold["test"] for name, fold in result["folds"].items()} == {
        "leeds": ["leeds_alice", "leeds_bob"],
        "ulm": ["ulm_carol"],
    }
    assert "--study-column place" in result["command"]


def test_what_is_no_division_into_studies_is_refused(tmp_path: Path) -> None:
    table = with_column(tmp_path / "all.csv", {"alice": "leeds", "bob": "leeds", "carol": None})
    with pytest.raises(HarkenError, match="carol is in no study by the column 'place'"):
        benchmark(table, tmp_path / "out", "place")
    with pytest.raises(HarkenError, match="nowhere"):
        benchmark(table, tmp_path / "out", "nowhere")
    with pytest.raises(HarkenError, match="two or more studies are needed to leave one out, not 1"):
        benchmark(table, tmp_path / "out")
    with pytest.raises(HarkenError, match="--study-column is for your own studies"):
        harken.benchmark(table, protocol="leave-one-person-out", out=tmp_path / "out", study_column="place")
    with pytest.raises(HarkenError, match="leave-one-person-out and leave-one-study-out, not 'half'"):
        harken.benchmark(table, protocol="half", out=tmp_path / "out")


class HalfScoring(PeopleScoring):
    """It keeps another score, and decides by a setting of its own."""

    def decides(self) -> Json:
        return {"half": True}


def test_a_protocol_and_a_scoring_of_ones_own(tmp_path: Path) -> None:
    own = replace(study.STUDY, scoring=HalfScoring())
    result = harken.benchmark("invented", protocol=own, out=tmp_path / "out", preset=None, baselines=[BAYES], workers=0)
    assert (result["dataset"], result["protocol"]) == ("invented", "unseen")
    (kept, *_) = (tmp_path / "out").glob("fold_*/*.json")
    assert json.loads(kept.read_text())["decided_by"]["half"] is True
    assert np.isfinite(result["mean_person_macro_f1"])
    with pytest.raises(HarkenError, match="the protocol unseen is for invented, not wisdm"):
        harken.benchmark("wisdm", protocol=own, out=tmp_path / "other")
    with pytest.raises(HarkenError, match="must be a Protocol"):
        harken.benchmark("invented", protocol="study:RATE_HZ", out=tmp_path / "other")
