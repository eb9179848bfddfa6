"""A personal model: better for its wearer, nothing forgotten, decided inside the labelled seconds, and reverted."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import harken
import people
from harken import HarkenError, Recogniser, Recording, concatenate, read, sliding_windows
from harken.models.model_file import FittedModel, TrainingExamples
from harken.networks.build import network_name
from harken.networks.presets import PRESETS
from harken.networks.pytorch import build, weights_of
from harken.networks.specification import Specification
from harken.signals import resample, turned_by_quarters
from harken.training.adaptation import adapt
from harken.training.output_layer import keep_examples, labelled_features
from harken.windows.windows import Windows
from scored_recordings import evaluate


@pytest.fixture(scope="session")
def general_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model that learned lying, sitting, walking and jumping from two people."""
    folder = tmp_path_factory.mktemp("general")
    parts = []
    for seed in (1, 2):
        bouts = (*people.BOUTS, "jumping", "jumping")
        recording = read(people.write_person(folder / f"person_{seed}.csv", seed, bouts=bouts))
        resampled = resample(recording.select_channels(("x", "y", "z")), sample_rate_hz=20.0)
        parts.append(sliding_windows(resampled, length_s=2.0, hop_s=0.5))
    with pytest.MonkeyPatch.context() as patch:
        for name, recipe in people.SMALL_PRESETS.items():
            patch.setitem(PRESETS, name, recipe)
        windows = concatenate(parts)
        general = Recogniser("small-everyday", epochs=40).fit(windows)
        keep_examples(general, windows).save(folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.fixture
def general(general_file: Path) -> Recogniser:
    """The same model, loaded."""
    return Recogniser.load(general_file, device="cpu")


@pytest.fixture
def dora(tmp_path: Path) -> Recording:
    """A wearer whose angle and movement the general model has not met."""
    return read(people.write_person(tmp_path / "dora.csv", 11))


def wearer(folder: Path, seed: int, name: str | None = None, **options: Unpack[people.PersonOptions]) -> Recording:
    """An invented person's recording."""
    return read(people.write_person(folder / f"{name or f'person_{seed}'}.csv", seed, **options))


@dataclass(frozen=True)
class FlatSizes:
    channels: int
    classes: int


class FlatNetwork(nn.Module):
    """A network of 40 samples without a layer called output."""

    def __init__(self, sizes: FlatSizes) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(40 * sizes.channels, sizes.classes))

    def forward(self, signals: Tensor) -> Tensor:
        logits: Tensor = self.layers(signals)
        return logits


def windows_of(recogniser: Recogniser, recording: Recording, hop_s: float = 0.5) -> Windows:
    prepared = recogniser.specification_.prepare_recording(recording)
    return sliding_windows(prepared, length_s=2.0, hop_s=hop_s)


def turned(recording: Recording) -> Recording:
    """The watch worn upside down, which the general model of invented people takes for another posture."""
    return replace(recording, signals=-recording.signals)


@pytest.mark.second_stage
def test_a_personal_model_is_better_on_another_recording_of_its_wearer(
    general: Recogniser, dora: Recording, tmp_path: Path
) -> None:
    general = general.with_temperature(1.7, "unseen")
    adapted = adapt(general, [turned(dora)])
    assert adapted.kept
    assert adapted.before is not None
    assert adapted.after is not None
    assert adapted.after.log_loss < adapted.before.log_loss
    assert adapted.after.balanced_accuracy > adapted.before.balanced_accuracy
    assert adapted.recogniser.specification_.temperature >= 1.7
    assert adapted.recogniser.specification_.calibrated_on == "the same person"
    another = windows_of(general, turned(wearer(tmp_path, 11, "dora_again", seconds=15)))
    assert adapted.recogniser.score(another) > general.score(another) + 0.2
    assert set(adapted.labelled_s) == {"lying", "sitting", "walking"}
    assert adapted.labelled_s["lying"] == pytest.approx(40, abs=1)


def test_a_stated_axis_is_turned_to_for_adapting_and_for_scoring(general: Recogniser, dora: Recording) -> None:
    worn = turned_by_quarters(dora, 3)
    upright, adapted = adapt(general, [dora], forearm_axis="x"), adapt(general, [worn], forearm_axis="-y")
    assert (upright.turned, upright.mounting_warnings, adapted.mounting_warnings) == ((), (), ())
    (reason,) = adapted.turned
    assert "its -y axis was stated to point along the forearm" in reason
    assert adapted.as_dict() == upright.as_dict() | {"turned": [reason]}

    scored, turned_back = evaluate(general, [dora], forearm_axis="x"), evaluate(general, [worn], forearm_axis="-y")
    assert turned_back.turned == {worn.source: reason}
    assert turned_back.mounting_warnings == {}
    assert turned_back.as_dict() | {"turned": {}} == scored.as_dict()


def test_an_unknown_orientation_is_stated_the_same_by_adapting_and_scoring(
    general: Recogniser, dora: Recording
) -> None:
    seated = dora.select_channels(("x", "y", "z"))
    seated = replace(seated, signals=seated.signals.mean(axis=0) + 0.001 * np.sign(seated.signals))
    (warning,) = adapt(general, [seated]).mounting_warnings
    assert evaluate(general, [seated]).mounting_warnings == {seated.source: warning}
    assert "nothing looks like walking" in warning
    assert "--forearm-axis" in warning
    assert evaluate(general, [seated], orientation=False).mounting_warnings == {}
    with pytest.raises(HarkenError, match="no watch may be turned to it"):
        harken.evaluate(general, "seated.csv", orientation=False, forearm_axis="y")


def test_only_the_outputs_of_recorded_labels_change_and_the_others_are_not_forgotten(
    general: Recogniser, dora: Recording, tmp_path: Path
) -> None:
    before = {name: weights.copy() for name, weights in general.model_.weights.items()}
    adapted = adapt(general, [turned(dora)])
    assert adapted.kept
    after = adapted.recogniser.model_.weights
    for name, weights in general.model_.weights.items():
        np.testing.assert_array_equal(weights, before[name])
        assert (weights == after[name]).all() != name.startswith("output")
    changed = after["output.weight"] != before["output.weight"]
    labels = general.specification_.labels
    assert {labels[code] for code in np.flatnonzero(changed.any(axis=1))} == {"lying", "sitting", "walking"}
    jumps = windows_of(general, wearer(tmp_path, 12, bouts=("jumping", "jumping")))
    assert general.score(jumps) > 0.9
    assert adapted.recogniser.score(jumps) > 0.9


def test_what_holds_in_one_half_and_not_in_the_other_is_reverted(general: Recogniser, dora: Recording) -> None:
    # A model that is sure of itself would gain by learning to be less so; this one has nothing to gain.
    general = general.with_temperature(5.0, "nobody")
    windows = windows_of(general, dora)
    lying, sitting = (windows.label_names.index(name) for name in ("lying", "sitting"))
    early = windows.starts_ns < np.median(windows.starts_ns)
    swapped = windows.label_codes.copy()
    swapped[early & (windows.label_codes == lying)] = sitting
    swapped[early & (windows.label_codes == sitting)] = lying
    adapted = adapt(general, replace(windows, label_codes=swapped))
    assert not adapted.kept
    assert adapted.before is not None
    assert adapted.after is not None
    assert adapted.after.log_loss > adapted.before.log_loss or (
        adapted.after.balanced_accuracy < adapted.before.balanced_accuracy
    )
    assert "in cross-validation" in adapted.reason
    assert adapted.recogniser.model_.weights is general.model_.weights
    assert adapted.recogniser.specification_ == general.specification_
    assert not adapted.recogniser.provenance_["adaptation"]["kept"]


def test_two_arms_of_a_person_are_left_out_together(general: Recogniser, dora: Recording) -> None:
    parts = [windows_of(general, replace(dora, subject=name)) for name in ("dora_left", "dora_right", "emil")]
    wearers = labelled_features(general, general.known(concatenate(parts))).wearers
    assert [len(set(wearers[start : start + len(parts[0])])) for start in (0, len(parts[0]))] == [1, 1]
    assert wearers[0] == wearers[len(parts[0])] != wearers[-1]


def test_hours_of_one_bout_are_one_bout(general: Recogniser, dora: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    # The fewer windows there may be, the farther apart they are: here more than two windows' lengths.
    monkeypatch.setattr("harken.training.adaptation.MOST_WINDOWS", 24)
    long = replace(
        dora, label_codes=np.sort(dora.label_codes), time_ns=dora.time_ns[0] + 40_000_000 * np.arange(len(dora))
    )
    adapted = adapt(general, [long])
    assert adapted.windows < 30
    assert not adapted.between_bouts


def test_a_temperature_stays_within_what_a_file_may_hold(general: Recogniser, tmp_path: Path) -> None:
    weights = general.model_.weights
    sure = {name: np.float32(60) * weights[name].astype(np.float32) for name in ("output.weight", "output.bias")}
    general = general.with_model(replace(general.model_, weights={**weights, **sure}))
    recording = wearer(tmp_path, 11, bouts=people.BOUTS * 3, seconds=30)
    codes = recording.label_codes.copy()
    first, second = recording.bout_edges[[0, 2]]
    codes[first:second] = (codes[first:second] + 1) % 3  # wrong labels, so the held-out windows need a higher one
    adapted = adapt(general.with_temperature(60.0, "nobody"), [replace(recording, label_codes=codes)])
    assert adapted.kept
    assert adapted.recogniser.specification_.temperature == 100


def test_values_of_a_network_that_are_not_numbers_are_refused(general: Recogniser, dora: Recording) -> None:
    broken = {"lstm.bias_ih_l0": np.full_like(general.model_.weights["lstm.bias_ih_l0"], np.nan)}
    general = general.with_model(replace(general.model_, weights={**general.model_.weights, **broken}))
    with pytest.raises(HarkenError, match="computes values that are not numbers"):
        adapt(general, [dora], orientation=False)


def test_a_single_label_keeps_the_general_model(general: Recogniser, tmp_path: Path) -> None:
    adapted = adapt(general, [wearer(tmp_path, 11, bouts=("lying", "lying"))])
    assert (adapted.kept, adapted.before, adapted.after) == (False, None, None)
    assert "only one label was recorded" in adapted.reason


def test_a_label_too_short_to_be_held_out_is_named_and_trained(general: Recogniser, tmp_path: Path) -> None:
    long = wearer(tmp_path, 11, "dora", bouts=("lying", "walking"))
    short = wearer(tmp_path, 11, "dora_too", seconds=4, bouts=("sitting",))
    short = replace(short, subject="dora", time_ns=short.time_ns + 10**12)
    adapted = adapt(general, [long, short])
    assert adapted.unlearned == ("sitting",)
    assert adapted.labelled_s["sitting"] == pytest.approx(4, abs=0.5)


def test_the_file_states_its_origin_and_the_wearer_counts_as_known(
    general: Recogniser, general_file: Path, dora: Recording, tmp_path: Path
) -> None:
    adapted = adapt(general, [dora])
    path = tmp_path / "personal.safetensors"
    adapted.recogniser.save(path)
    adapt(general, [dora]).recogniser.save(tmp_path / "again.safetensors")
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()
    loaded = Recogniser.load(path)
    said = loaded.provenance_["adaptation"]
    assert said["adapted_from"] == hashlib.sha256(general_file.read_bytes()).hexdigest()
    assert said | {"adapted_from": ""} == adapted.as_dict() | {"adapted_from": ""}
    assert loaded.provenance_["training_people"] == ["dora", "person_1", "person_2"]
    assert loaded.provenance_["data"][-1]["samples_fingerprint"] == dora.samples_fingerprint
    with pytest.raises(HarkenError, match="trained on this recording"):
        evaluate(loaded, [dora])
    ways_out = r"trained on this recording, so .* Train a new model; or leave the recording out; or, if the model was "
    with pytest.raises(HarkenError, match=ways_out):
        adapt(loaded, [dora])
    shifted = replace(dora, time_ns=dora.time_ns + 1_000_000, signals=dora.signals.round(4), subject="mallory")
    with pytest.raises(HarkenError, match=r"trained on this recording|trained on \S+% of this recording"):
        adapt(loaded, [shifted])
    again = replace(wearer(tmp_path, 13), subject="dora")
    known = evaluate(loaded, [again]).known
    assert known is not None
    assert set(known.people) == {"dora"}


def washing_up(folder: Path, name: str, label: str = "washing up", seed: int = 11, shakes_hz: float = 3.0) -> Recording:
    """Dora shakes her arm in a way that the general model has not met."""
    recording = wearer(folder, seed, name, bouts=("sitting", "sitting"), seconds=40, gap_s=30)
    signals = recording.signals.copy()
    times_s = (recording.time_ns - recording.time_ns[0]) / 1e9
    signals[:, 1] += np.sin(2 * np.pi * shakes_hz * times_s).astype(np.float32)
    later_ns = {"dora_washes": 10**13, "dora_washes_again": 10**14}[name]
    return replace(
        recording, subject="dora", signals=signals, label_names=(label,), time_ns=recording.time_ns + later_ns
    )


def test_a_label_that_the_model_lacks_is_learned_and_found_again(
    general: Recogniser, dora: Recording, tmp_path: Path
) -> None:
    adapted = adapt(general, [dora, washing_up(tmp_path, "dora_washes")])
    assert adapted.kept, adapted.reason
    assert list(adapted.new_labels) == ["washing up"]
    assert "“washing up” is new: " in adapted.reason
    adapted.recogniser.save(tmp_path / "personal.safetensors")
    personal = Recogniser.load(tmp_path / "personal.safetensors", device="cpu")
    assert personal.specification_.labels == (*general.specification_.labels, "washing up")
    again = windows_of(personal, washing_up(tmp_path, "dora_washes_again"))
    assert personal.score(again) > 0.9
    another = windows_of(personal, wearer(tmp_path, 12))
    taken = personal.predict(another) == "washing up"
    assert taken.mean() < 0.02
    assert any("Only the new model knows “washing up”" in limit for limit in adapted.limits)


def test_a_second_new_label_does_not_take_the_windows_of_the_first(general: Recogniser, tmp_path: Path) -> None:
    adapted = adapt(general, [washing_up(tmp_path, "dora_washes")])
    adapted.recogniser.save(tmp_path / "personal.safetensors")
    personal = Recogniser.load(tmp_path / "personal.safetensors", device="cpu")
    assert personal.model_.examples is not None
    assert set(personal.model_.examples.codes.tolist()) == {0, 1, 2, 3, 4}
    drumming = washing_up(tmp_path, "dora_washes_again", label="drumming", seed=13, shakes_hz=3.5)
    second = adapt(personal, [drumming]).recogniser
    assert second.specification_.labels[-2:] == ("washing up", "drumming")
    washing = windows_of(personal, washing_up(tmp_path, "dora_washes", seed=21))
    assert personal.score(washing) > 0.9
    assert second.score(washing) > 0.9
    assert second.score(windows_of(second, drumming)) > 0.9


def test_a_new_label_that_is_written_in_two_ways_is_one(general: Recogniser, dora: Recording, tmp_path: Path) -> None:
    shouted = washing_up(tmp_path, "dora_washes", label="Washing_Up")
    again = washing_up(tmp_path, "dora_washes_again", seed=13)
    adapted = adapt(general, [dora, shouted, again])
    assert list(adapted.new_labels) == ["washing up"]
    (test,) = adapted.tests
    assert test.seconds_by_label.keys() == {"washing up", "lying", "sitting", "walking"}
    assert not any("Washing_Up" in limit for limit in adapted.limits)


def test_nothing_is_left_if_every_label_is_ignored(general: Recogniser, dora: Recording) -> None:
    with pytest.raises(HarkenError, match="every recorded label, “lying”, “sitting” and “walking”, is left out"):
        adapt(general, [dora], ignore_labels=["Lying", "sitting", "walking"])


def test_a_new_label_alone_leaves_the_others_as_they_were(general: Recogniser, tmp_path: Path) -> None:
    adapted = adapt(general, [washing_up(tmp_path, "dora_washes")])
    assert adapted.kept
    for name in ("output.weight", "output.bias"):
        known = general.model_.weights[name]
        np.testing.assert_array_equal(adapted.recogniser.model_.weights[name][: len(known)], known)


def test_a_new_label_that_looks_like_a_known_one_is_not_added(general: Recogniser, tmp_path: Path) -> None:
    reading = wearer(tmp_path, 1, "dora_reads", bouts=("sitting", "sitting"), seconds=40)
    adapted = adapt(general, [replace(reading, label_names=("reading",))])
    assert not adapted.kept
    assert list(adapted.not_added) == ["reading"]
    assert "“reading” is not added: " in adapted.reason
    assert adapted.recogniser.specification_ == general.specification_


def test_a_new_label_is_refused_without_examples_and_if_it_is_a_slip(general: Recogniser, tmp_path: Path) -> None:
    assert general.model_.examples is not None
    sizes = general.model_.examples.step_sizes
    empty = TrainingExamples(np.empty((0, len(sizes)), np.int8), sizes, np.empty(0, np.int32))
    for examples in (None, empty):
        without = general.with_model(replace(general.model_, examples=examples))
        with pytest.raises(HarkenError, match=r"lacks “washing up”, and its file keeps no examples.*--ignore-label"):
            adapt(without, [washing_up(tmp_path, "dora_washes")])
    with pytest.raises(HarkenError, match=r"“sittin” is spelled nearly as “sitting”.*--rename sittin=sitting"):
        adapt(general, [washing_up(tmp_path, "dora_washes", label="sittin")])


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_models_of_every_preset_can_be_adapted(preset: str, dora: Recording) -> None:
    recipe = PRESETS[preset]
    channels, labels = ("x", "y", "z"), ("lying", "sitting", "walking")
    specification = Specification(
        channels=channels,
        acceleration_unit=recipe.acceleration_unit,
        sample_rate_hz=recipe.sample_rate_hz or dora.sample_rate_hz,
        even_grid=False,
        window_length=40,
        hop_s=1.0,
        labels=labels,
        network=recipe.network_name,
        sizes={**recipe.sizes, "channels": 3, "classes": 3},
        preset=recipe.name,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(recipe.network_name, specification.sizes).eval()
    recogniser = Recogniser.of(FittedModel(specification, weights_of(network), {}), device="cpu")
    adapted = adapt(recogniser, [dora])
    assert adapted.kept, adapted.reason
    assert adapted.after is not None
    assert adapted.after.balanced_accuracy > 0.6
    flat = replace(specification, network=network_name(FlatNetwork), sizes={"channels": 3, "classes": 3})
    weights = weights_of(FlatNetwork(FlatSizes(3, 3)))
    recogniser = recogniser.with_model(replace(recogniser.model_, specification=flat, weights=weights))
    with pytest.raises(HarkenError, match=r"cannot be adapted: it does not end in a linear layer.*everyday"):
        adapt(recogniser, [dora])
