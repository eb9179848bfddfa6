"""``harken benchmark``: what it prints, its exit codes, and a real data set in real processes."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

import study
from command_line import Run
from harken.evaluation.protocols import published as protocols


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch, small_preset: None) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())


def arguments(out: Path) -> list[object]:
    options = ["benchmark", "invented", "--protocol", "unseen", "--out", out, "--preset", "small-everyday"]
    return [*options, "--fold", "1", "--workers", "0"]


def test_tables_for_a_person_and_a_line_for_each_fold(run_harken: Run, tmp_path: Path) -> None:
    ended = run_harken(*arguments(tmp_path / "out"), "--baseline", "small")
    assert ended.exit_code == 0
    assert "small-everyday, fold 1: mean person macro F1 " in ended.stderr
    assert "2 to train and test; a line is printed when each ends." in ended.stderr
    assert "2 of 2 done after" in ended.stderr
    assert f"Only fold 1 of the protocol's {len(study.folds(study.study_windows()))}. Mean and" in ended.stdout
    for text in ("Nothing: its people are invented.", "worst person", "small-everyday minus small", "F1 of each label"):
        assert text in ended.stdout
    assert str(tmp_path / "out" / "benchmark.md") in ended.stdout


def test_json_alone_on_the_standard_output_and_the_same_scores_again(run_harken: Run, tmp_path: Path) -> None:
    ended = run_harken(*arguments(tmp_path / "one"), "--json")
    assert ended.exit_code == 0
    result = json.loads(ended.stdout)
    assert ended.stdout == (tmp_path / "one" / "benchmark.json").read_text()
    assert result["mean_person_macro_f1"] == result["methods"]["small-everyday"]["mean_person_macro_f1"]

    again = run_harken(*arguments(tmp_path / "two"), "--json")
    assert json.loads(again.stdout) == result | {"timing": json.loads(again.stdout)["timing"]}
    compared = run_harken("compare", tmp_path / "one", tmp_path / "two")
    assert "All scores are equal." in compared.stdout
    assert "1 of 1 are there already." in run_harken(*arguments(tmp_path / "two"), "--resume").stderr


def test_a_mistake_is_one_sentence_and_exit_code_2(run_harken: Run, tmp_path: Path) -> None:
    for wrong, text in (
        (["--baseline", "zero_rule"], "there is no method 'zero_rule'"),
        (["--fold", "9"], "has no fold 9"),
    ):
        ended = run_harken(*arguments(tmp_path / "out"), *wrong)
        assert ended.exit_code == 2
        assert text in ended.stderr
        assert ended.stdout == ""
        assert not (tmp_path / "out").exists()
    ended = run_harken("benchmark", "invented", "--protocol", "friends", "--out", tmp_path / "out")
    assert ended.exit_code == 2
    assert "invented has no protocol 'friends'; its protocols are unseen" in ended.stderr


def test_baselines_alone(run_harken: Run, tmp_path: Path) -> None:
    options = ["benchmark", "invented", "--protocol", "unseen", "--out", tmp_path / "out", "--workers", "0"]
    both = run_harken(*options, "--no-preset", "--preset", "small", "--baseline", "small")
    assert (both.exit_code, both.stderr) == (2, "harken: --no-preset and --preset small exclude one another\n")
    ended = run_harken(*options, "--no-preset", "--fold", "1", "--baseline", "small")
    assert ended.exit_code == 0
    assert "What the preset gains" not in ended.stdout
    result = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert (result["preset"], result["differences"], list(result["methods"])) == (None, {}, ["small"])
    assert result["command"].endswith("--baseline small --seed 0 --fold 1 --no-preset")
    assert result["mean_person_macro_f1"] == result["methods"]["small"]["mean_person_macro_f1"]
    assert "## What small takes for what" in (tmp_path / "out" / "benchmark.md").read_text()


def test_predictions_give_the_reported_scores_again(run_harken: Run, tmp_path: Path) -> None:
    options = arguments(tmp_path / "out")
    first = run_harken(*options, "--baseline", "small", "--predictions")
    assert f"Predictions: {tmp_path / 'out' / 'predictions.parquet'}" in first.stdout
    path = tmp_path / "out" / "fold_1" / "small.parquet"
    before = path.read_bytes()
    path.unlink()  # as in a benchmark that kept no predictions; they are made again from the model file
    again = run_harken(*options, "--baseline", "small", "--fold", 0, "--resume")
    assert "2 of 4 are there already." in again.stderr
    assert path.read_bytes() == before
    result = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    windows = study.study_windows()
    rows = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    for name, method in result["methods"].items():
        for fold, scores in method["folds"].items():
            for person, reported in scores["people"].items():
                theirs = rows.filter(method=name, fold=fold, person=person)
                shares = theirs.select(f"probability_{label}" for label in study.LABELS).to_numpy()
                given = np.array(study.LABELS)[shares.argmax(axis=1)]
                assert theirs["predicted"].to_list() == given.tolist()
                found = f1_score(theirs["truth"], given, average="macro", zero_division=0)
                assert found == pytest.approx(reported["macro_f1"], abs=1e-12)
                assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
                own = windows.subjects == person
                assert theirs["start"].to_physical().to_list() == windows.starts_ns[own].tolist()
                assert theirs["start"].dtype == pl.Datetime("ns", "UTC")


def test_figures_and_a_table_for_a_paper(run_harken: Run, tmp_path: Path) -> None:
    options = [*arguments(tmp_path / "out"), "--baseline", "sklearn.naive_bayes:GaussianNB"]
    assert run_harken(*options).exit_code == 0
    out = tmp_path / "out"
    assert run_harken(*options, "--resume", "--figures", "svg").exit_code == 0
    bayes = "sklearn.naive_bayes_GaussianNB"
    names = {f"confusion_{bayes}", "confusion_small-everyday", f"paired_{bayes}_small-everyday"}
    assert {path.stem for path in out.glob("*.svg")} == names
    table = (out / "scores.tex").read_text().splitlines()
    assert table[1] == r"\begin{tabular}{lrrrrr}"
    scores = json.loads((out / "benchmark.json").read_text())["methods"]
    for line, (name, method) in zip(table[5:], scores.items(), strict=False):
        cells = line.removesuffix(r" \\").split(" & ")
        assert cells[0].replace("\\", "") == name
        assert cells[1] == f"{method['mean_person_macro_f1']:.3f}"
        assert cells[4].endswith(r"\%")
    wrong = run_harken(*options, "--resume", "--figures", "gif")
    assert (wrong.exit_code, "gif" in wrong.stderr) == (2, True)
