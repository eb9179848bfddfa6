"""The study of labelled seconds: the same test windows for every budget, a gap before them, and it goes on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
import study
from benchmarks.recognition import adaptation
from harken import HarkenError
from harken.evaluation.benchmark import BenchmarkSettings, run_benchmark
from harken.learning.presets import PRESETS
from harken.windows.splits import protocols
from harken.windows.windows import Windows


def windows(starts_s: list[float], labels: list[str]) -> Windows:
    """Windows of 10 s at these times."""
    names, codes = np.unique(labels, return_inverse=True)
    n = len(labels)
    return Windows(
        signals=np.zeros((n, 10, 3), dtype=np.float32),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
        subjects=np.full(n, "somebody"),
        starts_ns=(np.array(starts_s) * 1e9).astype(np.int64),
        start_rows=np.arange(n),
        channels=("x", "y", "z"),
        sample_rate_hz=1.0,
    )


def test_a_bout_ends_at_another_label_and_at_a_long_break_but_not_at_a_hole() -> None:
    #                   a bout with a hole   another label   the first again   and after a long break
    starts = [0.0, 5.0, 10.0, 40.0, 50.0, 55.0, 60.0, 65.0, 200.0]
    labels = ["walking"] * 4 + ["sitting"] * 2 + ["walking"] * 3
    order = np.random.default_rng(0).permutation(len(starts))
    since, until = adaptation.beginnings_and_ends(windows(starts, labels)[order])
    back = np.argsort(order)
    assert since[back].tolist() == [10, 15, 20, 50, 10, 15, 10, 15, 10]
    assert until[back].tolist() == [40, 35, 30, 0, 5, 0, 5, 0, 0]


def test_two_watches_of_one_person_are_distinguished() -> None:
    both = windows([0.0, 5.0, 10.0, 0.0, 5.0, 10.0], ["walking"] * 6)
    assert adaptation.watches(both).tolist() == [0, 0, 0, 1, 1, 1]
    assert adaptation.watches(both[:3]).tolist() == [0, 0, 0]


def invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of six invented people, whose bouts last 28 s, and budgets that fit them."""
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())
    for name, recipe in people.SMALL_PRESETS.items():
        monkeypatch.setitem(PRESETS, name, recipe)
    run_benchmark(BenchmarkSettings("invented", "unseen", tmp_path / "run", preset="small-everyday", workers=0))
    monkeypatch.setattr(adaptation, "BUDGETS_S", (0, 2, 16))
    monkeypatch.setattr(adaptation, "TEST_S", 8)
    (tmp_path / "results").mkdir()
    return tmp_path / "run"


def test_the_study_runs_goes_on_and_refuses_the_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = invented(tmp_path, monkeypatch)
    arguments = [str(run), "--data", str(tmp_path), "--results", str(tmp_path / "results"), "--workers", "0"]
    adaptation.main(arguments)
    path = tmp_path / "results" / "adaptation.json"
    result = json.loads(path.read_text())
    one = result["runs"]["invented/unseen"]
    assert [row["seconds_of_each_bout"] for row in one["table"]] == [0, 2, 16]
    assert one["table"][0]["people"] == one["table"][0]["evaluations"] == 6
    benchmark = json.loads((run / "benchmark.json").read_text())
    for fold, tested in one["people"].items():
        assert set(tested) == set(benchmark["folds"][fold]["test"])
        for person in tested.values():
            # the last 8 s of each of three bouts of 2-s windows, whatever the budget
            confusions = [np.array(each["scores"]["confusion"]) for each in person["budgets"].values()]
            assert all(each.sum(axis=1).tolist() == [4, 4, 4] for each in confusions)
            assert [each["watches"][0]["labelled_s"] for each in person["budgets"].values()] == [0, 6, 48]
            assert [each["watches"][0]["tried"] for each in person["budgets"].values()] == [False, False, True]
    assert one["table"][1]["mean_person_macro_f1"] == one["table"][0]["mean_person_macro_f1"]
    assert one["table"][1]["too_little_share"] == 1
    assert one["table"][2]["kept_share"] > 0
    assert "| 16 (48) |" in capsys.readouterr().out
    assert (tmp_path / "results" / "adaptation.png").read_bytes().startswith(b"\x89PNG")
    # What is there is not computed again; what is missing is.
    del result["runs"]["invented/unseen"]["people"]["1"]
    path.write_text(json.dumps(result))
    measured: list[str] = []
    measure = adaptation.measure

    def remembered(job: adaptation.Job) -> Any:
        measured.append(job.fold)
        return measure(job)

    monkeypatch.setattr(adaptation, "measure", remembered)
    adaptation.main(arguments)
    assert measured == ["1", "1"]
    again = json.loads(path.read_text())["runs"]["invented/unseen"]["table"]
    for row, before in zip(again, one["table"], strict=True):
        assert row | {"timing": 0} == before | {"timing": 0}
    # A model of another fold has met the people.
    (run / "fold_0" / "small-everyday.safetensors").write_bytes(
        (run / "fold_1" / "small-everyday.safetensors").read_bytes()
    )
    with pytest.raises(HarkenError, match="so this person is not unseen"):
        adaptation.main(arguments)


def test_quick_is_one_person_and_other_budgets_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = invented(tmp_path, monkeypatch)
    arguments = [str(run), "--data", str(tmp_path), "--results", str(tmp_path / "results"), "--workers", "0"]
    adaptation.main([*arguments, "--quick"])
    result = json.loads((tmp_path / "results" / "adaptation.json").read_text())
    assert result["runs"]["invented/unseen"]["table"][0]["evaluations"] == 1
    with pytest.raises(HarkenError, match="other budgets"):
        adaptation.main(arguments)
