"""``harken compare``: each unseen person with two models on the same stretches, and who is left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harken
import people
from command_line import Run
from harken.windows.windows import Windows, concatenate, sliding_windows

UNSEEN = ("bob", "carol", "dora", "emil", "fay")
RATE_HZ = people.SMALL_EVERYDAY.sample_rate_hz or 0


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A table of alice, on whom the model of ``trained`` was trained, and of five unseen people."""
    return people.write_study(tmp_path / "study.csv", ("alice", *UNSEEN))


def windows_of(path: Path, length: int) -> Windows:
    recording = harken.read(path).select_channels(("x", "y", "z"))
    resampled = harken.signals.resample(recording, sample_rate_hz=RATE_HZ)
    return sliding_windows(resampled, length_s=length / RATE_HZ, hop_s=0.5)


def other_model(path: Path, *files: Path, length: int = 40, labels: tuple[str, ...] = ()) -> Path:
    """A model of these recordings, with windows of another length, or of some labels alone."""
    windows = concatenate([windows_of(file, length) for file in files])
    if labels:
        windows = windows[np.isin(windows.labels, labels)]
    recipe = replace(people.SMALL_EVERYDAY, window_length=length)
    harken.Recogniser(recipe, epochs=2, seed=7).fit(windows).save(path)
    return path


def compared(run_harken: Run, *arguments: object) -> dict[str, Any]:
    ended = run_harken("compare", *arguments, "--json")
    assert ended.exit_code == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_a_model_and_itself_differ_by_exactly_0_and_training_people_are_left_out(
    run_harken: Run, trained: Path, study: Path
) -> None:
    model = trained / "run"
    result = compared(run_harken, model, model, study)
    assert set(result["people"]) == set(UNSEEN)
    assert [one["difference"] for one in result["people"].values()] == [0] * len(UNSEEN)
    assert result["b_minus_a"]["mean_person_macro_f1"] == 0
    assert result["b_minus_a"]["mean_person_macro_f1_interval"] == [0, 0]
    assert result["left_out"] == {"alice": "A and B"}
    shown = run_harken("compare", model, model, study).stdout
    assert "Left out, because they were in the training of A and B: alice." in shown
    assert "The interval contains 0" in shown
    mean = f"{np.mean([one['a'] for one in result['people'].values()]):.3f}"
    assert f"Mean {mean} {mean} " in " ".join(shown.split())
    only_alice = run_harken("compare", model, model, study, "--subject", "alice")
    assert (only_alice.exit_code, only_alice.stdout) == (2, "")
    assert "trained on everybody here (alice); give recordings of other people" in only_alice.stderr


def test_each_side_is_what_evaluate_says_and_the_picture_is_drawn(
    run_harken: Run, trained: Path, study: Path, tmp_path: Path
) -> None:
    sides = trained / "run", other_model(tmp_path / "other.safetensors", trained / "carol.csv")
    options = ("--only-labels", "walking,sitting")
    result = compared(run_harken, *sides, study, *options, "--plot", tmp_path / "pairs.png")
    assert (tmp_path / "pairs.png").read_bytes().startswith(b"\x89PNG")
    assert result["left_out"] == {"alice": "A", "carol": "B"}
    assert result["only_labels"] == ["walking", "sitting"]
    differences = []
    alone = [json.loads(run_harken("evaluate", side, study, *options, "--json").stdout)["unseen"] for side in sides]
    for person, scores in result["people"].items():
        a, b = (one["people"][person]["macro_f1"] for one in alone)
        assert (scores["a"], scores["b"]) == (a, b)
        differences.append(b - a)
    assert len(differences) == 4
    assert result["b_minus_a"]["mean_person_macro_f1"] == pytest.approx(np.mean(differences))
    assert result["b_minus_a"]["mean_person_macro_f1_interval"] is None
    assert "an example, not a measurement" in run_harken("compare", *sides, study, *options).stdout


def test_windows_of_two_lengths_have_the_same_truth(
    run_harken: Run, trained: Path, study: Path, tmp_path: Path
) -> None:
    longer = other_model(tmp_path / "longer.safetensors", trained / "alice.csv", length=100)
    result = compared(run_harken, trained / "run", longer, study)
    truth = [np.sum(result[side]["all_unseen"]["confusion"], axis=1).tolist() for side in ("a", "b")]
    assert truth[0] == truth[1]
    assert [result[side]["window_length_s"] for side in ("a", "b")] == [2, 5]


def test_a_label_that_one_model_does_not_know_is_named_with_the_model(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    model, bob = trained / "run", trained / "bob.csv"
    fewer = other_model(tmp_path / "fewer.safetensors", trained / "alice.csv", labels=("lying", "walking"))
    refused = run_harken("compare", model, fewer, bob)
    assert refused.exit_code == 2
    assert "the label sitting is not among the labels of the model" in refused.stderr
    assert "--ignore-label sitting" in refused.stderr
    assert "(model B)" in refused.stderr
    ignored = run_harken("compare", model, fewer, bob, "--ignore-label", "sitting")
    assert ignored.exit_code == 0
    assert "Only A can answer sitting" in ignored.stdout


def test_two_models_without_recordings_are_refused(run_harken: Run, trained: Path) -> None:
    ended = run_harken("compare", trained / "run", "packaged")
    assert ended.exit_code == 2
    assert "this is no benchmark (it has no benchmark.json); to compare two models, add labelled" in ended.stderr


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({}, "it has no method, so there is nothing to compare; give a benchmark.json that harken benchmark wrote"),
        (
            {"light": {"folds": {"0": {"people": {"bob": {"macro_f1": np.nan}}}}}},
            "the macro F1 of bob with light in fold 0 is nan, not a number from 0 to 1; give a benchmark.json",
        ),
    ],
)
def test_a_benchmark_without_a_method_or_with_a_score_that_is_no_number_is_refused(
    methods: dict[str, Any], message: str, run_harken: Run, tmp_path: Path
) -> None:
    result: dict[str, Any] = {"windows": {}, "folds": {}, "made_with": []}
    good = {"light": {"folds": {"0": {"people": {"bob": {"macro_f1": 0.5}}}}}}
    (tmp_path / "a.json").write_text(json.dumps(result | {"methods": good}))
    (tmp_path / "b.json").write_text(json.dumps(result | {"methods": methods}))
    assert run_harken("compare", tmp_path / "a.json", tmp_path / "a.json").exit_code == 0
    for pair in (("a.json", "b.json"), ("b.json", "a.json")):
        ended = run_harken("compare", *(tmp_path / name for name in pair))
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert f"{tmp_path / 'b.json'}: {message}" in ended.stderr
