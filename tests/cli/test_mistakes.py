"""A mistake gets one sentence and exit code 2, whatever the command, and nothing is written."""

from pathlib import Path

import pytest

import people
from command_line import Run


@pytest.fixture(scope="module")
def places(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model and its folder, and recordings with which something is the matter."""
    folder = tmp_path_factory.mktemp("places")
    rows = (trained / "alice.csv").read_text().splitlines()
    written = {
        "unlabelled": "\n".join([rows[0], *(row.rpartition(",")[0] + "," for row in rows[1:])]),
        "someone": "\n".join(rows),
        "one": "\n".join(rows[:2]),
        "anna.labels": "start,end,label\n",
        "diary": "subject,date,onset,wake\nbob,2018-02-20,23:00,07:00\nbob,2018-02-21,late,07:00\n",
        "segments": "segment,days,start,end\nfirst,,23:47,23:48\nall,,12:00,12:00 \n",
    }
    for name, text in written.items():
        (folder / f"{name}.csv").write_text(text)
    people.write_person(folder / "sleeper.csv", 5, bouts=("lying", "lying"))
    people.write_person(folder / "jumper.csv", 4, bouts=("lying", "jumping"))
    people.write_person(folder / "short.csv", 5, seconds=1)
    people.write_study(folder / "study.csv", seconds=5)
    model = trained / "run" / "model.safetensors"
    (folder / "cut.safetensors").write_bytes(model.read_bytes()[:500])
    (folder / "old.onnx").touch()
    (folder / "empty").mkdir()
    (folder / "other").mkdir()
    (folder / "other" / "letter.txt").write_text("dear")
    made = {path.name.replace(".", "_"): path for path in folder.iterdir()}
    names = ("alice", "bob", "carol")
    return made | {"run": trained / "run", "model": model} | {name: trained / f"{name}.csv" for name in names}


@pytest.mark.usefixtures("small_preset")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        # Where a file is to be written is checked before anything is read.
        ("evaluate {model} missing.csv --plot gone/a.png", "--plot gone/a.png: there is no folder gone; make it"),
        (
            "evaluate {model} missing.csv --predictions gone/a.parquet",
            "--predictions gone/a.parquet: there is no",
        ),
        ("evaluate {model} missing.csv --plot {empty}/gone/a.png", "/empty/gone; make it, or name a file in another"),
        (
            "compare {model} {model} missing.csv --plot gone/a.svg",
            "--plot gone/a.svg: there is no folder gone",
        ),
        ("inspect missing.csv --plot gone/a.png", "--plot gone/a.png: there is no folder gone; make it"),
        ("adapt {model} missing.csv --out gone/a.safetensors", "--out gone/a.safetensors: there is no folder gone"),
        ("export {cut_safetensors} --out gone/a.onnx", "--out gone/a.onnx: there is no folder gone; make it"),
        ("train {alice} --out o --cross missing.csv", "missing.csv: there is no such file"),
        ("train {alice} --out o --cross {alice} --preset small", "hold the same recording"),
        ("train {alice} --out o --cross-labels {alice}", "--cross-labels is for the recordings of unseen people"),
        (
            "train {alice} --out o --cross-labels-offset 9",
            "--cross-labels-offset is for the recordings of unseen people",
        ),
        (
            "train {alice} --out o --cross {bob} --cross-labels-offset 9",
            "--cross-labels-offset is for files of labels, but all labels are in the recordings. Name the file with "
            "--cross-labels",
        ),
        ("train {alice} --out o --preset small --rename lyin=a", "--rename lyin: no recording has this label; the"),
        ("train {alice} --out o --preset best", "there is no preset 'best'; the presets are everyday, "),
        ("train {alice} --out o --preset small --epochs 0", "epochs must be at least 1, got 0"),
        ("train {alice} --out o --preset small --channels x,y,q", "has no channel q"),
        (
            "train {alice} --out o --preset small --cross {unlabelled_csv}",
            "unlabelled.csv: no row has a label; name the column of labels with --label-column",
        ),
        (
            "train {sleeper_csv} --out o --preset small",
            "training needs at least two labels, but every window is lying",
        ),
        ("train {short_csv} --out o --preset small", "no window of 32 samples with one label can be found"),
        ("train {alice} --out o --preset small --device tpu", "there is no device 'tpu'"),
        ("train {empty} --out o", "this folder contains no recording"),
        ("evaluate none.safetensors {bob}", "there is no such model file"),
        ("evaluate {cut_safetensors} {bob}", "not a whole model file"),
        ("evaluate {bob} {bob}", "bob.csv: not a model file. Models end in .safetensors"),
        ("evaluate {model} {someone_csv}", "the model was trained on this recording"),
        ("evaluate {model} {one_csv}", "one.csv: one sample is too short for a window"),
        ("evaluate {model} {jumper_csv}", "jumper: the label jumping is not among the labels of the model"),
        ("evaluate {model} {bob} --unsure-below 1.5", "--unsure-below must be a probability from 0 to 1, got 1.5"),
        ("evaluate {model} {bob} --unsure-below nan", "--unsure-below must be a probability from 0 to 1, got nan"),
        ("evaluate {model} {bob} --plot a.jpg", "a name that ends in .png, .pdf or .svg"),
        ("evaluate {model} {bob} --predictions a.csv", "a name that ends in .parquet"),
        ("adapt {model} {study_csv} --out o.safetensors", "study.csv: contains 3 people (alice, bob, carol); choose"),
        ("adapt none.safetensors {bob} --out o.safetensors", "there is no such model file"),
        (
            "adapt {model} {jumper_csv} --rename jumping=siting --out o.safetensors",
            "“siting” is spelled nearly as “sitting”, which the model knows; rename it (--rename siting=sitting)",
        ),
        ("adapt {model} {alice} --out o.safetensors", "the model was trained on this recording"),
        ("adapt {model} {bob} --out personal.pt", "the name of a model file must end in .safetensors"),
        ("adapt {model} {bob} --out {model}", "is the general model, which must not be overwritten"),
        ("adapt {run} {bob} --out {model}", "is the general model, which must not be overwritten"),
        ("label {bob} --model {model} --out {bob}", "is a file; --out needs a folder"),
        (
            "label {bob} --model {model} --out {other}",
            "is not empty and contains no results; choose another --out, or add --resume",
        ),
        ("label {bob} --model {empty} --out new/out", "this folder holds no model (no model.safetensors)"),
        ("label {bob} --out o --diary {diary_csv}", "line 3: the onset 'late' is not a time such as 23:40"),
        ("label {bob} --out o --segments {segments_csv}", "segments.csv, line 3"),
        (
            "label {run} --out o",
            "this folder is not a recording but a run of harken train; to label recordings with its model: harken "
            "label FILE --model ",
        ),
        ("inspect {alice} {bob} --plot one.png", "one picture for 2 files"),
        ("inspect {alice} --plot picture.pdf", "neither a PNG nor a folder; name a folder"),
        ("inspect {alice} --plot {bob}", "neither a PNG nor a folder"),
        ("export {run} --to coreml --out m.onnx", "cannot be exported to 'coreml'"),
        ("export {run} --out {old_onnx}", "exists already"),
        ("export {run} --out model.bin", "the name of an exported model must end in .onnx"),
        ("export {run}/nothing --out m.onnx", "there is no such model file"),
        ("simulate --days 0 --rate 25 --out a.csv", "--days must be"),
        ("simulate --days 1 --rate -3 --out a.csv", "--rate must be 1 to"),
        ("simulate --days 1 --rate 25 --people 0 --out a.csv", "--people must be at least 1, got 0"),
        ("simulate --days 1 --rate 25 --seed -1 --out a.csv", "whole numbers from 0, got -1"),
        ("simulate --days 1 --rate 25 --out a.xlsx", "a.xlsx: the file name must end in .csv or"),
        ("simulate --days 1 --rate 25 --out nowhere/a.csv", "there is no folder nowhere; create it first"),
        ("datasets mnist", "no data set 'mnist'; the data sets are wisdm, dsads"),
        ("datasets --fetch o", "needs the name of one data set: wisdm"),
        ("datasets exercises --fetch o", 'pip install "harken[demo]"'),
        ("annotate none.csv --no-open", "harken: none.csv: there is no such file\n"),
        ("annotate {empty} --no-open", "empty: this folder contains no recording"),
        (
            "annotate {anna_labels_csv} --no-open",
            "anna.labels.csv: this is a file of labels; name the recording that it belongs to\n",
        ),
        ("annotate {alice} --no-open --no-model --model m", "--no-model and --model contradict one another"),
        ("annotate {alice} --no-open --model none.safetensors", "none.safetensors: there is no such model file\n"),
        ("annotate {alice} --no-open --timezone Mars", "harken: there is no time zone 'Mars'"),
        ("serve --demo --model {model}", "--demo has a model of its own"),
    ],
)
def test_it_is_answered_in_one_sentence(
    run_harken: Run,
    places: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_harken(*command.format(**places).split())
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert ended.stderr.startswith("harken: ")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_labels_that_are_ignored_are_no_mistake(run_harken: Run, places: dict[str, Path], tmp_path: Path) -> None:
    ignoring = (places["model"], places["jumper_csv"], "--ignore-label", "jumping")
    assert run_harken("evaluate", *ignoring).exit_code == 0
    assert run_harken("adapt", *ignoring, "--out", tmp_path / "o.safetensors").exit_code == 0
