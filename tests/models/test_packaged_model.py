"""The packaged model labels watches of any rate and unit without an option."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
from benchmarks.studies.data_sets import NINE_STUDIES, find_study
from command_line import Run
from harken.datasets.common_activities import COMMON_ACTIVITIES
from harken.models.model_file import PACKAGED_MODEL, read_model
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording


def right(frame: pl.DataFrame, truth: Recording, words: dict[str, str] | None = None, *, only: str = "") -> float:
    """The share of a timeline's steps with the true label in their middle; gaps and what has no label do not count.

    With ``only``, of the steps with this true label. These people were learned from: the share says that units, rates
    and channels arrive as they should, and nothing about unseen people.
    """
    middle = (frame["start"].to_physical().to_numpy() + frame["end"].to_physical().to_numpy()) // 2
    rows = np.minimum(np.searchsorted(truth.time_ns, middle), len(truth) - 1)
    names = [(words or {}).get(name, name) for name in truth.label_names]
    labels = np.array([*names, ""])[truth.label_codes[rows]]
    counted = (labels == only if only else labels != "") & ~frame["label"].is_null().to_numpy()
    assert counted.sum() > 20
    return float((frame["label"].to_numpy()[counted] == labels[counted]).mean())


def test_it_is_small_and_calibrated_and_states_its_origin() -> None:
    recogniser = Recogniser.load()
    assert PACKAGED_MODEL.stat().st_size < 1_500_000
    assert sum(parameter.numel() for parameter in recogniser.network_.parameters()) < 300_000
    specification = recogniser.specification_
    assert set(specification.labels) <= set(COMMON_ACTIVITIES)
    assert {"lying", "sitting", "standing", "walking", "running", "stairs", "other"} <= set(specification.labels)
    assert (specification.calibrated_on, specification.even_grid) == ("unseen", True)
    provenance = recogniser.provenance_
    people = provenance["training_people"]
    assert "wisdm_1600" in people
    assert len(people) == 171
    assert not any(person.startswith("pebble_steps_") for person in people), "nobody knows who wore these watches"
    assert specification.hands
    for study, attribution in zip(NINE_STUDIES, provenance["attribution"], strict=True):
        assert attribution.startswith(find_study(study).info.citation)
    assert not any(str(value).startswith("/") for value in json.dumps(provenance).split('"'))


def test_it_keeps_examples_of_each_label_that_its_output_layer_recognises() -> None:
    model = read_model(PACKAGED_MODEL)
    examples = model.examples
    assert examples is not None
    labels = model.specification.labels
    counts = np.bincount(examples.codes, minlength=len(labels))
    assert counts.min() >= 50
    weight, bias = (np.asarray(model.weights[name], np.float64) for name in ("output.weight", "output.bias"))
    outputs = examples.features @ weight.T + bias
    recognised = outputs[:, : len(labels)].argmax(axis=1)
    # Most training windows are recognised, but those of people who lie look like sitting.
    assert (recognised == examples.codes).mean() > 0.8


def test_the_card_and_readme_agree_with_the_file() -> None:
    import hashlib

    root = Path(__file__).parents[2]
    digest = hashlib.sha256(PACKAGED_MODEL.read_bytes()).hexdigest()
    result = json.loads((root / "docs" / "results" / "packaged_model.json").read_text())
    assert result["model"]["sha256"] == digest
    assert digest in (root / "docs" / "model_card.md").read_text(encoding="utf-8")
    left_out = json.loads((root / "docs" / "results" / "studies_nine.json").read_text())["methods"]["light"]
    scores = {name: fold["studies"][name]["known"] for name, fold in left_out["folds"].items()}
    of_study = {name: score["mean_f1"] for name, score in scores.items()}
    lying = {name: scores[name]["f1"]["lying"] for name in ("selfback", "dsads")}
    sedentary = {name: scores[name]["groups"]["sedentary"] for name in ("selfback", "dsads")}
    readme = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"the mean F1 is {left_out['main_score']['known']:.2f} (WISDM {of_study['wisdm']:.2f}, selfBACK "
        f"{of_study['selfback']:.2f}, DSADS {of_study['dsads']:.2f}). On unseen people of the training studies it is "
        f"{result['new_people']['main_score']:.2f}."
    ) in readme
    assert (
        f"the F1 of lying is {lying['selfback']:.2f} (selfBACK) and {lying['dsads']:.2f} (DSADS); lying or sitting, as "
        f"one group, has {sedentary['selfback']:.2f} and {sedentary['dsads']:.2f}."
    ) in readme


def test_recordings_at_20_25_and_100_hz_need_no_option(run_harken: Run, data_dir: Path, tmp_path: Path) -> None:
    """As they come: a raw file of WISDM, one of DSADS in the notebook's format, and a simulated one, all in m/s²."""
    watch = data_dir / "wisdm" / "raw" / "watch" / "accel" / "data_1600_accel_watch.txt"
    study, simulated, out = data_dir / "notebook_format" / "merged_ef.csv", tmp_path / "simulated.csv", tmp_path / "out"
    assert run_harken("simulate", "--days", "0.02", "--rate", "100", "--out", simulated).exit_code == 0
    ended = run_harken("label", watch, study, simulated, "--out", out)
    assert (ended.exit_code, ended.stderr) == (0, "")
    frames = {}
    for file, rate_hz, length_s in ((watch, 20, None), (study, 25, None), (simulated, 100, 0.02 * 86_400)):
        summary = json.loads((out / file.stem / "summary.json").read_text(encoding="utf-8"))
        assert summary["sample_rate_hz"] == pytest.approx(rate_hz, rel=0.02)
        assert any("in m/s2" in note for note in summary["notes"])
        frames[file] = pl.read_parquet(out / file.stem / "timeline.parquet")
        assert set(frames[file]["label"].drop_nulls()) <= set(COMMON_ACTIVITIES)
        total = sum(summary["seconds_by_label"].values()) + summary["unlabelled_s"] + summary["gaps_s"]
        assert length_s is None or total == pytest.approx(length_s, rel=0.01)
    words = {"laying_down": "lying"}
    # One of the four bouts of sitting and lying is often taken for the other of the two.
    assert right(frames[study], harken.read(study), words) > 0.75
    assert right(frames[study], harken.read(study), words, only="walking") > 0.8
    assert right(frames[watch], harken.read(watch), only="walking") > 0.7
