"""``harken compare`` of two benchmarks: the same people and windows, method by method."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command_line import Run


def changed(whole: Path, folder: Path, **changes: Any) -> Path:
    """A copy of a benchmark's result in which the first method has another name and worse scores, person by person."""
    result = json.loads((whole / "benchmark.json").read_text())
    first, *others = result["methods"]
    method = result["methods"][first]
    for fold in method["folds"].values():
        for number, one in enumerate(fold["people"].values()):
            one["macro_f1"] -= 0.01 * number
    result["methods"] = {"worse": method} | {name: result["methods"][name] for name in others}
    folder.mkdir()
    (folder / "benchmark.json").write_text(json.dumps(result | changes))
    return folder


def test_the_first_methods_and_those_in_both_are_compared(run_harken: Run, whole: Path, tmp_path: Path) -> None:
    other = changed(whole, tmp_path / "other")
    methods = json.loads(run_harken("compare", whole, other, "--json").stdout)["methods"]
    assert list(methods) == ["small-everyday and worse", "small"]
    folds = json.loads((whole / "benchmark.json").read_text())["methods"]["small-everyday"]["folds"]
    expected = {person: -0.01 * number for fold in folds.values() for number, person in enumerate(fold["people"])}
    worse = methods["small-everyday and worse"]
    assert {person: one["difference"] for person, one in worse["people"].items()} == pytest.approx(expected)
    assert worse["b_minus_a"]["mean_person_macro_f1"] == pytest.approx(np.mean(list(expected.values())))
    assert worse["b_minus_a"]["people_better"] == 0
    assert {one["difference"] for one in methods["small"]["people"].values()} == {0}
    shown = run_harken("compare", whole, other / "benchmark.json", "--plot", tmp_path / "pairs.png").stdout
    assert "Method: small-everyday and worse" in shown
    pictures = [path for path in tmp_path.iterdir() if path.suffix == ".png"]
    assert sorted(path.name for path in pictures) == ["pairs_small-everyday_and_worse.png", "pairs_small.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"protocol": "friends"}, 'protocol was "unseen" and is "friends"'),
        ({"windows": {"fingerprint": "other"}}, "it was made on other windows"),
    ],
)
def test_benchmarks_of_other_data_are_refused(
    run_harken: Run, whole: Path, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    ended = run_harken("compare", whole, changed(whole, tmp_path / "other", **changes))
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "cannot be compared with" in ended.stderr
    assert reason in ended.stderr


def test_folds_that_one_benchmark_lacks_and_an_unfinished_benchmark_are_named(
    run_harken: Run, whole: Path, tmp_path: Path
) -> None:
    other = changed(whole, tmp_path / "other")
    result = json.loads((other / "benchmark.json").read_text())
    lost = list(result["methods"]["worse"]["folds"])[-1]
    del result["methods"]["worse"]["folds"][lost]
    (other / "benchmark.json").write_text(json.dumps(result))
    assert f"Left out, because only one benchmark has it: fold {lost}." in run_harken("compare", whole, other).stdout
    (other / "benchmark.json").unlink()
    (other / "fold_1").mkdir()
    ended = run_harken("compare", whole, other)
    assert f"{other}: this benchmark is not finished; repeat its command with --resume" in ended.stderr
