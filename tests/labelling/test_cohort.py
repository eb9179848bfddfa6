"""Many files: in processes, in shards, and on a Dask cluster with a worker that is killed. The results are the same."""

import os
import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import people
from command_line import Run
from harken.annotations.folders import recordings_in
from harken.labelling.cohort import FileTask, labelling, run_cohort, shard_of
from harken.labelling.file import label_file
from harken.labelling.settings import LabelSettings
from harken.labelling.stored import read_summary
from harken.support.errors import HarkenError

NAMES = ["anna", "bert", "carl", "p1_wrist", "p2_wrist"]


@pytest.fixture(scope="session")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five recordings in two folders, two of one name, and one that is none."""
    folder = tmp_path_factory.mktemp("drawer")
    for number, name in enumerate(("p1/wrist", "p2/wrist", "p1/anna", "p2/bert", "p2/carl")):
        path = folder / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        people.write_person(path, number, bouts=("lying", "walking"))
    (folder / "p1" / "broken.csv").write_text("nothing,of\nuse,here\n")
    (folder / "p1" / "notes.doc").write_text("not a recording")
    return folder


def contents(out: Path) -> dict[str, bytes]:
    """Every result that does not name a time or a path."""
    names = ("timeline.parquet", "bouts.csv", "days.csv", "days_all.parquet", "hours.csv", "movement.parquet")
    return {f"{name}/{file}": (out / name / file).read_bytes() for name in NAMES for file in names}


def test_a_folder_is_labelled_with_what_is_in_it_and_shards_together_give_the_same(
    run_harken: Run, drawer: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    ended = run_harken("label", drawer, "--out", whole, "--workers", 2)
    assert ended.exit_code == 2
    assert "broken.csv" in ended.stderr
    assert sorted(path.name for path in whole.glob("*/") if path.name != "joined") == NAMES
    assert pl.read_csv(whole / "failures.csv")["file"].to_list() == [str(drawer / "p1" / "broken.csv")]
    for number in (1, 2, 3):
        run_harken("label", drawer, "--out", parts, "--shard", f"{number}/3", "--workers", 1)
    assert contents(parts) == contents(whole)
    assert len(list(parts.glob("failures-*.csv"))) == 1
    for table in ("cohort.parquet", "quality.parquet"):
        assert pl.read_parquet(parts / table).equals(pl.read_parquet(whole / table))
    days, files = (pl.read_parquet(whole / f"{name}.parquet") for name in ("cohort", "quality"))
    # Files of one name in different folders count as one person.
    assert days["name"].to_list() == [*NAMES[:-2], ", ".join(NAMES[-2:])]
    assert all(Path(file).stem in name for file, name in files.select("file", "name").rows())
    assert {Path(file).parent.name for file in files["file"]} == {path.parent.name for path in drawer.glob("*/*")}
    assert days["date"].dtype == pl.Date
    assert (days["recorded_hours"] > 0).all()
    assert not list(whole.glob(".writing-*"))


@pytest.mark.parametrize("fault", [ZeroDivisionError, pl.exceptions.PanicException])
def test_a_fault_of_ours_costs_one_file(
    drawer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    import harken.labelling.cohort as running

    def faulty(path: Path, **named: Any) -> Any:
        if path.stem == "anna":
            raise fault("oh")
        return label_file(path, **named)

    monkeypatch.setattr(running, "label_file", faulty)
    tasks = [FileTask(drawer / f"{name}.csv", tmp_path / Path(name).name) for name in ("p1/anna", "p2/bert")]
    anna, bert = run_cohort(tasks, labelling(None, LabelSettings()))
    assert anna.error is not None
    assert f"a fault in harken: {fault.__name__}: oh" in str(anna.error)
    assert bert.error is None
    assert [path.name for path in tmp_path.iterdir()] == ["bert"]  # nothing half-written


def test_two_files_of_one_name_that_are_labelled_at_once_do_not_replace_each_other(
    drawer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import harken.labelling.cohort as running

    anna, bert = drawer / "p1" / "anna.csv", drawer / "p2" / "bert.csv"
    folder = tmp_path / "P01"

    def label_while_another_command_ends(path: Path, **named: Any) -> Any:
        label_file(bert, out=folder)
        return label_file(path, **named)

    monkeypatch.setattr(running, "label_file", label_while_another_command_ends)
    (outcome,) = run_cohort([FileTask(anna, folder, "p1_P01")], labelling(None, LabelSettings()))
    assert outcome.error is not None
    assert str(outcome.error).endswith("to keep both, add --name p1_P01")
    assert read_summary(folder)["subject"] == "bert"


def test_what_is_a_recording(tmp_path: Path) -> None:
    for name in (
        "b.cwa",
        "a/x.CSV.gz",
        "a/sim.parquet",
        "a/sim.truth.parquet",
        ".hidden.csv",
        "out/old.csv",
        "n.doc",
        "a/p.png",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = recordings_in([tmp_path, tmp_path / "n.doc"], out=tmp_path / "out")
    names = [str(path.relative_to(tmp_path)) for path in found.files]
    assert names == ["a/sim.parquet", "a/x.CSV.gz", "b.cwa", "n.doc"]
    truth = tmp_path / "a" / "sim.truth.parquet"
    assert found.notes == [
        f"skipped, not a recording: {truth} (the truth of a simulation)",
        f"skipped, not a recording: {tmp_path / 'a' / 'p.png'} (unknown file type)",
    ]
    (tmp_path / "none").mkdir()
    with pytest.raises(HarkenError, match="this folder contains no recording"):
        recordings_in([tmp_path / "none"])


def test_a_result_of_harken_is_not_a_recording_and_is_named(tmp_path: Path) -> None:
    for name in (
        *("anna.csv", "run/run.json", "run/history.csv", "run/model.safetensors"),
        *("earlier/cohort.parquet", "earlier/quality.parquet", "earlier/failures.csv"),
        *("earlier/anna/summary.json", "earlier/anna/timeline.parquet", "earlier/anna/bouts.csv"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = recordings_in([tmp_path])
    assert found.files == [tmp_path / "anna.csv"]
    assert found.notes == [
        f"skipped, not a recording: {tmp_path / 'run'} (a run of harken train)",
        f"skipped, not a recording: {tmp_path / 'earlier' / 'anna'} and 3 more (results of harken label)",
    ]
    with pytest.raises(HarkenError, match=r"not a recording but a run of harken train; .*--model .*run --out DIR"):
        recordings_in([tmp_path / "run"])
    with pytest.raises(
        HarkenError, match="not a recording but results of harken label; name the file that was labelled"
    ):
        recordings_in([tmp_path / "earlier" / "anna"])
    with pytest.raises(HarkenError, match=r"this folder contains no recording .*; skipped, not a recording: .*earlier"):
        recordings_in([tmp_path / "earlier"])


def test_the_failures_of_a_call_that_labelled_nothing_are_no_recording(tmp_path: Path) -> None:
    (tmp_path / "anna.csv").touch()
    (tmp_path / "failures.csv").write_text("file,reason\nnowhere.csv,there is no such file\n")
    (tmp_path / "failures_of_the_heart.csv").write_text("time,x,y,z\n")
    found = recordings_in([tmp_path])
    assert found.files == [tmp_path / "anna.csv", tmp_path / "failures_of_the_heart.csv"]


def test_shards_are_every_file_once() -> None:
    items = list(range(11))
    assert sorted(item for number in range(1, 5) for item in shard_of(items, f"{number}/4")) == items
    assert shard_of(items, "12/12") == []
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0"):
        with pytest.raises(HarkenError, match="number of this shard"):
            shard_of(items, wrong)


@pytest.mark.second_stage
@pytest.mark.filterwarnings("ignore")
def test_a_dask_worker_is_killed_and_every_result_is_that_of_this_process(
    drawer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    files = {name: next(drawer.glob(f"*/{name}.csv")) for name in NAMES[:3]}
    files |= {f"{folder}_wrist": drawer / folder / "wrist.csv" for folder in ("p1", "p2")}
    work = labelling(None, LabelSettings())
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    for out in (alone, shared):
        out.mkdir()
    ended = run_cohort([FileTask(path, alone / name) for name, path in files.items()], work)
    assert [one.error for one in ended] == [None] * 5
    outcomes = []
    tasks = [FileTask(path, Path("shared", name)) for name, path in files.items()]
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = list(client.run(os.getpid).values())
        monkeypatch.chdir(tmp_path)  # not that of the workers
        for outcome in run_cohort(tasks, work, scheduler=cluster.scheduler_address):
            outcomes.append(outcome)
            if len(outcomes) == 1:
                os.kill(workers[0], signal.SIGKILL)
    assert [one.error for one in outcomes] == [None] * 5
    assert contents(shared) == contents(alone)


@pytest.mark.second_stage
def test_a_process_that_dies_costs_its_own_file_and_no_other(
    drawer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that kills whoever reads it, as one does whose samples do not fit into memory."""
    (tmp_path / "site").mkdir()
    # Processes that are started find this on their path, and run it first.
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os, builtins\n"
        "import harken.labelling.file as file\n"
        "opening = file.open_stream\n"
        "def deadly(path, **options):\n"
        "    if path.stem == 'carl': os._exit(137)\n"
        "    if path.stem == 'bert': os.abort()\n"
        "    return opening(path, **options)\n"
        "file.open_stream = deadly\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    (out := tmp_path / "out").mkdir()
    tasks = [FileTask(path, out / f"{path.parent.name}_{path.stem}") for path in recordings_in([drawer]).files]
    outcomes = list(run_cohort(tasks, labelling(None, LabelSettings()), workers=2))
    assert sorted(outcome.task.folder for outcome in outcomes) == sorted(task.folder for task in tasks)
    reasons = {outcome.task.path.stem: str(outcome.error) for outcome in outcomes if outcome.error is not None}
    assert set(reasons) == {"broken", "bert", "carl"}
    assert "was killed, probably because memory ran out" in reasons["carl"]
    assert "crashed, probably because the file is damaged; export or copy it again" in reasons["bert"]
