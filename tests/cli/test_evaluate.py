"""``harken evaluate``: unseen people apart from people it learned from, and models that are refused."""

import json
import shlex
import socket
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from sklearn.metrics import f1_score

import people
from command_line import Run
from harken.cli.evaluate import print_confusion
from harken.models.scores import score


def test_another_recording_of_a_known_person_is_no_unseen(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    another = people.write_person(tmp_path / "alice.csv", 11)
    model = trained / "run" / "model.safetensors"
    result = json.loads(run_harken("evaluate", model, another, trained / "bob.csv", "--json").stdout)
    assert set(result["known_people"]["people"]) == {"alice"}
    assert set(result["unseen"]["people"]) == {"bob"}
    alone = run_harken("evaluate", model, another)
    assert "not unseen people" in alone.stdout
    assert json.loads(run_harken("evaluate", model, another, "--json").stdout)["mean_person_macro_f1"] is None


def test_a_training_recording_is_recognised_in_another_unit_cut_and_renamed(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    header, *lines = (trained / "alice.csv").read_text().splitlines()
    assert header == "Timestamp,X,Y,Z,P,Label"
    rows = [line.split(",") for line in lines[130:2600]]
    in_g = [
        f"{int(t) + 98_765},{','.join(f'{float(v) / 9.80665:.5f}' for v in xyz)},{p},{name}"
        for t, *xyz, p, name in rows
    ]
    copy = tmp_path / "mallory.csv"
    copy.write_text("\n".join([header, *in_g]) + "\n")
    model = trained / "run" / "model.safetensors"
    ended = run_harken("evaluate", model, copy, trained / "bob.csv")
    assert ended.exit_code == 0
    assert "mallory.csv: the model was trained on 100 % of this recording" in " ".join(ended.stdout.split())
    result = json.loads(run_harken("evaluate", model, copy, trained / "bob.csv", "--json").stdout)
    assert result["training_shares"] == {str(copy): 1.0}
    assert set(result["known_people"]["people"]) == {"mallory"}
    assert set(result["unseen"]["people"]) == {"bob"}


def test_half_a_known_recording_makes_its_wearer_known(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    bob, alice = ((trained / f"{name}.csv").read_text().splitlines() for name in ("bob", "alice"))
    later = [f"{int(line.partition(',')[0]) + 3_600_000},{line.partition(',')[2]}" for line in alice[1:]]
    both = tmp_path / "both.csv"
    both.write_text("\n".join([*bob, *later]) + "\n")
    result = json.loads(run_harken("evaluate", trained / "run", both, "--json").stdout)
    assert result["unseen"] is None
    assert result["training_shares"][str(both)] == pytest.approx(0.5, abs=0.15)


def write_mislabelled(source: Path, path: Path, *, bout: int, label: str) -> Path:
    """Write a recording in which one bout has another label than the person's movement."""
    header, *lines = source.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    first = [number for number, row in enumerate(rows) if not number or row[-1] != rows[number - 1][-1]]
    for row in rows[first[bout] : first[bout + 1]]:
        row[-1] = label
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return path


def test_the_worst_bouts_of_unseen_people_have_commands_that_open_them(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    bob = write_mislabelled(trained / "bob.csv", tmp_path / "bob.csv", bout=1, label="sitting")
    known = write_mislabelled(trained / "alice.csv", tmp_path / "alice.csv", bout=1, label="sitting")
    command = ("evaluate", trained / "run", bob, known, "--timezone", "Europe/Athens")
    result = json.loads(run_harken(*command, "--json").stdout)
    assert {bout["subject"] for bout in result["worst_bouts"]} == {"bob"}
    worst = result["worst_bouts"][0]
    assert (worst["file"], worst["label"], worst["predicted"]) == (str(bob), "sitting", "walking")
    assert (worst["wrong"], worst["windows"], worst["test"]) == (worst["windows"], worst["windows"], "unseen people")
    begin = people.START_MS / 1000 + 30  # after a bout of 20 s and a gap of 10 s
    assert datetime.fromisoformat(worst["start"]).timestamp() == pytest.approx(begin)
    assert datetime.fromisoformat(worst["end"]).timestamp() == pytest.approx(begin + 20, abs=0.1)
    bouts = [bout["badness"] for bout in result["worst_bouts"]]
    assert bouts == sorted(bouts, reverse=True)
    shown = run_harken(*command).stdout
    assert f"bob.csv, 2018-02-21 01:47:10 to 01:47:29: sitting taken for walking, {worst['wrong']} of" in shown
    assert f"\n  {worst['command']}\n" in shown
    typed = shlex.split(worst["command"])
    assert typed[:3] == ["harken", "annotate", str(bob)]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        opened = run_harken(*typed[1:], "--no-open", "--port", taken.getsockname()[1])
    assert "cannot listen at" in opened.stderr  # all else about the command is right


def test_a_picture_of_the_confusion_matrix(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    model, picture = trained / "run" / "model.safetensors", tmp_path / "confusion.png"
    assert run_harken("evaluate", model, trained / "bob.csv", "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    paper = tmp_path / "confusion.PDF"
    assert run_harken("evaluate", model, trained / "bob.csv", "--plot", paper).exit_code == 0
    assert paper.read_bytes().startswith(b"%PDF")


def test_predictions_give_the_reported_scores_again(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    another, path = people.write_person(tmp_path / "alice.csv", 11), tmp_path / "all.parquet"
    command = ("evaluate", trained / "run", another, trained / "bob.csv", trained / "carol.csv", "--json")
    result = json.loads(run_harken(*command, "--predictions", path).stdout)
    rows = pl.read_parquet(path)
    labels = [name.removeprefix("probability_") for name in rows.columns if name.startswith("probability_")]
    for unseen, group in ((True, "unseen"), (False, "known_people")):
        found = {}
        for (person,), theirs in rows.filter(unseen=unseen).group_by("person"):
            given = np.array(labels)[theirs.select(r"^probability_.*$").to_numpy().argmax(axis=1)]
            found[person] = f1_score(theirs["truth"], given, average="macro", zero_division=0)
            assert theirs["recording"].unique().to_list() == [
                str(another if person == "alice" else trained / f"{person}.csv")
            ]
        reported = {person: one["macro_f1"] for person, one in result[group]["people"].items()}
        assert found == pytest.approx(reported, abs=1e-12)


def test_unsure_below_counts_the_answers_of_each_person(run_harken: Run, trained: Path) -> None:
    files = {name: trained / f"{name}.csv" for name in ("bob", "carol")}
    command = ("evaluate", trained / "run", "--json", "--unsure-below", 0.95)
    both = json.loads(run_harken(*command, *files.values()).stdout)["with_unsure"]["unseen"]
    own = [json.loads(run_harken(*command, file).stdout)["with_unsure"]["unseen"] for file in files.values()]
    assert 0 < both["coverage"] < 1
    for name, one in zip(files, own, strict=True):
        assert both["people"][name] == one["people"][name]
    assert both["answers"] == sum(one["answers"] for one in own)


def test_only_windows_of_the_named_labels_are_scored(run_harken: Run, trained: Path) -> None:
    command = ("evaluate", trained / "run", trained / "bob.csv")
    every = json.loads(run_harken(*command, "--json").stdout)["all_unseen"]
    kept = [name in ("walking", "sitting") for name in every["labels"]]
    expected = [row if keep else [0] * len(row) for row, keep in zip(every["confusion"], kept, strict=True)]
    assert expected != every["confusion"]
    for options in (("walking, sitting",), ("Walking", "--only-labels", "sitting")):
        some = json.loads(run_harken(*command, "--json", "--only-labels", *options).stdout)
        assert some["all_unseen"]["confusion"] == expected
        f1 = [
            2 * row[k] / (sum(row) + sum(other[k] for other in expected)) for k, row in enumerate(expected) if sum(row)
        ]
        assert some["all_unseen"]["macro_f1"] == pytest.approx(sum(f1) / 2)
    assert "Only windows labelled walking and sitting are scored" in (
        run_harken(*command, "--only-labels", "walking,sitting").stdout
    )
    misspelt = run_harken(*command, "--only-labels", "walking,siting")
    assert (misspelt.exit_code, misspelt.stdout) == (2, "")
    assert "--only-labels siting: no recording has this label; the labels are lying, sitting" in misspelt.stderr


def test_a_file_that_cannot_be_scored_does_not_stop_the_others(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    model = trained / "run"
    (tmp_path / "bob.csv").write_bytes((trained / "bob.csv").read_bytes())
    bad = tmp_path / "bad"
    bad.mkdir()
    header, *rows = (trained / "carol.csv").read_text().splitlines()
    unlabelled = [header, *(row.rpartition(",")[0] + "," for row in rows)]
    (bad / "unlabelled.csv").write_text("\n".join(unlabelled) + "\n")
    people.write_person(bad / "jumper.csv", 4, bouts=("jumping",))
    people.write_person(bad / "short.csv", 5, seconds=1)
    (bad / "broken.csv").write_text("nothing,of\nuse,here\n")
    (bad / "alice.csv").write_bytes((trained / "alice.csv").read_bytes())
    reasons = {
        "alice": "the model was trained on this recording",
        "broken": "no column",
        "jumper": "the label jumping is not among the labels of the model",
        "short": "no window of",
        "unlabelled": "no row has a label",
    }
    ended = run_harken("evaluate", model, tmp_path, "--json")
    assert ended.exit_code == 2
    result = json.loads(ended.stdout)
    assert set(result["unseen"]["people"]) == {"bob"}
    assert [Path(one["file"]).stem for one in result["failures"]] == sorted(reasons)
    for one in result["failures"]:
        stem = Path(one["file"]).stem
        assert reasons[stem] in one["reason"]
        assert not one["reason"].startswith(str(tmp_path))
        assert f"{bad / stem}.csv: " in ended.stderr
    alone = json.loads(run_harken("evaluate", model, trained / "bob.csv", "--json").stdout)
    assert alone.pop("failures") == []
    unknown, unknown_alone = (one.pop("mounting_warnings") for one in (result, alone))
    assert unknown == unknown_alone == {}
    assert {name: result[name] for name in alone} == alone

    ended = run_harken("evaluate", model, tmp_path)
    assert (ended.exit_code, "bob" in ended.stdout) == (2, True)
    assert "5 of 6 files could not be used" in ended.stderr
    ended = run_harken("evaluate", model, bad)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "5 of 5 files could not be used" in ended.stderr
    jumper = run_harken("evaluate", model, tmp_path / "bob.csv", bad / "jumper.csv", "--ignore-label", "jumping")
    assert "jumper.csv: " in jumper.stderr
    assert "no labelled window is left to score" in jumper.stderr


def test_a_confusion_matrix_that_is_too_wide_becomes_a_line_a_label(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 windows of each label 300 are right, 80 are taken for the next label, and 20 for the one after."""
    labels = 18
    monkeypatch.setenv("COLUMNS", "80")
    truth = np.repeat(np.arange(labels), 400)
    wrong_by = np.tile(np.repeat([0, 1, 2], [300, 80, 20]), labels)
    names = tuple(f"activity {number}" for number in range(labels))
    print_confusion(Console(highlight=False), score(truth, (truth + wrong_by) % labels, names))
    text = capsys.readouterr().out
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "activity 0 400 75.0 % activity 1 (20.0 %), activity 2 (5.0 %)" in " ".join(text.split())
    assert "activity 17 400 75.0 % activity 0 (20.0 %), activity 1 (5.0 %)" in " ".join(text.split())
