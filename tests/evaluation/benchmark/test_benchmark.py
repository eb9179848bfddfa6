"""A benchmark from its protocol to its directory, and all the ways it is stopped, resumed and refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

import people
import study
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.tasks import Finished
from harken.evaluation.protocols import published as protocols
from harken.evaluation.protocols.protocol import Protocol
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.support.files import written_alone
from harken.windows.folds import apply
from harken.windows.windows import Windows
from waiting import until

Settings = Callable[..., BenchmarkSettings]

CHILD = (
    "import people, study; people.register_small_preset(); study.register_study(); from harken.cli import main; main()"
)
PATIENCE_S = 120


class Listening:
    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.heard: list[Finished] = []

    def begins(self, *, tasks: int, done: int) -> None:
        self.begun.append((tasks, done))

    def finished(self, finished: Finished) -> None:
        self.heard.append(finished)


def test_scores_are_those_of_a_model_trained_by_hand_on_the_same_people(whole: Path) -> None:
    windows = study.study_windows()
    expected = {}
    for fold in study.folds(windows):
        parts = apply(fold, windows)
        learned = Recogniser(people.SMALL_EVERYDAY, seed=0, device="cpu").fit(parts.training)
        saved = Recogniser.load(whole / f"fold_{fold.name}" / "small-everyday.safetensors", device="cpu")
        recognised = learned.predict(parts.test)
        assert (saved.predict(parts.test) == recognised).all()
        for person in fold.test:
            own = parts.test.subjects == person
            expected[person] = f1_score(parts.test.labels[own], recognised[own], average="macro", zero_division=0)
    one = json.loads((whole / "benchmark.json").read_text())["methods"]["small-everyday"]
    found = {person: scores["macro_f1"] for fold in one["folds"].values() for person, scores in fold["people"].items()}
    assert found == pytest.approx(expected, abs=1e-12)
    assert one["mean_person_macro_f1"] == pytest.approx(np.mean(list(expected.values())))
    assert one["sd_person_macro_f1"] == pytest.approx(np.std(list(expected.values()), ddof=1))
    assert one["worst_person"]["macro_f1"] == pytest.approx(min(expected.values()))
    assert 0.4 < one["mean_person_macro_f1"] < 1, "a study that teaches nothing, or leaves no mistake, tests nothing"


def test_what_is_missing_is_computed_again_and_nothing_else(settings: Settings, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    listening = Listening()
    assert run_benchmark(settings(resume=True), listening) == json.loads((whole / "benchmark.json").read_text())
    assert (listening.begun, listening.heard) == ([(6, 6)], [])
    (out / "fold_1" / "small-everyday.json").unlink()
    (out / "fold_2" / "small-everyday.safetensors").unlink()
    (out / "benchmark.json").unlink()
    (out / ".windows-left-by-a-kill.npy").write_bytes(b"")
    before = (out / "fold_0" / "small.json").stat().st_mtime_ns
    run_benchmark(settings(resume=True), listening)
    assert {(one.method, one.fold, one.tasks) for one in listening.heard} == {
        ("small-everyday", "1", 6), ("small-everyday", "2", 6),
    }  # fmt: skip
    assert listening.heard[-1].done == 6
    for path in whole.glob("fold_*/*.safetensors"):
        assert (out / path.relative_to(whole)).read_bytes() == path.read_bytes()
    assert (out / "fold_0" / "small.json").stat().st_mtime_ns == before
    assert study.without_times(out / "benchmark.json") == study.without_times(whole / "benchmark.json")
    assert not list(out.glob(".*"))


def test_some_folds_first_and_the_others_later(settings: Settings, whole: Path, tmp_path: Path) -> None:
    asked = settings(folds=("1",), baselines=())
    result = run_benchmark(asked)
    assert list(result["folds"]) == ["1"]
    assert list(result["methods"]["small-everyday"]["folds"]) == ["1"]
    entire = json.loads((whole / "benchmark.json").read_text())
    assert set(result) == set(entire)
    before = entire["methods"]["small-everyday"]
    assert result["methods"]["small-everyday"]["folds"]["1"] == before["folds"]["1"]
    assert result["methods"]["small-everyday"]["mean_person_macro_f1_interval"] is None  # of two people
    assert before["mean_person_macro_f1_interval"] is not None
    listening = Listening()
    run_benchmark(settings(resume=True), listening)
    assert listening.begun == [(6, 1)]
    assert study.without_times(asked.out / "benchmark.json") == study.without_times(whole / "benchmark.json")


def test_changed_settings_are_refused(settings: Settings, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "out")
    with pytest.raises(HarkenError, match=r"another method\.preset\.training\.seed \(0, now 1\)"):
        run_benchmark(settings(resume=True, seed=1))
    with pytest.raises(HarkenError, match=r"small\.json was made with another .*epochs \(4, now 5\)"):
        run_benchmark(settings(resume=True, baselines=("small:5",)))
    assert (tmp_path / "out" / "benchmark.json").read_bytes() == (whole / "benchmark.json").read_bytes()


@pytest.mark.parametrize("other", [study.other_data(), replace(study.STUDY, folds=lambda w: study.folds(w)[::-1])])
def test_changed_data_and_changed_people_are_refused(
    settings: Settings, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Protocol
) -> None:
    renamed = replace(
        other,
        folds=lambda windows: [replace(fold, name=str(number)) for number, fold in enumerate(other.folds(windows))],
    )
    shutil.copytree(whole, tmp_path / "out")
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study(renamed))
    with pytest.raises(HarkenError, match=r"was made with another (windows|fold)"):
        run_benchmark(settings(resume=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"baselines": ("zero_rule",)},
            "no method 'zero_rule'; the presets are .*small.*, the baselines random_forest",
        ),
        ({"baselines": ("small-everyday:3",)}, "small-everyday is named twice"),
        ({"baselines": ("random_forest:3",)}, "random_forest is not trained in epochs"),
        ({"baselines": ("small:many",)}, "the number of epochs, such as small:20"),
        ({"baselines": ("small:0",)}, "epochs must be at least 1, got 0"),
    ],
)
def test_invalid_settings_are_refused_before_training(
    settings: Settings, changes: dict[str, object], said: str
) -> None:
    asked = settings(**changes)
    with pytest.raises(HarkenError, match=said):
        run_benchmark(asked)
    assert not asked.out.exists() or not list(asked.out.iterdir())


def test_a_directory_in_use_is_refused(settings: Settings, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "out")
    with pytest.raises(
        HarkenError,
        match="is not empty; choose another --out, delete the folder, or continue this benchmark with --resume",
    ):
        run_benchmark(settings())
    with written_alone(tmp_path / "out"), pytest.raises(HarkenError, match="another harken is writing there"):
        run_benchmark(settings(resume=True))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "beach.jpg").write_bytes(b"")
    for resume in (False, True):
        with pytest.raises(HarkenError, match=r"holds no benchmark of harken; choose another --out$"):
            run_benchmark(settings(out=tmp_path / "photos", resume=resume))
    (tmp_path / "file").write_text("")
    with pytest.raises(HarkenError, match="is a file"):
        run_benchmark(settings(out=tmp_path / "file"))
    (tmp_path / "out" / "fold_2" / "small.json").write_text('{"method": ')
    with pytest.raises(HarkenError, match=r"small\.json is damaged.* remove it"):
        run_benchmark(settings(resume=True))


def test_a_label_that_only_unseen_have_is_never_recognised_and_counts_as_missed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dancing(_: Sequence[Path | None]) -> Windows:
        windows = study.study_windows()
        codes = windows.label_codes.copy()
        mine = np.flatnonzero(np.isin(windows.subjects, study.folds(windows)[0].test))
        codes[mine[:10]] = 3
        return replace(windows, label_codes=codes, label_names=(*study.LABELS, "zumba"))

    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study(replace(study.STUDY, draw=dancing)))
    result = run_benchmark(settings(folds=("0",)))
    for name in ("small-everyday", "small"):
        one = result["methods"][name]
        assert one["class_f1"]["zumba"] == 0
        assert sum(one["confusion"][3]) == 10
        assert [row[3] for row in one["confusion"]] == [0, 0, 0, 0]


@pytest.mark.second_stage
def test_stopped_and_killed_in_processes_and_resumed_here_gives_the_same_result(
    settings: Settings, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [
        *(sys.executable, "-c", CHILD, "benchmark", "invented", "--protocol", "unseen", "--out", str(out)),
        *("--preset", "small-everyday", "--baseline", "small:4", "--baseline", "random_forest", "--workers", "2"),
    ]
    stopped = begin(command)
    wait_for(out, 1)
    os.killpg(stopped.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
    _, said = stopped.communicate(timeout=PATIENCE_S)
    assert stopped.returncode == 130, said
    assert "repeat the command with --resume to continue" in said
    assert "Traceback" not in said
    assert not list(out.glob(".*"))

    made_there = [path.relative_to(out) for path in out.glob("fold_*/small*.safetensors")]
    assert made_there
    for path in made_there:
        assert (out / path).read_bytes() == (whole / path).read_bytes(), "a process learned something else"

    kept = len(list(out.glob("fold_*/*.json")))
    killed = begin([*command, "--resume", "--workers", "1"])
    wait_for(out, kept + 1)
    workers = children(killed.pid)
    killed.kill()
    killed.communicate(timeout=PATIENCE_S)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), PATIENCE_S)

    left = run_benchmark(settings(resume=True))
    assert left == json.loads((whole / "benchmark.json").read_text()) | {"timing": left["timing"]}
    assert not list(out.glob(".*"))


def begin(command: list[str]) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(Path(people.__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(out: Path, findings: int) -> None:
    until(lambda: len(list(out.glob("fold_*/[a-z]*.json"))) >= findings, PATIENCE_S)


def children(pid: int) -> list[int]:
    """Processes that a process started; none where the system does not tell."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in found.read_text().split()] if found.exists() else []
