"""``harken summarise``: the files that ``harken label`` would write by the same rules, without recordings and model."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import people
from command_line import Run
from harken.labelling.file import label_file
from killed_commands import run_killed_command
from stored_results import change_table

RULES = ("--valid-day", "0.01", "--cut-points", "40,100,400", "--unsure-below", "0.99", "--hand", "dominant", "--csv")


def contents(out: Path) -> dict[str, bytes]:
    """All results; the page of all people begins with the name of their folder."""
    name = out.name.encode()
    return {
        str(path.relative_to(out)): path.read_bytes()
        .replace(b">" + name + b"<", b"><")
        .replace(b">" + name + b":", b">:")
        for path in out.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Three people in one folder."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    return [people.write_person(folder / f"{name}.csv", seed) for seed, name in enumerate(("anna", "bert", "carl"))]


@pytest.mark.second_stage
def test_the_files_are_those_that_label_would_write(
    run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()  # bert has two files, which are joined
    recordings.append(people.write_person(tmp_path / "more" / "bert.csv", 9))
    diary, segments = tmp_path / "diary.csv", tmp_path / "segments.csv"
    diary.write_text("subject,date,onset,wake\nanna,2018-02-20,23:47,23:48\n")
    segments.write_text("segment,days,start,end\nfirst,,23:47,23:48\n")
    exclude = tmp_path / "exclude.csv"
    exclude.write_text("subject,reason,day\nanna,ill,2018-02-20\nbert,withdrew,\n")
    rules = (*RULES, "--diary", diary, "--segments", segments, "--exclude", exclude)
    later, at_once = tmp_path / "later", tmp_path / "at_once"
    assert run_harken("label", *recordings, "--model", model, "--out", later).exit_code == 0
    before = contents(later)
    for path in recordings:
        path.rename(path.with_suffix(".moved"))  # neither they nor the model are needed
    (model / "model.safetensors").rename(tmp_path / "model.safetensors")
    ended = run_harken("summarise", later, *rules)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stdout.count("; summarised") == 4
    printed = ended.stderr.splitlines()
    assert "--valid-day 0.01 instead of 16 (4 of 4 files)" in printed
    assert "--hand dominant, not given before (4 of 4 files)" in printed
    assert f"0 of 3 people have recorded nights in the diary {diary}" in printed  # no midnight was recorded
    ended = run_harken("summarise", later, "--defaults", *rules[:-2], "--csv", "--workers", 1)
    assert "without --exclude, given before (4 of 4 files)" in ended.stderr.splitlines()
    run_harken("summarise", later, *rules)
    (tmp_path / "model.safetensors").rename(model / "model.safetensors")
    for path in recordings:
        path.with_suffix(".moved").rename(path)
    assert run_harken("label", *recordings, "--model", model, "--out", at_once, *rules).exit_code == 0
    assert "joined/bert/days.csv" in contents(later)
    assert contents(later) == contents(at_once)
    assert run_harken("summarise", later, *rules).stdout.count("; unchanged") == 4
    raw = tmp_path / "raw"
    assert run_harken("summarise", later, "--defaults", "--no-smoothing", "--workers", 1).exit_code == 0
    assert run_harken("label", *recordings, "--model", model, "--out", raw, "--no-smoothing").exit_code == 0
    assert contents(later) == contents(raw)
    assert run_harken("summarise", later, "--defaults", "--workers", 1).exit_code == 0
    assert contents(later) == before


def test_the_rules_of_before_give_the_files_of_before_with_a_model_that_knows_busy_hands(
    run_harken: Run, recordings: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run_harken("label", *recordings[:2], "--out", out, "--workers", 1).exit_code == 0
    assert "hands" in pl.read_parquet(out / "anna" / "timeline.parquet").columns
    before = contents(out)
    for rules in (("--valid-day", "0.01"), ("--defaults",)):
        assert run_harken("summarise", out, *rules, "--workers", 1).exit_code == 0
    assert contents(out) == before


@pytest.mark.skipif(os.name != "posix", reason="this system has no SIGKILL")
def test_results_survive_a_kill_while_they_are_replaced(
    run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    out, expected = tmp_path / "out", tmp_path / "expected"
    assert run_harken("label", *recordings[:2], "--model", model, "--out", out).exit_code == 0
    shutil.copytree(out, expected)
    rules = ("--valid-day", "0.01", "--workers", 1)
    killed = run_killed_command("summarise", out, *rules, renames_of="anna", step=2, can_exchange=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "anna").exists(), "the kill came between the two steps"
    for folder in (out, expected):
        ended = run_harken("summarise", folder, *rules)
        assert ended.exit_code == 0, ended.stderr
    assert contents(out) == contents(expected)


def test_who_is_excluded_does_not_count(run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path) -> None:
    out, exclude = tmp_path / "out", tmp_path / "exclude.csv"
    rules = ("--valid-day", "0.001", "--placement", "wrist")
    assert run_harken("label", *recordings, "--model", model, "--out", out, *rules).exit_code == 0
    person = pl.read_csv(out / "person.csv")
    assert person["included"].to_list() == [True] * 3
    steps = person["minutes_light"].to_list()
    day = pl.read_csv(out / "anna" / "days.csv")["date"][0]
    exclude.write_text(f"subject,reason,day\nanna,ill,{day}\nbert,withdrew,\ncarla,gone,\n")
    ended = run_harken("summarise", out, "--valid-day", "0.001", "--exclude", exclude)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == f"Without effect in {exclude}: nobody is called carla"
    days = pl.read_csv(out / "anna" / "days.csv")
    assert days.select("date", "valid_day", "excluded").row(0) == (day, False, "ill")
    assert not pl.read_csv(out / "anna" / "hours.csv").filter(pl.col("date") == day)["valid_day"].any()
    report = (out / "anna" / "report.html").read_text(encoding="utf-8")
    assert report.count("excluded: ill") >= 2
    assert "bert is excluded: withdrew" in (out / "bert" / "report.html").read_text(encoding="utf-8")
    person = pl.read_csv(out / "person.csv")
    assert person.select("subject", "included", "why_not").rows() == [
        ("anna", len(days) > 1, None if len(days) > 1 else "no valid day"),
        ("bert", False, "withdrew"),
        ("carl", True, None),
    ]
    assert person["minutes_light"][1] == steps[1]  # the page shows it on demand
    cohort = pl.read_csv(out / "cohort.csv").filter(pl.col("subject") == "bert")
    assert (cohort["valid_day"].all(), cohort["excluded"].unique().to_list()) == (True, ["withdrew"])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of two people, to be copied."""
    folder = tmp_path_factory.mktemp("labelled")
    for seed, name in enumerate(("anna", "bert")):
        path = people.write_person(folder / f"{name}.csv", seed, seconds=60)
        label_file(path, out=folder / name)
    return folder


def change_seconds(folder: Path) -> None:
    path = folder / "summary.json"
    path.write_text(re.sub(r'"sitting": [0-9.]+', '"sitting": null', path.read_text()))


def state_layout(folder: Path) -> None:
    path = folder / "summary.json"
    path.write_text(path.read_text().replace('"layout": ', '"layout": 1'))


def shuffle(folder: Path) -> None:
    path = folder / "timeline.parquet"
    pl.read_parquet(path).sample(fraction=1, shuffle=True, seed=1).write_parquet(path)


def cut(folder: Path) -> None:
    path = folder / "timeline.parquet"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("change", "file", "fault"),
    [
        (change_seconds, "summary.json", "was changed after harken wrote it; move {bert} to another place, and label"),
        (
            lambda folder: (folder / "summary.json").write_bytes(b"\xff"),
            "summary.json",
            "is damaged, or not written by",
        ),
        (state_layout, "summary.json", "was written by another version of harken; use that version, or label the"),
        (shuffle, "timeline.parquet", "was changed after harken wrote it; label {file} again with --again"),
        (cut, "timeline.parquet", "was changed after harken wrote it; label {file} again with --again"),
        (lambda folder: (folder / "quality.json").unlink(), "quality.json", "is missing; label {file} again with"),
        (
            lambda folder: (folder / "quality.json").write_text("{}"),
            "quality.json",
            "was changed after harken wrote it",
        ),
    ],
)
def test_a_folder_that_somebody_changed_is_named_and_the_others_go_on(
    run_harken: Run,
    labelled: Path,
    tmp_path: Path,
    change: Callable[[Path], object],
    file: str,
    fault: str,
) -> None:
    out = tmp_path / "out"
    for name in ("anna", "bert"):
        shutil.copytree(labelled / name, out / name)
    change(out / "bert")
    sentence = f"harken: {out / 'bert' / file} " + fault.format(bert=out / "bert", file=labelled / "bert.csv")
    ended = run_harken("label", labelled / "anna.csv", "--out", out)
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith(sentence)
    assert "1 folder of results could not be read in full" in (out / "study.html").read_text(encoding="utf-8")
    assert "anna" in pl.read_csv(out / "person.csv")["subject"]
    ended = run_harken("summarise", out, "--valid-day", 1, "--json", "--workers", 1)
    assert ended.exit_code == 2
    assert any(line.startswith(sentence) for line in ended.stderr.splitlines())
    assert "anna" in [summary["subject"] for summary in json.loads(ended.stdout)]
    assert json.loads((out / "anna" / "summary.json").read_text())["summarised_by"]["valid_day_h"] == 1


def test_tables_that_a_spreadsheet_saved_are_not_read(run_harken: Run, labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("anna", "bert"):
        shutil.copytree(labelled / name, out / name)
    assert run_harken("summarise", out, "--workers", 1).exit_code == 0
    before = pl.read_parquet(out / "cohort.parquet"), pl.read_parquet(out / "person_all.parquet")
    for table in (out / "bert").glob("*.csv"):
        table.write_bytes("Datum;Größe\n11/20/2026;1,5\n".encode("latin-1"))
    ended = run_harken("label", labelled / "anna.csv", "--out", out)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert pl.read_parquet(out / "cohort.parquet").equals(before[0])
    assert pl.read_parquet(out / "person_all.parquet").equals(before[1])


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        ("timeline", lambda rows: rows.sample(fraction=1, shuffle=True, seed=1), "does not end where the next one"),
        ("timeline", lambda rows: pl.concat([rows, rows]), "does not end where the next one begins"),
        ("timeline", lambda rows: rows.with_columns(probability_lying=pl.lit(7, pl.Float32)), "not from 0 to 1"),
        ("timeline", lambda rows: rows.with_columns(pl.col("wear").cast(pl.Int8)), "wear has values of another kind"),
        (
            "timeline",
            lambda rows: rows.with_columns(pl.col("end").dt.cast_time_unit("ms")),
            "end has values of another",
        ),
        ("timeline", lambda rows: rows.with_columns(label=pl.lit("flying")), "the model has no label flying"),
        ("timeline", lambda rows: rows.drop("recorded"), "it has no column recorded"),
        ("movement", lambda rows: rows.reverse(), "not in the order of their times"),
        ("movement", lambda rows: rows.with_columns(enmo_mg=-pl.col("enmo_mg") - 1), "enmo_mg has a value that is not"),
    ],
)
def test_rows_that_harken_does_not_write_are_refused(
    run_harken: Run,
    labelled: Path,
    tmp_path: Path,
    file: str,
    change: Callable[[pl.DataFrame], pl.DataFrame],
    fault: str,
) -> None:
    """As a program may write them that also writes the digests."""
    bert = tmp_path / "out" / "bert"
    shutil.copytree(labelled / "bert", bert)
    change_table(bert / f"{file}.parquet", change)
    ended = run_harken("summarise", bert.parent, "--valid-day", 1)
    assert ended.exit_code == 2
    assert f"harken: {bert / file}.parquet was not written by harken (" in ended.stderr
    assert fault in ended.stderr


@pytest.mark.second_stage
def test_what_keeps_its_earlier_results_is_on_the_page_as_long_as_it_does(
    run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_harken("label", *recordings, "--model", model, "--out", out)
    anna = recordings[0].read_text()
    recordings[0].write_text(anna[: anna.rindex("\n", 0, -1) + 1])
    refused = run_harken("label", recordings[0], "--out", out)
    assert refused.exit_code == 2
    timeline = out / "bert" / "timeline.parquet"
    whole = timeline.read_bytes()
    timeline.write_bytes(whole[:-100])
    ended = run_harken("summarise", out, "--valid-day", 1)
    assert ended.exit_code == 2
    assert f"The failures are also in {out / 'failures-summarise.csv'}." in ended.stderr.splitlines()
    failed = pl.read_csv(out / "failures-summarise.csv")
    assert failed["file"].to_list() == [str(recordings[1])]
    assert failed["reason"][0].startswith("timeline.parquet was changed after harken wrote it")
    page = (out / "study.html").read_text(encoding="utf-8")
    order = ["2 files keep their earlier results", "bert.csv", "was changed", "anna.csv", "with other content"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    timeline.write_bytes(whole)
    assert run_harken("summarise", out, "--valid-day", 1).exit_code == 0
    assert not (out / "failures-summarise.csv").exists()
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "1 file keeps its earlier results" in page


def test_the_last_shard_names_exclusions_without_effect(
    run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    exclude = tmp_path / "exclude.csv"
    exclude.write_text("subject,reason\ncarl,ill\ncarla,gone\n")
    options = ("--model", model, "--out", tmp_path / "out", "--exclude", exclude)
    said = [run_harken("label", *recordings, *options, "--shard", f"{number}/3").stderr for number in (1, 2, 3)]
    assert ["Without effect" in words for words in said] == [False, False, True]
    assert said[2].splitlines()[-1] == f"Without effect in {exclude}: nobody is called carla"


def test_a_folder_that_label_did_not_write_is_refused(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    for wrong, words in (
        (nowhere, f"there is no folder {nowhere}"),
        (tmp_path, f"{tmp_path} holds no results of harken label"),
    ):
        ended = run_harken("summarise", wrong)
        assert (ended.exit_code, ended.stderr) == (2, f"harken: {words}\n")
    out = tmp_path / "out"
    run_harken("label", alice, "--model", model, "--out", out)
    ended = run_harken("summarise", out / "alice")
    assert ended.exit_code == 2
    assert (
        ended.stderr == f"harken: {out / 'alice'} holds the results of one recording; give the folder above it: {out}\n"
    )


def test_newcomers_get_the_rules_of_the_study(
    run_harken: Run, model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "two"
    assert run_harken("label", *recordings[:2], "--model", model, "--out", out).exit_code == 0
    rules = ("--valid-day", 1, "--cut-points", "adults-actigraph")
    assert run_harken("summarise", out, *rules, "--workers", 1).exit_code == 0
    refused = run_harken("label", recordings[2], "--out", out, "--valid-day", 16)
    assert refused.exit_code == 2
    assert "--valid-day 16 is not the rule of this study, which is --valid-day 1;" in refused.stderr
    assert f"harken summarise {out} --valid-day 16" in refused.stderr
    assert not (out / "carl").exists()
    assert run_harken("label", recordings[2], "--out", out).exit_code == 0
    made = [json.loads((out / name / "summary.json").read_text()) for name in ("anna", "carl")]
    assert made[0]["summarised_by"] == made[1]["summarised_by"]
    assert made[0]["labelled_by"]["model_sha256"] == made[1]["labelled_by"]["model_sha256"]
    file = out / "study.toml"
    file.write_text(file.read_text().replace("valid-day = 1", "valid-day = 10"))
    stale = run_harken("label", recordings[2], "--out", out)
    assert "2 of 2 results were made with --valid-day 1 (anna)" in stale.stderr
    assert run_harken("summarise", out, "--workers", 1).exit_code == 0
    assert json.loads((out / "carl" / "summary.json").read_text())["summarised_by"]["valid_day_h"] == 10


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("valid-day = 16", "valid-days = 16", "there is no 'valid-days' here; choose from"),
        ("valid-day = 16", "valid-day = 'x'", "valid-day must be a number, without quotation marks"),
        ("valid-day = 16", "valid-day = 25", "a valid day needs from 0 to 24 hours of wear, got 25"),
        ("valid-day = 16", "valid-day = ", "this is no TOML"),
        ("layout = 1", "layout = 2", "layout must be 1"),
    ],
)
def test_damaged_rules_are_refused_with_their_line(
    run_harken: Run, labelled: Path, tmp_path: Path, before: str, after: str, words: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(labelled / "anna", out / "anna")
    assert run_harken("summarise", out).exit_code == 0
    file = out / "study.toml"
    lines = file.read_text().splitlines()
    line = lines.index(before)
    file.write_text("\n".join([*lines[:line], after, *lines[line + 1 :], ""]))
    ended = run_harken("summarise", out)
    assert ended.exit_code == 2
    assert f"{file}, line {line + 1}: " in ended.stderr
    assert words in ended.stderr
