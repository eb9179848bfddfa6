"""The Python interface: fit, predict, score, save, load."""

from dataclasses import replace
from pathlib import Path
from typing import Unpack

import numpy as np
import pytest

import harken
import people
from harken.models.recogniser import Recogniser
from harken.recordings.fingerprints import Fingerprints
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

pytestmark = pytest.mark.usefixtures("small_preset")


def windows_of(tmp_path: Path, seed: int, **options: Unpack[people.PersonOptions]) -> Windows:
    path = people.write_person(tmp_path / f"p{seed}.csv", seed, **options)
    return harken.random_windows(harken.read(path, as_found=True), length=32, count=300, seed=seed)


def test_learns_what_is_easy_and_is_saved_and_loaded(tmp_path: Path) -> None:
    alice, bob = windows_of(tmp_path, 1), windows_of(tmp_path, 2)
    recogniser = Recogniser("small", epochs=25).fit(alice, tests={"bob": bob})
    assert recogniser.score(alice) > 0.95
    assert len(recogniser.history_.test_loss["bob"]) > 1
    probabilities = recogniser.predict_proba(bob)
    assert probabilities.shape == (300, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert set(recogniser.predict(bob)) <= {"lying", "sitting", "walking"}
    recogniser.save(tmp_path / "model.safetensors")
    loaded = Recogniser.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict_proba(bob), probabilities)
    assert loaded.specification_ == recogniser.specification_
    assert (loaded.epochs, loaded.seed, loaded.preset) == (25, 0, "small")


def test_what_was_fitted_changes_in_copies_only(tmp_path: Path) -> None:
    alice = windows_of(tmp_path, 1)
    recogniser = Recogniser("small", epochs=1).fit(alice)
    before, probabilities = recogniser.model_, recogniser.predict_proba(alice)
    learned = [harken.read(tmp_path / "p1.csv")]
    other = (
        recogniser.with_temperature(5.0, "unseen")
        .with_provenance({"training_people": ["nobody"]})
        .with_fingerprints(Fingerprints.of(learned))
    )
    assert (other.specification_.temperature, other.specification_.calibrated_on) == (5.0, "unseen")
    assert other.provenance_ == {**recogniser.provenance_, "training_people": ["nobody"]}
    assert other.trained_samples(learned[0]).all()
    assert other.model_.weights is recogniser.model_.weights
    assert other.history_ is recogniser.history_
    assert other.predict_proba(alice).max() < probabilities.max()
    assert recogniser.model_ is before
    assert not recogniser.trained_samples(learned[0]).any()
    np.testing.assert_array_equal(recogniser.predict_proba(alice), probabilities)
    for name in ("specification_", "network_", "provenance_", "fingerprints_", "history_"):
        with pytest.raises(AttributeError):
            setattr(recogniser, name, None)


def test_what_was_not_fitted_is_missing_by_name(tmp_path: Path) -> None:
    unfitted = Recogniser("small")
    for name in ("model_", "specification_", "network_", "provenance_", "fingerprints_"):
        with pytest.raises(HarkenError, match="is not fitted"):
            getattr(unfitted, name)
    recogniser = Recogniser("small", epochs=1).fit(windows_of(tmp_path, 1))
    with pytest.raises(HarkenError, match="has no history"):
        _ = Recogniser.of(recogniser.model_).history_


@pytest.mark.parametrize("channels", [("x", "y", "z", "P"), ("x", "y", "z"), ("y",), ("P", "x"), ("z", "x", "y")])
def test_what_the_network_reads_is_a_copy_of_its_own_channels(tmp_path: Path, channels: tuple[str, ...]) -> None:
    recording = harken.read(people.write_person(tmp_path / "alice.csv", 1))
    windows = harken.sliding_windows(recording, length_s=1.28, hop_s=0.64)
    specification = replace(Recogniser("small", epochs=1).fit(windows).specification_, channels=channels)
    prepared = specification.prepare(windows)
    expected = np.stack([windows.signals[..., "xyzP".index(name)] for name in channels], axis=-1)
    expected = expected * np.where([name in "xyz" for name in channels], np.float32(9.80665), np.float32(1))
    np.testing.assert_array_equal(prepared, expected.astype(np.float32))
    assert prepared.dtype == np.float32
    assert prepared.flags.c_contiguous
    assert prepared.flags.writeable
    assert not np.shares_memory(prepared, windows.signals)


def test_refusals(tmp_path: Path) -> None:
    windows = windows_of(tmp_path, 1)
    fresh = Recogniser("small", epochs=1)
    with pytest.raises(HarkenError, match="is not fitted"):
        fresh.predict(windows)
    with pytest.raises(HarkenError, match="no preset 'everything'; the presets are everyday, light, deep_conv_lstm"):
        Recogniser("everything").fit(windows)
    with pytest.raises(HarkenError, match="epochs must be at least 1, got 0"):
        Recogniser("small", epochs=0).fit(windows)
    with pytest.raises(HarkenError, match="fewer than one batch of 100"):
        fresh.fit(windows[:50])
    with pytest.raises(HarkenError, match="training needs at least two labels"):
        fresh.fit(windows[windows.labels == "lying"])
    fresh.fit(windows)
    longer = harken.random_windows(harken.read(tmp_path / "p1.csv"), length=40, count=9, seed=0)
    with pytest.raises(HarkenError, match="windows of 32 samples, not of 40"):
        fresh.predict(longer)
    fast = windows_of(tmp_path, 3, rate_hz=50)
    with pytest.raises(HarkenError, match="50 samples per second, but 25 are needed"):
        fresh.predict(fast)
    jumper = windows_of(tmp_path, 4, bouts=("lying", "jumping"))
    with pytest.raises(HarkenError, match=r"jumping is not among the labels .*--ignore-label jumping"):
        fresh.score(jumper)
    assert fresh.evaluate(jumper, ignore_labels=["jumping"]).confusion.sum() == (jumper.labels == "lying").sum()
    with pytest.raises(HarkenError, match="no labelled window is left"):
        fresh.evaluate(jumper, ignore_labels=["jumping", "lying"])


def test_a_name_for_several_labels_is_no_label_of_the_model(tmp_path: Path) -> None:
    alice = windows_of(tmp_path, 1)
    labels = np.where(np.arange(len(alice)) % 2, alice.labels, "sitting or lying").astype(str)
    names = tuple(sorted(set(labels.tolist())))
    mixed = replace(alice, label_names=names, label_codes=np.searchsorted(names, labels).astype(np.int16))
    sets = {"sitting or lying": ("sitting", "lying"), "swimming or diving": ("swimming", "diving")}
    recogniser = Recogniser(people.SMALL_EVERYDAY, epochs=2).fit(mixed, label_sets=sets)
    assert recogniser.specification_.labels == ("lying", "sitting", "walking")
    assert recogniser.predict_proba(alice).shape == (300, 3)


def test_windows_whose_set_has_no_label_of_the_model_are_left_out(tmp_path: Path) -> None:
    alice = windows_of(tmp_path, 1)
    unknown = replace(alice, label_names=("diving", *alice.label_names[1:]))
    names = set(unknown.label_names) - {"diving"}
    recogniser = Recogniser(people.SMALL_EVERYDAY, epochs=1).fit(unknown, label_sets={"diving": ("swimming",)})
    assert set(recogniser.specification_.labels) == names
    plain = Recogniser(people.SMALL_EVERYDAY, epochs=1).fit(unknown[unknown.labels != "diving"])
    np.testing.assert_array_equal(plain.predict_proba(alice), recogniser.predict_proba(alice))


@pytest.mark.parametrize("method", ["predict_answers", "predict_logits", "evaluate", "known"])
def test_an_array_is_refused_with_what_to_pass(method: str) -> None:
    windows = np.zeros((2, 300, 3), np.float32)
    with pytest.raises(TypeError, match=r"takes harken\.Windows, but got ndarray; cut them .*sliding_windows, or"):
        getattr(Recogniser.load(), method)(windows)
