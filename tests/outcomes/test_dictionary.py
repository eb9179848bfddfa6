"""The data dictionary describes every column that is written, no other, and its page is what the code renders."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import people
from harken.annotations.folders import TAUGHT
from harken.annotations.options import LabelOptions
from harken.labelling.check.results import measure_truth, write_check
from harken.labelling.check.survey import survey_study
from harken.labelling.check.truth import read_truth
from harken.labelling.cohort import FileTask, labelling, run_cohort
from harken.labelling.people import keep_people, match_people, read_people
from harken.labelling.settings import LabelSettings
from harken.labelling.study import write_failures, write_study
from harken.labelling.teaching import find_lessons
from harken.models.recogniser import Recogniser
from harken.outcomes.dictionary import SOURCES, TABLES, ColumnKind, WrittenTable, dictionary_page
from harken.outcomes.segments import Segment
from harken.readers.options import TableOptions

DESCRIBED = {name: table for table in TABLES for name in table.files}
PARQUET = [name for name in DESCRIBED if name.endswith(".parquet")]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """Every table that labelling writes for a recording with labels beside it and a broken file; CSV as text."""
    folder = tmp_path_factory.mktemp("study")
    people.write_person(folder / "anna.csv", 1, seconds=60)
    (folder / "anna.labels.csv").write_text("start_s,end_s,label\n0,60,lying\n70,130,walking\n")
    (folder / "broken.csv").write_text("nothing,of\nuse,here\n")
    (out := folder / "out").mkdir()
    settings = LabelSettings(csv=True, segments=(Segment("all", "", "00:00", "24:00"),))
    lessons = find_lessons({folder / "anna.csv": settings.reading}, None, out).by_file
    (out / TAUGHT).mkdir()
    tasks = [FileTask(folder / f"{name}.csv", out / name) for name in ("anna", "broken")]
    (folder / "people.csv").write_text(
        "person,group,site,age,hand,timezone,forearm_axis,cut_points,files\n"
        "anna,control,Bern,40,left,UTC,x,adults-actigraph,anna.csv\n"
    )
    keep_people(out, read_people(folder / "people.csv"))
    persons = match_people([task.path for task in tasks], read_people(folder / "people.csv"), settings).by_file
    tasks = [replace(task, lesson=lessons.get(task.path), person=persons.get(task.path)) for task in tasks]
    write_failures(out / "failures.csv", list(run_cohort(tasks, labelling(None, settings))))
    survey = survey_study(out, nights=True)
    # What was taught is not checked.
    (folder / "video.csv").write_text("start_s,end_s,label\n150,400,lying\n")
    truth = read_truth(survey, LabelOptions(path=folder / "video.csv"), TableOptions())
    write_check(out, measure_truth(out, survey, truth, "video.csv"))
    write_study(out)
    tables = {path.name: pl.read_csv(path, infer_schema=False) for path in out.rglob("*.csv")}
    return tables | {path.name: pl.read_parquet(path) for path in out.rglob("*.parquet")}


def test_every_table_is_described(study: dict[str, pl.DataFrame]) -> None:
    assert sorted(study) == sorted(DESCRIBED)


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_column_is_described_once_and_every_description_has_a_column(
    study: dict[str, pl.DataFrame], name: str
) -> None:
    columns = DESCRIBED[name].columns
    for written in study[name].columns:
        assert sum(column.describes(written) for column in columns) == 1, written
    taught = Recogniser.load().specification_.hands
    for column in columns:
        assert any(map(column.describes, study[name].columns)) or ("hands" in column.name and not taught), column.name


@pytest.mark.parametrize("name", PARQUET)
def test_columns_hold_what_is_described(study: dict[str, pl.DataFrame], name: str) -> None:
    table: WrittenTable = DESCRIBED[name]
    for written, dtype in study[name].schema.items():
        (column,) = (column for column in table.columns if column.describes(written))
        if dtype != pl.Null:  # a file that states no rate
            assert kind_of(dtype) == column.kind, written


def kind_of(dtype: Any) -> ColumnKind:
    if isinstance(dtype, pl.Datetime):
        return "time"
    if isinstance(dtype, pl.Date):
        return "date"
    if isinstance(dtype, pl.Boolean):
        return "true or false"
    if isinstance(dtype, pl.String):
        return "text"
    if isinstance(dtype, pl.Array):
        return kind_of(dtype.inner)
    assert dtype.is_numeric()
    return "number"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.files[0])
def test_numbers_of_a_table_say_their_unit(table: WrittenTable) -> None:
    endings = {
        "_mg": "mg",
        "_degrees": "degrees",
        "_hours": "hours",
        "_minutes": "minutes",
        "_s": "seconds",
        "_hz": "Hz",
    }
    for column in table.columns:
        for ending, unit in endings.items():
            if column.name.endswith(ending):
                assert column.unit == unit, column.name


def test_the_sources_are_those_of_the_columns() -> None:
    assert {column.source for table in TABLES for column in table.columns} - {""} == set(SOURCES)


def test_the_page_is_what_the_code_renders() -> None:
    page = Path(__file__).parents[2] / "docs" / "dictionary.md"
    assert page.read_text(encoding="utf-8") == dictionary_page(), "run python script/dictionary.py"
