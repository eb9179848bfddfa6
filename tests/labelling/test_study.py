"""The tables of people and the page of a study, from files that were labelled, broken ones among them."""

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import people
from command_line import Run
from files_of_a_person import cut_out, measured_days, write_results
from harken.annotations.folders import recordings_in
from harken.labelling.cohort import FileOutcome, FileTask, labelling, run_cohort
from harken.labelling.settings import LabelSettings
from harken.labelling.stored import read_summary, results_digest, results_in
from harken.labelling.study import Cohort, read_cohort, study_of, write_failures, write_study
from harken.reports.caveats import CaveatKind
from harken.reports.study import Failure
from harken.support.errors import HarkenError
from stored_results import change_json, change_table

EVIL = "<script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings and a broken one whose name and content are HTML."""
    folder = tmp_path_factory.mktemp("drawer")
    for number, name in enumerate(("anna", "bert", "c&d <i>")):
        people.write_person(folder / f"{name}.csv", number, bouts=("lying", "walking"), seconds=60)
    (folder / f"{EVIL.replace('/', '')}.csv").write_text(f"{EVIL},of\nuse,here\n")
    return folder


@pytest.fixture(scope="module")
def study(drawer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a folder, as ``harken label`` writes them."""
    out = tmp_path_factory.mktemp("study")
    tasks = [FileTask(path, out / path.stem) for path in recordings_in(drawer).files]
    write_failures(out / "failures.csv", list(run_cohort(tasks, labelling(None, LabelSettings()))))
    write_study(out)
    return out


def page_data(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


def test_a_folder_gives_its_page_with_the_broken_file_at_the_top(study: Path) -> None:
    page = (study / "study.html").read_text(encoding="utf-8")
    order = ["Look at these first", "1 file could not be labelled", "&lt;script&gt;", "Doubtful people", "Everybody"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert "<script>document" not in page
    assert [len(person["days"]) for person in page_data(page)["people"]] == [1, 1, 1]
    for folder in results_in(study):
        assert (
            f'href="{folder.name.replace("&", "%26").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")}/'
            in page
        )


def test_a_file_that_is_finished_later_is_no_failure_any_more(study: Path) -> None:
    cohort = cohort_in(study)
    file = cohort.files[0].file
    summary = read_summary(cohort.files[0].folder)
    before = results_digest(summary | {"labelled_by": {"model_sha256": "another"}}, rules=False)
    failures = [Failure(file, "no space left"), Failure(file, "no memory", before), Failure("other.csv", "broken")]
    later = study_of("s", cohort, failures, {})
    assert ([one.file for one in later.failures], later.kept) == (["other.csv"], [])
    refused = [Failure(file, "made with other settings", results_digest(summary, rules=False))]
    again = study_of("s", cohort, refused, {})
    assert ([one.reason for one in again.kept], again.failures) == (["made with other settings"], [])


def test_a_file_with_results_that_is_refused_was_not_labelled_again(
    study: Path, drawer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(study, out)
    monkeypatch.chdir(drawer)  # the same file under another path
    tasks = [FileTask(Path("anna.csv"), out / "anna"), FileTask(next(drawer.glob("*script*")), out / "evil")]
    job = labelling(None, LabelSettings(non_wear=False))
    write_failures(out / "failures.csv", list(run_cohort(tasks, job)))
    write_study(out)
    page = (out / "study.html").read_text(encoding="utf-8")
    order = [
        "1 file could not be labelled",
        "&lt;script&gt;",
        "1 file keeps its earlier results",
        "anna.csv",
        "--no-non-wear",
    ]
    places = [page.index(words, page.index("Look at these first")) for words in order]
    assert places == sorted(places)
    assert 'href="anna/report.html"' in page


def test_failures_of_all_shards_are_on_the_page(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(study, out)
    (out / "failures.json").unlink()
    for number in (1, 2):
        lost = tmp_path / f"lost{number}.csv"
        lost.touch()
        outcome = FileOutcome(FileTask(lost, out / lost.stem), error=HarkenError(f"reason {number}"))
        write_failures(out / f"failures-{number}-of-2.csv", [outcome])
        (out / f"failures-{number}-of-2.csv").write_bytes("Datei;Größe".encode("latin-1"))  # saved by a spreadsheet
    (out / "failures-mine.json").write_text('{"a table": "of mine"}')
    write_study(out)
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "2 files could not be labelled" in page
    for words in ("lost1.csv", "lost2.csv", "reason 1", "reason 2"):
        assert words in page


def test_a_folder_of_failures_alone_has_a_page(run_harken: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("nothing,of\nuse,here\n")
    assert run_harken("label", tmp_path / "broken.csv", "--out", tmp_path / "out").exit_code == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["failures.csv", "failures.json", "study.html"]
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "0 people" in page
    assert "1 file could not be labelled" in page


def test_a_folder_without_a_day_is_left_out(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(study, out)
    change_table(out / "anna" / "days_all.parquet", lambda days: days.clear())
    write_study(out)
    assert cohort_in(out).people["subject"].to_list() == ["bert", "c&d <i>"]
    assert "2 people" in (out / "study.html").read_text(encoding="utf-8")


def cohort_in(out: Path) -> Cohort:
    cohort = read_cohort(results_in(out), {})
    assert cohort is not None
    return cohort


@pytest.fixture(scope="module")
def first_and_second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two files of one person: of two days, and of the second of these and the next."""
    out = tmp_path_factory.mktemp("first_and_second")
    whole = measured_days(3)
    for name, begin_h, end_h in (("first", 0, 48), ("second", 24, 72)):
        write_results(cut_out(whole, begin_h, end_h, file=f"{name}.cwa"), out / name)
    return out


@pytest.fixture
def two_files_of_one_person(first_and_second: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    shutil.copytree(first_and_second, out)
    return out


def test_doubts_are_counted_by_person_and_name_the_file(
    two_files_of_one_person: Path,
) -> None:
    out = two_files_of_one_person
    state_placement(out / "second", "hip")
    (person,) = study_of("s", cohort_in(out), [], {}).people
    assert person.kinds[0] is CaveatKind.PLACEMENT
    assert "second: the file states that the sensor was on the hip" in person.sentences


def state_placement(folder: Path, placement: str) -> None:
    change_json(folder / "quality.json", placement=placement)


def test_a_file_that_was_not_on_a_wrist_gives_no_days_to_a_person_with_another(
    two_files_of_one_person: Path,
) -> None:
    out = two_files_of_one_person
    state_placement(out / "first", "wrist")
    state_placement(out / "second", "hip")
    cohort = cohort_in(out)
    (person,) = cohort.people.iter_rows(named=True)
    assert (person["included"], person["why_not"]) == (True, None)
    assert (person["files"], person["days"], person["valid_days"]) == (1, 2, 2)
    (shown,) = study_of("s", cohort, [], {}).people
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    assert ([strip.date for strip in shown.days], len(shown.files), shown.report) == (days, 2, "")


def test_a_person_whose_sensor_was_never_on_a_wrist_is_not_included(
    two_files_of_one_person: Path,
) -> None:
    out = two_files_of_one_person
    state_placement(out / "first", "hip")
    state_placement(out / "second", "thigh")
    write_study(out)
    (person,) = pl.read_csv(out / "person.csv").iter_rows(named=True)
    reasons = "the file states that the sensor was on the hip; the file states that the sensor was on the thigh"
    assert (person["included"], person["why_not"], person["valid_days"]) == (False, reasons, 3)
    assert list(person)[:3] == ["subject", "included", "why_not"]
    assert person["caveats"].startswith("placement")


def test_caveats_at_days_and_nights_are_doubts_about_the_person(
    two_files_of_one_person: Path,
) -> None:
    out = two_files_of_one_person
    shutil.rmtree(out / "second")
    caveat, excluded = pl.Series(["no step"] * 2), pl.Series(["ill", None], dtype=pl.String)
    change_table(out / "first" / "days_all.parquet", lambda days: days.with_columns(caveat=caveat, excluded=excluded))
    write_study(out)
    (person,) = study_of("s", cohort_in(out), [], {}).people
    assert CaveatKind.STEPS in person.kinds
    assert "no step: 2024-01-02" in person.sentences
    page = " ".join((out / "study.html").read_text(encoding="utf-8").split())
    assert "<dt>No steps <span>1</span></dt>" in page


def test_of_too_many_people_the_doubtful_ones_are_on_the_page(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(study, out)
    change_table(out / "anna" / "days_all.parquet", lambda days: days.with_columns(valid_day=True))
    change_json(out / "anna" / "quality.json", **dict.fromkeys(("calibration", "orientation", "wrist_check")))
    monkeypatch.setattr("harken.labelling.study.MOST_PEOPLE", 2)
    shown = [person.subject for person in study_of("s", cohort_in(out), [], {}).people]
    assert shown == ["bert", "c&d <i>"]
    write_study(out)
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "3 people" in page
    assert "1 more person is not on this page" in page
