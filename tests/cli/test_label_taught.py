"""``harken label --teach``: each wearer who has labels is labelled by an own model, if it is better."""

import html
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import people
import pictures
from command_line import Run
from harken import LabelSettings, Recogniser
from harken.annotations.labelled_files import LabelledFiles
from harken.annotations.options import LabelOptions
from harken.labelling.file import prepare_file
from harken.labelling.teaching import Lesson, read_labelled_time
from harken.networks.presets import PRESETS
from harken.readers import TableOptions
from harken.support.printable import percent
from harken.training.run import train_run
from harken.training.settings import RunSettings
from killed_commands import run_killed_command
from training_runs import Quiet

DAY_S = 86_400
STEP_S = 30
"""A bout of 20 s, and the gap after it."""


def write_turned(path: Path, seed: int, later_s: int = 0) -> Path:
    """Write a person who wears the watch upside down, as nobody of the training did, without labels in the file."""
    lines = ["Timestamp,X,Y,Z"]
    lines += [f"{t + 1000 * later_s},{-x},{-y},{-z}" for t, x, y, z, _, _ in people.person_rows(seed)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_labels(recording: Path) -> Path:
    """Write the labels of the bouts beside a recording."""
    start_s = people.START_MS / 1000
    rows = [f"{start_s + STEP_S * k},{start_s + STEP_S * k + 20},{label}" for k, label in enumerate(people.BOUTS)]
    path = recording.with_name(f"{recording.stem}.labels.csv")
    path.write_text("\n".join(["start,end,label", *rows]) + "\n")
    return path


def write_routine(path: Path, labels: tuple[str, ...]) -> None:
    """Write a routine whose steps are the bouts."""
    steps = [f'[[step]]\ndo = "Do it."\nlabel = "{label}"\nkind = "as told"\nseconds = {STEP_S}\n' for label in labels]
    path.write_text('title = "Bouts"\ncut_s = 1\n' + "".join(steps))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Dora and Emil wear the watch upside down; Dora has labels beside her file."""
    folder = tmp_path / "study"
    folder.mkdir()
    write_labels(write_turned(folder / "dora.csv", 11))
    write_turned(folder / "emil.csv", 12)
    return folder


def read_taught(out: Path, name: str) -> Mapping[str, Any] | None:
    """Read what the summary of a recording says about teaching."""
    summary = json.loads((out / name / "summary.json").read_text())
    taught: Mapping[str, Any] | None = summary["taught"]
    return taught


def read_key(out: Path, name: str) -> Mapping[str, Any]:
    """Read what a recording was labelled by."""
    key: Mapping[str, Any] = json.loads((out / name / "summary.json").read_text())["labelled_by"]
    return key


def contents(folder: Path) -> dict[str, bytes]:
    """Read the files in a folder, but those that name a path."""
    named = ("summary.json", "quality.json", "report.html")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in named}


def right_share(timeline: pl.DataFrame) -> float:
    """Return the share of rows with the right label."""
    rows = timeline.filter(pl.col("recorded"))
    start_ms = rows["start"].dt.epoch("ms").to_numpy()
    middle_s = (start_ms - people.START_MS) / 1000 + 0.25
    truth = np.array(people.BOUTS)[(middle_s // STEP_S).astype(int)]
    return float((rows["label"].to_numpy() == truth).mean())


def test_who_has_labels_is_labelled_by_an_own_model_and_others_as_before(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    general, out = tmp_path / "general", tmp_path / "taught"
    run_harken("label", study, "--model", model, "--out", general)
    ended = run_harken("label", study, "--model", model, "--out", out, "--teach", "--workers", 2)
    assert ended.exit_code == 0
    assert "; taught 0." in ended.stdout
    taught = read_taught(out, "dora")
    assert taught is not None
    assert taught["kept"] is True
    assert taught["seconds"] == pytest.approx({"lying": 40, "sitting": 40, "walking": 40}, abs=2)
    assert taught["recognised"]["after"] > taught["recognised"]["before"]
    before, after = (pl.read_parquet(folder / "dora" / "timeline.parquet") for folder in (general, out))
    assert right_share(after) > right_share(before) + 0.1
    assert read_taught(out, "emil") is None
    assert contents(out / "emil") == contents(general / "emil")
    personal = Recogniser.load(out / "taught" / "dora.safetensors")
    assert personal.provenance_["adaptation"]["kept"] is True
    again = run_harken("label", study, "--model", model, "--out", out, "--teach")
    assert again.stdout.count("; unchanged") == 2
    without = run_harken("label", study, "--model", model, "--out", out)  # the study keeps that it is taught
    assert without.stdout.count("; unchanged") == 2


def test_a_model_of_one_file_labels_all_files_of_the_wearer(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    write_turned(study / "tuesday.csv", 13, later_s=DAY_S)
    out = tmp_path / "out"
    ended = run_harken("label", study, "--model", model, "--out", out, "--teach", "--subject", "dora")
    assert ended.exit_code == 0
    assert read_key(out, "dora")["model_sha256"] == read_key(out, "tuesday")["model_sha256"]
    tuesday = read_taught(out, "tuesday")
    assert tuesday is not None
    assert tuesday["kept"] is True
    assert tuesday["files"] == [str(study / "dora.csv")]
    assert tuesday["spans"] == {}


def test_a_table_of_starts_teaches_and_labels_that_do_not_help_leave_the_wearer(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    write_routine(study / "bouts.toml", people.BOUTS)
    people.write_person(study / "emil.csv", 12)
    write_routine(study / "mixed.toml", ("lying", "sitting") * 3)  # whatever he does
    (study / "dora.labels.csv").unlink()
    table = study / "starts.csv"
    starts = {"dora": "bouts.toml", "emil": "mixed.toml", "frida": "bouts.toml"}
    rows = [f"{person},{routine},2018-02-20 23:46:40,yes" for person, routine in starts.items()]
    table.write_text("\n".join(["person,routine,start,exact", *rows]) + "\n")
    out = tmp_path / "out"
    recordings = (study / "dora.csv", study / "emil.csv")
    command = ("label", *recordings, "--model", model, "--out", out, "--teach-labels", table)
    ended = run_harken(*command)
    assert ended.exit_code == 0
    assert "a row is for none of these recordings: “frida” (line 4)" in " ".join(ended.stderr.split())
    dora, emil = read_taught(out, "dora"), read_taught(out, "emil")
    assert dora is not None
    assert emil is not None
    assert dora["kept"] is True
    assert emil["kept"] is False
    assert "taught, but left as it was" in ended.stdout
    run_harken("label", study / "emil.csv", "--model", model, "--out", tmp_path / "general")
    assert contents(out / "emil") == contents(tmp_path / "general" / "emil")
    shown = " ".join(run_harken(*command, "--verbose").stdout.split())
    assert "emil taught lying" in shown
    assert "the labelling is left as it was, because " in shown


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("0,20,lying\n", "only one label was recorded"),
        ("0,20,dancing\n30,50,jumping\n", "the model does not know “dancing” and “jumping”"),
        ("0,20,lying\n10,50,walking\n", "the interval overlaps that of line 2"),
        ("0,20,lying\n30,9000,walking\n", "lies outside the recording"),
        ("0,20,lying\nsoon,50,walking\n", "line 3"),
    ],
)
def test_labels_that_cannot_be_used_stop_nobody(
    run_harken: Run, model: Path, study: Path, tmp_path: Path, rows: str, reason: str
) -> None:
    write_labels(study / "emil.csv")
    (study / "dora.labels.csv").write_text(f"start_s,end_s,label\n{rows}")
    out = tmp_path / "out"
    ended = run_harken("label", study, "--model", model, "--out", out, "--teach", "--verbose")
    assert ended.exit_code == 0
    assert reason in " ".join(ended.stdout.split())
    dora, emil = read_taught(out, "dora"), read_taught(out, "emil")
    assert dora is not None
    assert emil is not None
    assert dora["kept"] is False
    assert emil["kept"] is True
    assert read_key(out, "dora")["model_sha256"] != read_key(out, "emil")["model_sha256"]


def test_a_recording_with_several_files_of_labels_stops_nobody(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    phone = study / "phone"
    phone.mkdir()
    columns = "time,seconds_elapsed,rotationRateX,rotationRateY,rotationRateZ,gravityX,gravityY,gravityZ"
    lines = [f"{columns},accelerationX,accelerationY,accelerationZ"]
    for at_ms, x, y, z, _, _ in people.person_rows(15):
        acceleration = f"{x / 9.81},{y / 9.81},{z / 9.81}"
        lines.append(f"{at_ms}000000,{(at_ms - people.START_MS) / 1000},0,0,0,0,0,0,{acceleration}")
    (phone / "WristMotion.csv").write_text("\n".join(lines) + "\n")
    for name in ("first", "second"):
        (phone / f"{name}.labels.csv").write_text("start_s,end_s,label\n0,20,lying\n30,50,walking\n")
    out = tmp_path / "out"
    ended = run_harken("label", phone, study / "dora.csv", "--model", model, "--out", out, "--teach")
    assert ended.exit_code == 0
    left, dora = read_taught(out, "phone"), read_taught(out, "dora")
    assert left is not None
    assert dora is not None
    assert "contains several files of labels, first.labels.csv and second.labels.csv" in left["reason"]
    assert dora["kept"] is True


def test_a_table_that_names_the_wearer_is_for_the_recording_in_which_a_label_begins(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    tuesday = write_turned(study / "tuesday.csv", 13, later_s=DAY_S)
    (study / "dora.labels.csv").unlink()
    start_s = people.START_MS / 1000
    rows = [
        f"dora,{start_s + later_s + STEP_S * k},{start_s + later_s + STEP_S * k + 20},{label}"
        for later_s in (0, DAY_S)
        for k, label in enumerate(people.BOUTS)
    ]
    table = study / "table.csv"
    table.write_text("\n".join(["subject,start,end,label", *rows, "dora,1519000000,1519000020,lying"]) + "\n")
    command = ("label", study / "dora.csv", tuesday, "--subject", "dora", "--model", model, "--teach-labels", table)
    ended = run_harken(*command, "--out", tmp_path / "out", "--verbose")
    assert ended.exit_code == 0
    assert "begin in none of these recordings: line 14." in " ".join(ended.stdout.split())
    monday = read_taught(tmp_path / "out", "dora")
    assert monday is not None
    assert monday["files"] == [str(study / "dora.csv"), str(tuesday)]
    assert monday["seconds"] == pytest.approx({"lying": 80, "sitting": 80, "walking": 80}, abs=4)
    table.write_text("subject,start,end,label\ndora,23:46:40,23:47:00,lying\n")
    ended = run_harken(*command, "--out", tmp_path / "clock", "--verbose")
    assert "line 2: dora has several recordings, and this time has no date" in " ".join(ended.stdout.split())
    assert "write the date, or add a column file" in " ".join(ended.stdout.split())


def test_pages_and_tables_say_who_taught_and_what_it_gained(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    people.write_person(study / "frida.csv", 14)
    (study / "frida.labels.csv").write_text("start_s,end_s,label\n0,20,lying\n")
    out = tmp_path / "out"
    assert run_harken("label", study, "--model", model, "--out", out, "--teach").exit_code == 0
    table = pl.read_csv(out / "person.csv")
    columns = ["subject", "taught", "taught_labels", "taught_minutes", "taught_reason"]
    dora, emil, frida = table.select(columns).rows(named=True)
    assert dora["taught"] == "personal model"
    assert dora["taught_labels"].startswith("lying ")
    assert dora["taught_minutes"] == pytest.approx(2, abs=0.1)
    assert emil == {"subject": "emil", **dict.fromkeys(columns[1:])}
    assert frida["taught"] == "left as it was"
    assert frida["taught_reason"] == "only one label was recorded; at least two are needed"
    before, after = table.select("taught_recognised_before", "taught_recognised_after").row(0)
    taught = read_taught(out, "dora")
    assert taught is not None
    assert (before, after) == pytest.approx(tuple(taught["recognised"].values()), abs=1e-4)
    quality = pl.read_csv(out / "quality.csv")
    assert quality["taught"].to_list() == table["taught"].to_list()
    not_shown = "They do not show how much is gained on another day."
    page = html.unescape((out / "study.html").read_text())
    assert "2 of 3 people taught harken with labels of their own." in page
    assert "dora taught lying" in page
    assert "the labelling is left as it was, because only one label was recorded" in page
    assert not_shown in page
    report = html.unescape((out / "dora" / "report.html").read_text())
    assert "dora taught lying" in report
    assert f"recognises {percent(after, decimals=0)} of the labelled windows in cross-validation" in report
    assert not_shown in report
    assert "taught" not in html.unescape((out / "emil" / "report.html").read_text())


def test_the_taught_minutes_can_be_left_out_of_outcomes(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    command = ("label", study, "--model", model, "--teach")
    labels = study / "dora.labels.csv"
    labels.write_text("\n".join(labels.read_text().splitlines()[:4]) + "\n")  # the first 80 of 170 s
    run_harken(*command, "--out", whole)
    ended = run_harken(*command, "--out", out, "--leave-out-taught", "--verbose")
    assert ended.exit_code == 0
    assert "note: 1 min 20 s that dora taught are left out of outcomes" in " ".join(ended.stdout.split())
    full, less = (pl.read_parquet(folder / "dora" / "days_all.parquet") for folder in (whole, out))
    assert full["recorded_hours"][0] - less["recorded_hours"][0] == pytest.approx(60 / 3600, abs=2 / 3600)
    bouts = pl.read_csv(out / "dora" / "bouts.csv", try_parse_dates=True)
    taught = read_taught(out, "dora")
    assert taught is not None
    ((_, last_ns),) = next(iter(taught["spans"].values()))
    assert bouts["start"].dt.epoch("ns").min() >= last_ns
    assert contents(out / "emil") == contents(whole / "emil")
    back = run_harken("summarise", out, "--defaults")
    assert "without --leave-out-taught, given before" in back.stderr
    assert contents(out / "dora") == contents(whole / "dora")
    again = run_harken("summarise", whole, "--leave-out-taught")
    assert again.exit_code == 0
    assert pl.read_parquet(whole / "dora" / "days_all.parquet").equals(less)
    assert read_taught(whole, "dora") == taught


def test_a_recording_of_a_routine_alone_is_not_left_out(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("label", study / "dora.csv", "--model", model, "--out", out, "--teach", "--leave-out-taught")
    shown = " ".join(run_harken(*command).stdout.split())
    assert "this recording holds only what dora taught, so nothing of it is left out of outcomes" in shown
    assert pl.read_parquet(out / "dora" / "days_all.parquet")["recorded_hours"][0] > 0
    ended = run_harken("label", study / "emil.csv", "--model", model, "--out", out, "--leave-out-taught")
    assert "Without effect" not in ended.stderr  # dora taught
    ended = run_harken("label", study / "emil.csv", "--model", model, "--out", tmp_path / "emil", "--leave-out-taught")
    assert "Without effect: --leave-out-taught, because nobody in this study taught" in ended.stderr


def test_a_label_that_the_model_lacks_is_left_out_and_said(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    labels = study / "dora.labels.csv"
    labels.write_text(labels.read_text().replace("sitting", "rowing", 1))
    ended = run_harken("label", study / "dora.csv", "--model", model, "--out", tmp_path / "out", "--teach")
    said = "warning: The model does not know “rowing”, so these labels taught nothing."
    assert said in " ".join(ended.stdout.split())
    taught = read_taught(tmp_path / "out", "dora")
    assert taught is not None
    assert taught["seconds"].keys() == {"lying", "sitting", "walking"}


def test_edited_labels_teach_again_and_replace_results_only_if_asked(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("label", study, "--model", model, "--out", out, "--teach")
    run_harken(*command)
    first = json.loads((out / "taught" / "dora.json").read_text())
    labels = study / "dora.labels.csv"
    labels.write_text("\n".join(labels.read_text().splitlines()[:-1]) + "\n")
    refused = run_harken(*command)
    assert refused.exit_code == 2
    assert "were made with other labels of the wearer, or without them; add --again" in refused.stderr
    assert "emil" in refused.stdout
    replaced = run_harken(*command, "--again")
    assert replaced.exit_code == 0
    second = json.loads((out / "taught" / "dora.json").read_text())
    assert second["taught"]["seconds"]["sitting"] < first["taught"]["seconds"]["sitting"]
    assert read_taught(out, "dora") == second["taught"]


def test_after_a_kill_the_stored_model_is_used(run_harken: Run, model: Path, study: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    run_harken("label", study, "--model", model, "--out", whole, "--teach")
    command = ("label", study, "--model", model, "--out", out, "--teach", "--workers", 1)
    killed = run_killed_command(*command, renames_of="dora")
    assert killed.returncode < 0
    stored = out / "taught" / "dora.safetensors"
    written_ns = stored.stat().st_mtime_ns
    assert not (out / "dora").exists()
    assert run_harken(*command).exit_code == 0
    assert stored.stat().st_mtime_ns == written_ns
    for name in ("dora", "emil"):
        assert contents(out / name) == contents(whole / name)
    stored.write_bytes(b"damaged")
    assert run_harken(*command).exit_code == 0
    assert stored.read_bytes() == (whole / "taught" / "dora.safetensors").read_bytes()


KINDS = ("sitting", "standing", "lying_on_back", "walking_parking_lot")
"""Activities of DSADS, whose bouts of 100 s follow one another in a file."""
KIND_S = 100


def write_dsads(data_dir: Path, path: Path, person: str, columns: tuple[str, ...] = ("time", "x", "y", "z")) -> None:
    """Write the beginning of each of ``KINDS`` as a person of DSADS did it, without a pause in between."""
    arm = pl.col("placement").cast(pl.String) == "right_arm"
    rows = pl.scan_parquet(data_dir / "dsads" / "dsads_arms.parquet")
    rows = rows.filter(arm, pl.col("subject").cast(pl.String) == person, pl.col("t") < KIND_S)
    own = rows.with_columns(pl.col("label", "label_orig").cast(pl.String)).collect()
    parts = [
        own.filter(pl.col("label_orig") == kind).with_columns(
            time=people.START_MS / 1000 + KIND_S * place + pl.col("t")
        )
        for place, kind in enumerate(KINDS)
    ]
    pl.concat(parts).select(columns).write_csv(path)


@pytest.fixture(scope="module")
def dsads_model(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of two people of DSADS."""
    folder = tmp_path_factory.mktemp("dsads")
    files = [folder / f"{person}.csv" for person in ("p5", "p6")]
    for file in files:
        write_dsads(data_dir, file, file.stem, ("time", "x", "y", "z", "label"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "small-everyday", people.SMALL_EVERYDAY)
        pictures.leave_undrawn(patch)
        train_run(RunSettings(files=tuple(files), out=folder / "run", preset="small-everyday"), Quiet())
    return folder / "run"


@pytest.mark.second_stage
def test_real_people_are_taught_after_a_kill_and_each_by_own_labels(
    run_harken: Run, data_dir: Path, dsads_model: Path, tmp_path: Path
) -> None:
    study, out, general = (tmp_path / name for name in ("study", "out", "general"))
    study.mkdir()
    for name, person in zip(("anna", "bert", "carl", "dora"), ("p1", "p2", "p3", "p4"), strict=True):
        write_dsads(data_dir, study / f"{name}.csv", person)
    labels = [kind.split("_")[0] for kind in KINDS]
    right = [f"{KIND_S * k + 5},{KIND_S * k + 45},{label}" for k, label in enumerate(labels)]
    (study / "anna.labels.csv").write_text("\n".join(["start_s,end_s,label", *right]) + "\n")
    # Of the same still arm, each ten seconds say something else.
    mixed = [f"{s},{s + 9},{labels[(s // 10 + s // KIND_S) % len(labels)]}" for s in range(0, KIND_S * 4, 10)]
    (study / "bert.labels.csv").write_text("\n".join(["start_s,end_s,label", *mixed]) + "\n")
    (study / "dora.labels.csv").write_text("\n".join(["start_s,end_s,label", *right, "5,4"]) + "\n")
    command = ("label", study, "--model", dsads_model, "--teach", "--out", out, "--workers", 1)
    killed = run_killed_command(*command, renames_of="bert")
    assert killed.returncode == -signal.SIGKILL
    assert (out / "anna" / "summary.json").exists()
    assert not (out / "bert").exists()
    written_ns = (out / "taught" / "anna.safetensors").stat().st_mtime_ns
    ended = run_harken(*command, "--verbose")
    assert ended.exit_code == 0
    assert (out / "taught" / "anna.safetensors").stat().st_mtime_ns == written_ns
    run_harken("label", study, "--model", dsads_model, "--out", general, "--workers", 1)
    anna, bert, carl, dora = (read_taught(out, name) for name in ("anna", "bert", "carl", "dora"))
    assert anna is not None
    assert bert is not None
    assert dora is not None
    assert anna["kept"] is True
    assert anna["recognised"]["after"] > anna["recognised"]["before"]
    assert bert["kept"] is False
    assert carl is None
    assert dora["kept"] is False
    assert "dora.labels.csv, line 6" in dora["reason"]
    for name in ("bert", "carl", "dora"):
        assert contents(out / name) == contents(general / name)
    shown = " ".join(ended.stdout.split())
    assert "bert taught" in shown
    assert "the labelling is left as it was, because a personal model is worse" in shown
    assert "The labels of dora cannot be used, so the general model labels" in shown
    table = pl.read_csv(out / "person.csv")
    assert table["taught"].to_list() == ["personal model", "left as it was", None, "labels not used"]
    page = html.unescape((out / "study.html").read_text())
    assert "The labels of 1 person cannot be used" in page
    timeline = pl.read_parquet(out / "anna" / "timeline.parquet").filter("recorded")
    before = pl.read_parquet(general / "anna" / "timeline.parquet").filter("recorded")
    assert share_of_kinds(timeline, labels) > share_of_kinds(before, labels)


def share_of_kinds(timeline: pl.DataFrame, labels: list[str]) -> float:
    """Return the share of rows of ``write_dsads`` with the right label, without the time that was taught."""
    middle_s = timeline["start"].dt.epoch("ms").to_numpy() / 1000 - people.START_MS / 1000 + 0.25
    truth = np.array(labels)[(middle_s // KIND_S).astype(int)]
    untaught = middle_s % KIND_S > 46
    return float((timeline["label"].to_numpy() == truth)[untaught].mean())


def test_shards_share_the_models_and_summarise_leaves_what_was_taught(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_harken("label", study, "--model", model, "--out", whole, "--teach")
    for shard in ("1/2", "2/2"):
        run_harken("label", study, "--model", model, "--out", parts, "--teach", "--shard", shard)
    assert contents(parts / "dora") == contents(whole / "dora")
    taught = read_taught(whole, "dora")
    run_harken("summarise", whole, "--valid-day", 1)
    assert read_taught(whole, "dora") == taught


def test_nobody_to_teach_is_refused(run_harken: Run, model: Path, study: Path, tmp_path: Path) -> None:
    command = ("label", study / "emil.csv", "--model", model, "--out", tmp_path / "out")
    ended = run_harken(*command, "--teach")
    assert ended.exit_code == 2
    assert "there is nobody to teach: no recording has a file of labels beside it" in ended.stderr
    table = tmp_path / "table.csv"
    table.write_text("subject,start,end,label\nanna,2018-02-20 23:46:40,2018-02-20 23:47:00,lying\n")
    ended = run_harken(*command, "--teach-labels", table)
    assert ended.exit_code == 2
    assert "no row of" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("times", ["elapsed", "instants", "clock", "points"])
def test_the_labelled_time_has_the_labels_of_the_whole_recording(
    model: Path, tmp_path: Path, times: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_turned(tmp_path / "dora.csv", 11)
    start_s = people.START_MS // 1000
    tables = {
        "elapsed": "start_s,end_s,label\n30.3,50,walking\n62,74,sitting\n",
        "instants": f"start,end,label\n{start_s + 30},{start_s + 50},walking\n{start_s + 62},{start_s + 74},sitting\n",
        "clock": "start,end,label\n23:47:10,23:47:30,walking\n23:47:42,23:47:54,sitting\n",
        "points": "start_s,label\n30.3,walking\n50,stop\n120,sitting\n",
    }
    (tmp_path / "dora.labels.csv").write_text(tables[times])
    monkeypatch.setattr("harken.labelling.teaching.MARGIN_S", 5.0)
    recogniser, settings = Recogniser.load(model), LabelSettings()
    prepared = prepare_file(path, recogniser, settings)
    lesson = Lesson("dora", (path,), None, tmp_path / "taught" / "dora")
    part = read_labelled_time(lesson, path, prepared, settings)
    assert part is not None
    (whole,) = LabelledFiles([path], TableOptions(), LabelOptions()).read(path)
    assert len(part) < len(whole)
    labelled, of_part = whole.label_codes >= 0, part.label_codes >= 0
    assert part.label_names == whole.label_names
    np.testing.assert_array_equal(part.time_ns[of_part], whole.time_ns[labelled])
    np.testing.assert_array_equal(part.label_codes[of_part], whole.label_codes[labelled])
    np.testing.assert_array_equal(part.signals[of_part], whole.signals[labelled])
    first_ns, last_ns = whole.time_ns[labelled][[0, -1]]
    around = (whole.time_ns >= first_ns - 6 * 10**9) & (whole.time_ns <= last_ns + 6 * 10**9)
    assert set(part.time_ns) <= set(whole.time_ns[around])
