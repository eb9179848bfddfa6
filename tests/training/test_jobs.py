"""What the commands do can be called from Python: each function beside its command, with the same result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harken
import people
from harken import HarkenError
from harken.annotations.options import NO_LABEL


def scores_of(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())["scores"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people's recordings, and a file that is none."""
    for seed, name in enumerate(("alice", "bob", "carol"), 1):
        people.write_person(tmp_path / f"{name}.csv", seed)
    (tmp_path / "broken.csv").write_text("nothing\n")
    return tmp_path


@pytest.mark.usefixtures("small_preset", "undrawn")
def test_train_and_evaluate_are_the_commands(folder: Path, run_harken: Callable[..., Any]) -> None:
    alice, bob, carol = (folder / f"{name}.csv" for name in ("alice", "bob", "carol"))
    outcome = harken.train(alice, cross=bob, out=folder / "job", preset="small-everyday", threads=1)
    ended = run_harken(
        "train", alice, "--cross", bob, "--out", folder / "command", "--preset", "small-everyday", "--threads", 1
    )
    assert ended.exit_code == 0
    assert outcome is not None
    assert outcome.scores_as_dict() == scores_of(folder / "job") == scores_of(folder / "command")
    assert (folder / "job" / "model.safetensors").read_bytes() == (
        folder / "command" / "model.safetensors"
    ).read_bytes()
    assert harken.train(alice, cross=bob, out=folder / "job", preset="small-everyday", resume=True) is None

    files = [bob, folder / "broken.csv", carol]
    evaluated = harken.evaluate(folder / "job", files, unsure_below=0.6)
    command = run_harken("evaluate", folder / "job", *files, "--unsure-below", 0.6, "--json")
    assert (command.exit_code, json.loads(command.stdout)) == (2, evaluated.as_dict())
    assert [path.name for path, _ in evaluated.failures] == ["broken.csv"]
    recogniser = harken.Recogniser.load(folder / "job")
    assert harken.evaluate(recogniser, files, unsure_below=0.6).as_dict() == evaluated.as_dict()


@pytest.mark.usefixtures("small_preset", "undrawn")
def test_a_table_of_several_people_is_their_recordings(folder: Path, run_harken: Callable[..., Any]) -> None:
    study = people.write_study(folder / "study.csv", ("alice", "bob"))
    options: dict[str, Any] = {"preset": "small-everyday", "threads": 1, "epochs": 1}
    table = harken.train(study, cross=folder / "carol.csv", out=folder / "table", **options)
    assert table is not None
    assert [(one.short_name, one.mended.subject) for one in table.data.training] == [
        ("study.csv, alice", "alice"),
        ("study.csv, bob", "bob"),
    ]
    page = (folder / "table" / "report.html").read_text()
    assert "study.csv, bob" in page
    assert "another subject" not in page
    with pytest.raises(HarkenError, match=r"bob\.csv and .*study\.csv, bob hold the same recording"):
        harken.train(folder / "bob.csv", cross=study, out=folder / "both", **options)

    others = people.write_study(folder / "others.csv", ("dora", "emil"))
    evaluated = harken.evaluate("packaged", others)
    assert evaluated.scores.unseen is not None
    assert sorted(evaluated.scores.unseen.people) == ["dora", "emil"]
    command = run_harken("evaluate", "packaged", others, "--json")
    assert (command.exit_code, json.loads(command.stdout)) == (0, evaluated.as_dict())
    lines = [line.replace(",walking,emil", ",,emil") for line in others.read_text().splitlines()]
    others.write_text("\n".join(line.replace("lying,emil", ",emil").replace("sitting,emil", ",emil") for line in lines))
    partly = harken.evaluate("packaged", others)
    assert [(path, str(why)) for path, why in partly.failures] == [(others, f"{others}, emil: {NO_LABEL}")]


@pytest.mark.usefixtures("small_preset", "undrawn")
def test_benchmark_is_the_command(folder: Path, run_harken: Callable[..., Any]) -> None:
    study = people.write_study(folder / "study.csv", seconds=60)
    job = harken.benchmark(
        study,
        protocol="leave-one-person-out",
        out=folder / "job",
        preset="small-everyday",
        epochs=1,
        baselines=[people.SMALL, "sklearn.naive_bayes:GaussianNB"],
        folds=["1"],
        workers=0,
        reading=harken.TableOptions(acceleration_unit="m/s2", sensor_range_g=8),
    )
    assert job == json.loads((folder / "job" / "benchmark.json").read_text())
    assert list(job["folds"]) == ["bob"]
    assert job["dataset"] == "study.csv"
    said = job["command"]
    assert said == (
        "harken benchmark study.csv --protocol leave-one-person-out --out DIR --preset small-everyday --epochs 1 "
        "--baseline small --baseline sklearn.naive_bayes:GaussianNB --seed 0 --fold 1 --unit m/s2 --sensor-range 8"
    )
    arguments = said.replace("DIR", str(folder / "command")).replace("study.csv", str(study)).split()[1:]
    command = run_harken(*arguments, "--workers", 0, "--json")
    assert command.exit_code == 0
    found = json.loads(command.stdout)
    assert [found[key] for key in ("methods", "differences", "windows")] == [
        job[key] for key in ("methods", "differences", "windows")
    ]


def test_benchmark_refuses_what_is_neither_a_study_nor_a_data_set(folder: Path) -> None:
    def refused(match: str, data: Any, **changes: Any) -> None:
        options: dict[str, Any] = {"protocol": "leave-one-person-out", "out": folder / "out", "workers": 0} | changes
        with pytest.raises(HarkenError, match=match):
            harken.benchmark(data, **options)
        assert not (folder / "out").exists()

    study = people.write_study(folder / "study.csv")
    refused("no such file or folder, and no data set of this name; the data sets are wisdm, ", "nobody")
    refused(
        "the protocols of one's own studies are leave-one-person-out and leave-one-study-out, not 'unseen'",
        study,
        protocol="unseen",
    )
    refused("--data is the folder of a data set", study, folders=[folder])
    refused("options for reading tables are for files", "wisdm", reading=harken.TableOptions(skip_rows=1))
    refused("2 or more people are needed, not 1", folder / "alice.csv")
    refused("without a preset there must be a baseline", study, preset=None)
    refused("there is no preset", study, preset=None, epochs=3, baselines=["random_forest"])
    refused("'zero'; .* module:Class names a classifier", study, baselines=["zero"])


def test_inspect_is_the_command(folder: Path, run_harken: Callable[..., Any]) -> None:
    command = run_harken("inspect", folder / "alice.csv", "--json")
    assert json.loads(command.stdout) == [harken.inspect(folder / "alice.csv").as_dict()]
    rows = (folder / "alice.csv").read_text().splitlines()
    (folder / "nameless.csv").write_text("\n".join(rows[1:]))
    with pytest.raises(HarkenError):
        harken.inspect(folder / "nameless.csv", reading=harken.TableOptions(x_column="9"))
    with pytest.raises(HarkenError, match=r"no-such\.csv"):
        harken.inspect(folder / "no-such.csv")


def test_labelling_does_not_replace_what_is_no_result(folder: Path) -> None:
    labelled = harken.label_file(folder / "alice.csv", model=harken.Recogniser.load(), out=folder / "job")
    (folder / "job" / "mine.txt").write_text("not to be lost")
    with pytest.raises(HarkenError, match=r"job contains mine\.txt, which is not a result of harken"):
        labelled.write(folder / "job")
    with pytest.raises(HarkenError, match=r"alice\.csv is a file; results need a folder"):
        labelled.write(folder / "alice.csv")
