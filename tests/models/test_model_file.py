"""FittedModel files: the same bytes for the same training, and nothing believed or executed from a stranger's."""

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from harken import Recogniser
from harken.models import model_file
from harken.models.model_file import (
    METADATA_KEY,
    PROVENANCE_FIELDS,
    FittedModel,
    TrainingExamples,
    read_model,
    write_model,
)
from harken.networks.pytorch import build, weights_of
from harken.networks.specification import Specification
from harken.reports.caveats import model_card
from harken.support.errors import HarkenError
from model_files import FINGERPRINTS, PROVENANCE, SPECIFICATION

MISSING = object()


def card_of(path: Path) -> dict[str, Any]:
    with safe_open(path, "np") as file:
        return dict(json.loads(file.metadata()[METADATA_KEY]))


def edit(path: Path, change: Callable[[dict[str, Any]], object], *, signed: bool = True) -> None:
    """Change the JSON of a model file. ``signed``: with the digest that belongs to it."""
    card, tensors = card_of(path), load_file(path)
    change(card)
    if signed:
        with contextlib.suppress(ValueError):  # of numbers that no JSON holds
            card["sha256"] = model_file._digest(card, tensors)
    text = json.dumps(card, sort_keys=True, ensure_ascii=False)
    save_file(tensors, path, metadata={METADATA_KEY: text})


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 0


def put(card: dict[str, Any], field: str, value: Any) -> None:
    """Change a field of the JSON, which is named by its path."""
    *path, last = field.split(".")
    for name in path:
        card = card[name]
    card[last] = value
    if value is MISSING:
        del card[last]


def test_round_trip(model_path: Path) -> None:
    model = read_model(model_path)
    assert model.specification == SPECIFICATION
    assert model.provenance == PROVENANCE
    assert np.array_equal(model.fingerprints.hashes, FINGERPRINTS.hashes)
    again = model_path.with_name("again.safetensors")
    write_model(again, model)
    assert again.read_bytes() == model_path.read_bytes()
    assert not model.network.training


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("format_version", 4, "newer harken.*upgrade"),
        ("format_version", 1, "older harken.*train it again"),
        ("format_version", "1", "not in the form"),
        ("provenance", MISSING, "not in the form"),
        ("specification.labels", MISSING, "does not have the fields"),
        ("specification.labels", ["a", "a"], "no list of different labels"),
        ("specification.labels", ["a", "b", "c"], "channels or classes of its network differ"),
        ("specification.labels", ["a", 3], r"Expected `str`, got `int` - at `\$\.labels\[1\]`"),
        ("specification.window_length", 1, "window_length of a model must be between 2 and .*, got 1"),
        ("specification.hop_s", 1e300, r"hop_s of a model must be between .*, got 1e\+300"),
        ("specification.hop_s", 0.001, "hop_s of a model must be at least one sample, got 0.001"),
        ("specification.temperature", 1e-300, "temperature of a model must be between .*, got 1e-300"),
        ("specification.sample_rate_hz", 10**400, "Number out of range - at `.*sample_rate_hz`"),
        ("specification.labels", ["a" * 201, "b"], "a name in a model must have"),
        ("specification.channels", ["", "b"], "a name in a model must have .*, got ''"),
        ("specification.labels", [f"{n}" for n in range(1001)], "between 1 and 1,000 labels, got 1,001"),
        ("specification.channels", [f"{n}" for n in range(101)], "between 1 and 100 channels, got 101"),
        ("specification.window_length", True, "Expected `int`, got `bool` - at `.*window_length`"),
        ("specification.sample_rate_hz", "25", "Expected `float`, got `str` - at `.*sample_rate_hz`"),
        ("specification.acceleration_unit", "ft/s2", "Invalid enum value 'ft/s2' - at `.*acceleration_unit`"),
        ("specification.network", "os.system", "no network 'os.system'"),
        ("specification.sizes", [], "Expected `object`, got `array` - at `.*sizes`"),
        ("specification.sizes.units", 4097, "units of the network .* from 1 to 4096, got 4097"),
        ("specification.sizes.layers", 65536, "layers of the network .* from 1 to 64, got 65536"),
        ("specification.sizes.layers", 64, "not those of the network"),
        ("specification.sizes.dropout", True, "dropout of the network .* must be"),
        ("specification.sizes.units", 5, "the size of its weight .* differs"),
        ("specification.sizes.heads", 2, "no size heads"),
        ("specification.sizes.classes", MISSING, "lacks a size"),
        ("specification.sizes.dropout", 2.0, "dropout of the network .* must be"),
        ("provenance", [], "provenance is not a JSON object"),
        ("provenance.training", None, "provenance.training is None, but must be an object"),
        ("provenance.training", {"epochs": -1}, "provenance.training"),
        ("provenance.training_people", [["ann"]], "provenance.training_people"),
        ("provenance.data", [3], "provenance.data"),
        ("provenance.learned_ns", {"abc": [[0, 1], [2]]}, "provenance.learned_ns"),
        ("provenance.learned_ns", {"abc": [[0, 2**63]]}, "provenance.learned_ns"),
        ("provenance.scores", {"cross_people": {"people": 3}}, "provenance.scores"),
        ("provenance.scores_of_fold_models_on_unseen_people", {"a": "b"}, "provenance.scores_of_fold"),
        ("provenance.x_points_to", "hand", "provenance.x_points_to is 'hand', but must be elbow"),
        ("provenance.gravity_sign", "up", "provenance.gravity_sign is 'up', but must be positive or negative"),
        ("provenance.label_scheme", 3, "provenance.label_scheme"),
        ("provenance.other", 10**400, "a number out of range: a number of 1,329 bits"),
        ("provenance.other", "a" * 10_001, "too long"),
        ("provenance.other", nested(30), "nested more than"),
        ("fingerprints", {"one_in": 100}, "its fingerprints are not in the form"),
        ("fingerprints", None, "its fingerprints are not in the form"),
    ],
)
def test_an_edited_file_is_refused_with_the_reason(model_path: Path, field: str, value: Any, reason: str) -> None:
    edit(model_path, lambda card: put(card, field, value))
    with pytest.raises(HarkenError, match=reason) as caught:
        read_model(model_path)
    assert str(model_path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seed": 0', '"seed": ' + "9" * 6000),
        ('"seed": 0', '"seed": 1e400'),
        ('"seed": 0', '"seed": NaN'),
        ('"seed": 0', '"seed":  0'),
        ('"seed": 0', '"seed": 0, "seed": 0'),
        ('"lying"', '"\\ud800"'),
        ('"lying"', '"l\\u0079ing"'),
        ("25.0", "25.00"),
        ('"temperature": 1.0', '"temperature": Infinity'),
    ],
)
def test_json_that_harken_does_not_write_is_refused(model_path: Path, old: str, new: str) -> None:
    with safe_open(model_path, "np") as file:
        text = file.metadata()[METADATA_KEY]
    assert old in text
    save_file(load_file(model_path), model_path, metadata={METADATA_KEY: text.replace(old, new)})
    with pytest.raises(HarkenError, match=r"description is not (JSON|in the form)") as caught:
        read_model(model_path)
    assert len(str(caught.value)) < len(str(model_path)) + 200


def test_a_model_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    network = build(SPECIFICATION.network, SPECIFICATION.sizes)
    path = tmp_path / "model.safetensors"
    for provenance in ({"training_people": "ann"}, {"training": None}, {"seed": 2**70}):
        with pytest.raises(HarkenError, match="provenance"):
            write_model(path, FittedModel(SPECIFICATION, weights_of(network), provenance))
        assert not path.exists()
    write_model(
        path, FittedModel(SPECIFICATION, weights_of(network), {"training_people": ["b\udcf6rn"]})
    )  # a name that is not UTF-8
    assert read_model(path).provenance == {"training_people": ["b?rn"]}


def test_windows_that_no_memory_holds_are_refused(tmp_path: Path) -> None:
    """A wide layer over many channels has few weights, and a thousand gigabytes of values."""
    sizes = {"channels": 100, "classes": 2, "convolutions": 1, "filters": 4096, "filter_length": 1, "units": 1}
    weights = weights_of(build("deep_conv_lstm", sizes))
    channels = tuple(f"channel {number}" for number in range(100))
    wide = replace(SPECIFICATION, channels=channels, network="deep_conv_lstm", sizes=sizes, window_length=1_000_000)
    write_model(tmp_path / "wide.safetensors", FittedModel(wide, weights, PROVENANCE))
    with pytest.raises(HarkenError, match=r"wide.*: windows of 1,000,000 samples need about 1,7.* GB of memory, and"):
        read_model(tmp_path / "wide.safetensors")


@pytest.mark.parametrize(
    ("weight", "value", "reason"),
    [
        ("output.bias", math.nan, "holds values that are not numbers"),
        ("output.bias", math.inf, "holds values that are not numbers"),
        ("stem.1.running_var", -1e-3, "is a variance, but holds negative values"),
    ],
)
def test_weights_with_impossible_values_are_refused(tmp_path: Path, weight: str, value: float, reason: str) -> None:
    packaged = read_model("packaged")
    changed = np.full_like(packaged.weights[weight], value)
    write_model(tmp_path / "a.safetensors", replace(packaged, weights={**packaged.weights, weight: changed}))
    with pytest.raises(HarkenError, match=f"its weight {weight} {reason}"):
        read_model(tmp_path / "a.safetensors")


FIELDS = st.sampled_from([*PROVENANCE_FIELDS, "x"])
NUMBERS = st.integers() | st.integers(10**300, 10**310) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.sampled_from(["seed", "epochs", "cross_people", "people", "mean_person_macro_f1", "subject"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=FIELDS, value=VALUES)
def test_any_provenance_is_refused_or_can_be_used(model_path: Path, name: str, value: Any) -> None:
    whole = model_path.read_bytes()
    try:
        edit(model_path, lambda card: card["provenance"].update({name: value}))
        with contextlib.suppress(HarkenError):
            model = Recogniser.load(model_path)
            assert model.provenance_[name] == value
            assert all(model_card(model.specification_, model.provenance_))
            model.save(model_path)
    finally:
        model_path.write_bytes(whole)


@pytest.mark.parametrize("levels", [1, 300, 800])
def test_a_deeply_nested_size_is_refused(levels: int) -> None:
    value = nested(levels)
    for size in ("units", "unknown"):
        with pytest.raises(HarkenError, match="its specification has an invalid value"):
            Specification.from_dict(SPECIFICATION.as_dict() | {"sizes": {"channels": 3, "classes": 2, size: value}})


@pytest.mark.parametrize("field", ["acceleration_unit", "window_length", "labels", "sizes"])
@pytest.mark.parametrize("value", ["\ud800", "A" * 100_000])
def test_a_specification_with_a_hostile_text_is_refused_in_a_few_words(field: str, value: str) -> None:
    content = SPECIFICATION.as_dict() | {field: value}
    with pytest.raises(HarkenError, match="its specification has an invalid value") as refused:
        Specification.from_dict(content)
    assert len(str(refused.value)) < 300


EXAMPLES = TrainingExamples.of(np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4), np.array([0, 1, 1, 0]))


def test_examples_from_training_are_kept(model_path: Path) -> None:
    write_model(model_path, replace(read_model(model_path), examples=EXAMPLES))
    examples = read_model(model_path).examples
    assert examples is not None
    assert examples.codes.tolist() == [0, 1, 1, 0]
    expected = np.linspace(-1, 1, 16).reshape(4, 4)
    np.testing.assert_allclose(examples.features, expected, atol=0.5 / 127)


@pytest.mark.parametrize(
    ("name", "tensor", "reason"),
    [
        ("codes", None, "its examples from training lack a part"),
        ("steps", np.zeros((4, 4), np.int32), "not in the form that harken writes"),
        ("codes", np.zeros(3, np.int32), "the parts of its examples from training have different lengths"),
        ("codes", np.array([0, 1, 2, 0], np.int32), "a label that the model does not have"),
        ("codes", np.array([0, -1, 1, 0], np.int32), "a label that the model does not have"),
        ("step_sizes", np.full(4, np.nan, np.float32), "a step that is not a number"),
        ("output.weight", np.zeros((2, 3), np.float32), "not what its output layer reads"),
    ],
)
def test_damaged_examples_from_training_are_refused(model_path: Path, name: str, tensor: Any, reason: str) -> None:
    write_model(model_path, replace(read_model(model_path), examples=EXAMPLES))
    put_tensor(model_path, name if "." in name else f"training_examples.{name}", tensor)
    with pytest.raises(HarkenError, match=reason):
        read_model(model_path)


def test_too_many_examples_from_training_are_refused(model_path: Path) -> None:
    windows = 300_000 // 8
    many = TrainingExamples.of(np.ones((windows, 4), np.float32), np.zeros(windows, np.int64))
    write_model(model_path, replace(read_model(model_path), examples=many))
    with pytest.raises(HarkenError, match="take more than 300,000 bytes"):
        read_model(model_path)


def put_tensor(path: Path, name: str, tensor: Any) -> None:
    """Replace a tensor of a model file, or take it out, with the digest that belongs to it."""
    card, tensors = card_of(path), load_file(path)
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    card["sha256"] = model_file._digest(card, tensors)
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(card, sort_keys=True, ensure_ascii=False)})
