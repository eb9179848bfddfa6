"""``--people`` of ``harken label`` and ``harken summarise``: what a table says of each person."""

import json
from pathlib import Path

import polars as pl
import pytest

import people
from command_line import Run

TABLE = """\
Subject;Site;Group;Age;Hand;Time zone;Forearm axis;Cut-points;Files
anna;Athens;control;9;left;Europe/Athens;-y;;
bert;Bern;control;44,5;dominant;Europe/Zurich;;40 100 400;
carla;Bern;patients;15;;;;;logger_*.csv
"""


@pytest.fixture
def drawer(tmp_path: Path) -> Path:
    """Recordings of anna and bert, two files of a logger, and one of somebody whom the table lacks."""
    folder = tmp_path / "study"
    folder.mkdir()
    for seed, name in enumerate(("anna", "bert", "logger_1", "dora")):
        people.write_person(folder / f"{name}.csv", seed)
    (folder / "people.csv").write_text(TABLE, encoding="utf-8")
    return folder


def read_summary(folder: Path) -> dict[str, dict[str, object]]:
    summary: dict[str, dict[str, object]] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def test_two_sites_and_zones_are_one_call_and_later_calls_know_the_table(
    run_harken: Run, model: Path, drawer: Path, tmp_path: Path
) -> None:
    out, table = tmp_path / "out", drawer / "people.csv"
    command = ("label", drawer, "--model", model, "--out", out, "--people", table, "--hand", "non-dominant")
    ended = run_harken(*command, "--valid-day", 0, "--workers", 1)
    assert ended.exit_code == 0, ended.stderr
    said = ended.stderr.splitlines()
    assert f"{table} has no row of dora; the options of the command apply to them" in said
    assert (
        f"{table}: no published cut-points were validated at the age of carla (15, line 4); adults-geneactiv are used"
    ) in said
    person = pl.read_csv(out / "person.csv")
    assert person.columns[:9] == [
        *("subject", "included", "why_not", "caveats"),
        *("group", "site", "age", "hand", "cut_points"),
    ]
    assert person.select("subject", "group", "site", "age", "hand", "cut_points").rows() == [
        ("anna", "control", "Athens", 9.0, "left", "children-geneactiv"),
        ("bert", "control", "Bern", 44.5, "dominant", "40,100,400"),
        ("carla", "patients", "Bern", 15.0, None, "adults-geneactiv"),
        ("dora", None, None, None, None, "adults-geneactiv"),
    ]
    zones = dict(pl.read_parquet(out / "cohort.parquet").select("subject", "timezone").iter_rows())
    assert zones == {"anna": "Europe/Athens", "bert": "Europe/Zurich", "carla": "UTC", "dora": "UTC"}
    summaries = {name: read_summary(out / name) for name in ("anna", "bert", "logger_1")}
    assert {name: summary["labelled_by"]["forearm_axis"] for name, summary in summaries.items()} == {
        **{"anna": "-y", "bert": None, "logger_1": None}
    }
    assert {name: summary["summarised_by"]["hand"] for name, summary in summaries.items()} == {
        **{"anna": "non-dominant", "bert": "dominant", "logger_1": "non-dominant"}
    }
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "Site: Athens (1 person), Bern (2 people)" in page
    assert "control, Athens, 9 years, left hand" in page
    again = run_harken(*command, "--valid-day", 0, "--workers", 1)
    assert again.stdout.count("; unchanged") == 4

    # A newcomer, and a logger that the kept table knows.
    people.write_person(tmp_path / "logger_2.csv", 7)
    later = run_harken(
        *("label", tmp_path / "logger_2.csv", "--model", model, "--out", out, "--valid-day", 0, "--workers", 1)
    )
    assert later.exit_code == 0, later.stderr
    assert "there is no recording" not in later.stderr
    assert pl.read_csv(out / "person.csv")["subject"].to_list() == ["anna", "bert", "carla", "dora"]

    # Another table for one person; the others stay as they are.
    other = tmp_path / "other.csv"
    other.write_text("person,group,age\nbert,patients,\nzed,,\n", encoding="utf-8")
    ended = run_harken("summarise", out, "--people", other, "--valid-day", 0, "--workers", 1)
    assert ended.exit_code == 0, ended.stderr
    said = ended.stderr.splitlines()
    assert f"{other}, line 3: there is no recording of zed" in said
    assert "--cut-points adults-geneactiv instead of 40,100,400 (1 of 5 files)" in said
    person = pl.read_csv(out / "person.csv")
    assert person["group"].to_list() == ["control", "patients", "patients", None]
    assert person["cut_points"].to_list()[:2] == ["children-geneactiv", "adults-geneactiv"]

    other.write_text("person,timezone\nanna,Asia/Tokyo\n", encoding="utf-8")
    ended = run_harken("summarise", out, "--people", other, "--valid-day", 0, "--workers", 1)
    assert (
        f"{other} states another time zone or forearm axis for anna than they were labelled with; "
        "label their recordings again with --again"
    ) in ended.stderr.splitlines()


BAD_TABLES = {
    "twice": ("person,site\nanna,A\nbert,B\nanna,B\n", "line 4: column person: anna also stands in line 2"),
    "unknown column": (
        "person,wight\nanna,70\n",
        "line 1: a table of people has no column 'wight'; it has person, group, site",
    ),
    "no person": ("site\nA\n", "line 1: there is no column person"),
    "two names": ("person,subject\nanna,anna\n", "line 1: the column person stands there twice"),
    "no name": ("person,site\n,A\n", "line 2: column person: the name is missing"),
    "hand": ("person,hand\nanna,lft\n", "line 2: column hand: 'lft' is none of left, right, dominant, non-dominant"),
    "year": ("person,age\nanna,1950\n", "line 2: column age: '1950' is not an age in years, from 0 to 130"),
    "nan": ("person,age\nanna,nan\n", "line 2: column age: 'nan' is not an age in years"),
    "zone": ("person,timezone\nanna,Athens\n", "line 2: column timezone: there is no time zone 'Athens'"),
    "axis": ("person,forearm_axis\nanna,z\n", "line 2: column forearm_axis: 'z' is none of x, y, -x, -y"),
    "cut-points": (
        "person,cut_points\nanna,adults\n",
        "line 2: column cut_points: cut-points 'adults': give adults-actigraph",
    ),
    "long": (f"person,site\nanna,{'A' * 201}\n", "line 2: column site: 201 characters; at most 200 are possible"),
    "shared": ("person,files\nanna,*.csv\nbert,bert\n", "line 3: column files: "),
    "large": ("person,site\nanna,A" + "\n" * (1 << 24), "a table of people has at most 16 MiB; is this a recording?"),
}


@pytest.mark.parametrize("fault", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_line_and_column(
    run_harken: Run, drawer: Path, tmp_path: Path, fault: str
) -> None:
    table, said = BAD_TABLES[fault]
    path, out = tmp_path / "table.csv", tmp_path / "out"
    path.write_text(table, encoding="utf-8")
    ended = run_harken("label", drawer / "anna.csv", drawer / "bert.csv", "--out", out, "--people", path)
    assert ended.exit_code == 2
    printed = " ".join(ended.stderr.split())
    assert path.name in printed
    assert said in printed
    assert not out.exists()


def test_an_axis_in_a_row_contradicts_no_orientation(run_harken: Run, drawer: Path, tmp_path: Path) -> None:
    table = drawer / "people.csv"
    ended = run_harken("label", drawer, "--out", tmp_path / "out", "--people", table, "--no-orientation")
    assert ended.exit_code == 2
    assert f"{table.name}, line 2: column forearm_axis: " in " ".join(ended.stderr.split())


def test_a_kept_table_that_somebody_broke_is_refused(
    run_harken: Run, model: Path, drawer: Path, tmp_path: Path
) -> None:
    out, table = tmp_path / "out", tmp_path / "table.csv"
    table.write_text("person,age\nanna,30\n", encoding="utf-8")
    anna = ("label", drawer / "anna.csv", "--model", model, "--out", out)
    assert run_harken(*anna, "--people", table).exit_code == 0
    (out / "people.csv").write_text("person,age\nanna,old\n", encoding="utf-8")
    for command in (anna, ("summarise", out)):
        ended = run_harken(*command)
        assert ended.exit_code == 2
        assert "people.csv, line 2: column age: 'old' is not an age" in " ".join(ended.stderr.split())
