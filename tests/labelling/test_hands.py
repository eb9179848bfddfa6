"""Whether the hands are busy: taught, saved, exported, adapted, labelled from a file and live, and counted by day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import harken
import people
from harken.labelling.live import LiveRecogniser, LiveSettings
from harken.models.recogniser import Recogniser
from harken.models.runtime import ExportedRecogniser
from harken.networks.presets import PRESETS
from harken.networks.training_loop import hands_loss
from harken.recordings.recording import Recording
from harken.training.adaptation import adapt
from harken.windows.windows import Windows, sliding_windows
from made_recordings import recording_of

RATE_HZ, BOUT_S = 20.0, 60
START_NS = 1_764_000_000_000_000_000
BOUTS = ("sitting", "sitting, busy", "standing", "standing, busy")
SETS = {"sitting, busy": ("sitting",), "standing, busy": ("standing",)}
HANDS = {"sitting": False, "standing": False, "sitting, busy": True, "standing, busy": True}


def somebody(seed: int) -> Recording:
    """Four minutes: sitting and standing, each at rest and with busy hands."""
    random, n = np.random.default_rng(seed), round(BOUT_S * RATE_HZ)
    parts = []
    for bout in BOUTS:
        gravity = np.array([0, 0.2, 1.0] if bout.startswith("sitting") else [1.0, 0.2, 0])
        parts.append(gravity + random.normal(0, 0.2 if "busy" in bout else 0.02, (n, 3)))
    time_ns = START_NS + np.arange(len(BOUTS) * n) * round(1e9 / RATE_HZ)
    recording = recording_of(time_ns, np.concatenate(parts), subject=f"person {seed}")
    return replace(recording, label_codes=np.repeat(np.arange(len(BOUTS), dtype=np.int16), n), label_names=BOUTS)


def windows_of(recording: Recording) -> Windows:
    return replace(sliding_windows(recording, length_s=2, hop_s=0.5), sample_rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def taught() -> Recogniser:
    """A model that learned sitting and standing, and busy hands, from one person. It is not changed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, recipe in people.SMALL_PRESETS.items():
            patch.setitem(PRESETS, name, recipe)
        return Recogniser("small-everyday", epochs=12).fit(
            windows_of(somebody(1)), label_sets=SETS, hands=HANDS, threads=1
        )


def test_hands_are_recognised_beside_the_posture_and_kept_in_file_and_export(
    taught: Recogniser, tmp_path: Path
) -> None:
    assert taught.specification_.labels == ("sitting", "standing")
    windows = windows_of(somebody(2))
    probabilities, answers = taught.predict_proba(windows), taught.predict_answers(windows)
    assert probabilities.shape == (len(windows), 2)
    busy = np.array(["busy" in label for label in windows.labels.tolist()])
    assert ((answers[:, 2] >= 0.5) == busy).mean() > 0.95
    assert np.mean(taught.predict(windows) == [label.partition(",")[0] for label in windows.labels.tolist()]) > 0.95

    taught.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(Recogniser.load(tmp_path / "model.safetensors").predict_answers(windows), answers)

    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    from harken.models.export import export

    export(tmp_path / "model.onnx", taught.model_)
    exported = ExportedRecogniser.load(tmp_path / "model.onnx", threads=1)
    np.testing.assert_allclose(exported.predict_answers(windows), answers, atol=1e-4)
    np.testing.assert_allclose(exported.predict_proba(windows), probabilities, atol=1e-5)


def test_a_posture_that_was_only_seen_with_busy_hands_is_a_label() -> None:
    windows = windows_of(somebody(1))
    windows = windows[windows.labels != "sitting"]
    recogniser = Recogniser(people.SMALL_EVERYDAY, epochs=1).fit(windows, label_sets=SETS, hands=HANDS)
    assert recogniser.specification_.labels == ("sitting", "standing")


def test_rows_bouts_and_days_have_hands_also_after_other_rules(taught: Recogniser, tmp_path: Path) -> None:
    frame = pl.DataFrame(dict(zip("xyz", somebody(3).signals.T, strict=True)))
    time_s = somebody(3).time_ns / 1e9
    frame.insert_column(0, pl.Series("time", time_s)).write_csv(tmp_path / "three.csv")
    settings = harken.LabelSettings(calibration=False, orientation=False)
    labelled = harken.label_file(tmp_path / "three.csv", model=taught, out=tmp_path / "out", settings=settings)
    rows = labelled.timeline.frame
    middle_s = (rows["start"].to_physical() + rows["end"].to_physical()).to_numpy() / 2e9 - time_s[0]
    inside = (middle_s % BOUT_S > 4) & (middle_s % BOUT_S < BOUT_S - 4)
    assert ((rows["hands"] >= 0.5).to_numpy() == (middle_s // BOUT_S % 2 == 1))[inside].mean() > 0.95

    by_label = labelled.bouts.group_by("label").agg(
        (pl.col("hands") * pl.col("seconds")).sum() / pl.col("seconds").sum()
    )
    assert dict(by_label.iter_rows()) == pytest.approx({"sitting": 0.5, "standing": 0.5}, abs=0.1)
    for posture in ("sitting", "standing"):
        chosen = (rows["label"] == posture) & (rows["hands"] >= 0.5)
        expected_h = labelled.timeline.lasting_s(chosen) / 3600
        assert expected_h == pytest.approx(BOUT_S / 3600, rel=0.1)
        assert labelled.days[f"busy_hands_hours_{posture}"].sum() == pytest.approx(expected_h)

    again = harken.summarise_folder(tmp_path / "out", harken.Rules(smoothing=False))
    assert again.timeline.frame["hands"].equals(rows["hands"])


def test_live_is_offline(taught: Recogniser) -> None:
    recording = somebody(4)
    recording = replace(recording, time_ns=recording.time_ns + 12_345)  # off the model's grid, so both are resampled
    live = LiveRecogniser(taught, LiveSettings(kept_rows=10_000))
    updates = [
        update
        for part in np.array_split(np.arange(len(recording.time_ns)), 23)
        for update in live.push(recording.signals[part], recording.time_ns[part])
    ]
    updates += live.flush()
    offline = taught.label_prepared(replace(recording, label_codes=np.full_like(recording.label_codes, -1)))
    rows = live.rows()
    assert len(rows) == len(offline)
    found = np.array([row.hands for row in rows], dtype=np.float64)
    np.testing.assert_allclose(found, offline.frame["hands"].to_numpy(), atol=1e-4)  # of samples between others
    assert all(row.probabilities.shape == (2,) for row in rows)
    assert {update.hands is not None and update.hands >= 0.5 for update in updates[:-1]} == {False, True}


def test_an_adapted_model_keeps_what_it_knew_of_hands(taught: Recogniser) -> None:
    other = somebody(5)
    upside_down = replace(other, signals=-other.signals, label_names=("sitting", "sitting ", "standing", "standing "))
    adapted = adapt(taught, windows_of(upside_down))
    assert adapted.kept
    before, after = taught.model_.weights["output.weight"], adapted.recogniser.model_.weights["output.weight"]
    assert before.shape == after.shape
    np.testing.assert_array_equal(before[2], after[2])
    assert (before[:2] != after[:2]).any()


def test_the_loss_of_hands_is_the_cross_entropy_where_they_are_known() -> None:
    random = np.random.default_rng(0)
    logits, busy = random.normal(0, 3, 50), random.choice([0.0, 1.0, np.nan], 50)
    probability, truth = 1 / (1 + np.exp(-logits)), busy * 0.9 + 0.05
    expected = -np.nansum(truth * np.log(probability) + (1 - truth) * np.log(1 - probability)) / 50
    found = hands_loss(torch.tensor(logits), torch.tensor(busy), label_smoothing=0.1)
    assert float(found) == pytest.approx(expected)
