"""``harken label --teach``: each wearer who has labels is labelled by an own model, if it is better."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import people
from command_line import Run
from harken import LabelSettings, Recogniser
from harken.annotations.labelled_files import LabelledFiles
from harken.annotations.options import LabelOptions
from harken.labelling.file import prepare_file
from harken.labelling.teaching import Lesson, read_labelled_time
from harken.readers import TableOptions
from killed_commands import run_killed_command

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
    without = run_harken("label", study, "--model", model, "--out", out)
    assert without.exit_code == 2
    assert "by another model; add --again to replace them" in without.stderr


def test_a_model_of_one_file_labels_all_files_of_the_wearer(
    run_harken: Run, model: Path, study: Path, tmp_path: Path
) -> None:
    write_turned(study / "tuesday.csv", 13, later_s=86_400)
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
    rows = [f"{person},{routine},2018-02-20 23:46:40" for person, routine in starts.items()]
    table.write_text("\n".join(["person,routine,start", *rows]) + "\n")
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
    assert "taught, but left as it is" in ended.stdout
    run_harken("label", study / "emil.csv", "--model", model, "--out", tmp_path / "general")
    assert contents(out / "emil") == contents(tmp_path / "general" / "emil")
    shown = " ".join(run_harken(*command, "--verbose").stdout.split())
    assert "emil taught lying" in shown
    assert "is left as it is: " in shown


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("0,20,lying\n", "only one label was recorded"),
        ("0,20,dancing\n30,50,jumping\n", "the model does not know “dancing” and “jumping”"),
        ("0,20,lying\n10,50,walking\n", "the interval overlaps that of line 2"),
        ("0,20,lying\n30,9000,walking\n", "lies outside the recording"),
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
