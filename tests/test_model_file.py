"""Model files: the same bytes for the same training, and nothing believed or executed from a stranger's."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from harken.errors import HarkenError
from harken.model_file import METADATA_KEY, Model, read_model, write_model
from harken.networks import build
from harken.specification import Specification

SPECIFICATION = Specification(
    channels=("x", "y", "z"),
    acceleration_unit="m/s2",
    sample_rate_hz=25.0,
    even_grid=False,
    window_length=16,
    hop_s=0.32,
    labels=("lying", "walking"),
    network="notebook_lstm",
    sizes={"channels": 3, "classes": 2, "units": 4, "layers": 1, "keep": 0.8},
    preset="notebook",
)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build(SPECIFICATION.network, SPECIFICATION.sizes)
    path = tmp_path / "model.safetensors"
    write_model(path, Model(SPECIFICATION, network, {"seed": 0}))
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with safe_open(path, "pt") as file:
        card = json.loads(file.metadata()[METADATA_KEY])
    change(card)
    save_file(load_file(path), path, metadata={METADATA_KEY: json.dumps(card, sort_keys=True)})


def test_round_trip(model_path: Path) -> None:
    model = read_model(model_path)
    assert model.specification == SPECIFICATION
    assert model.provenance == {"seed": 0}
    again = model_path.with_name("again.safetensors")
    write_model(again, model)
    assert again.read_bytes() == model_path.read_bytes()
    assert not model.network.training


def test_metadata_is_one_sorted_json_under_one_key(model_path: Path) -> None:
    with safe_open(model_path, "pt") as file:
        metadata = file.metadata()
    assert list(metadata) == ["harken"]
    card = json.loads(metadata["harken"])
    assert metadata["harken"] == json.dumps(card, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: card.update(format_version=2), "newer harken.*upgrade"),
        (lambda card: card.update(format_version="1"), "not in the form"),
        (lambda card: card.pop("provenance"), "not in the form"),
        (lambda card: card["specification"].pop("labels"), "does not have the fields"),
        (lambda card: card["specification"].update(labels=["a", "a"]), "no list of different labels"),
        (lambda card: card["specification"].update(labels=["a", "b", "c"]), "other channels or classes"),
        (lambda card: card["specification"].update(labels=["a", 3]), "not text"),
        (lambda card: card["specification"].update(window_length=0), "window_length = 0"),
        (lambda card: card["specification"].update(window_length=True), "window_length = True"),
        (lambda card: card["specification"].update(sample_rate_hz="25"), "sample_rate_hz = '25'"),
        (lambda card: card["specification"].update(acceleration_unit="ft/s2"), "unknown unit"),
        (lambda card: card["specification"].update(network="os.system"), "no network 'os.system'"),
        (lambda card: card["specification"].update(sizes=[]), "no sizes"),
        (lambda card: card["specification"]["sizes"].update(units=10**9), "cannot have units"),
        (lambda card: card["specification"]["sizes"].update(units=5), "does not have the size"),
        (lambda card: card["specification"]["sizes"].update(layers=2), "not those of the network"),
        (lambda card: card["specification"]["sizes"].update(heads=2), "no size heads"),
        (
            lambda card: card["specification"]["sizes"].pop("units") and card["specification"]["sizes"].pop("classes"),
            "lacks a size",
        ),
        (lambda card: card["specification"]["sizes"].update(keep=2.0), "cannot have keep"),
        (lambda card: card.update(weights_sha256="0" * 64), "edited or damaged"),
    ],
)
def test_an_edited_file_is_refused_with_the_reason(
    model_path: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    edit(model_path, change)
    with pytest.raises(HarkenError, match=reason) as caught:
        read_model(model_path)
    assert str(model_path) in str(caught.value)


def test_edited_weights_are_refused(model_path: Path) -> None:
    content = bytearray(model_path.read_bytes())
    content[-1] ^= 1
    model_path.write_bytes(content)
    with pytest.raises(HarkenError, match=r"edited or damaged|not numbers"):
        read_model(model_path)


def test_what_is_not_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(HarkenError, match="no such model file"):
        read_model(path)
    with pytest.raises(HarkenError, match=r"this folder holds no model \(no model.safetensors\); name a model file"):
        read_model(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(HarkenError, match="not a whole model file"):
        read_model(path)
    path.write_text("Timestamp,X,Y,Z,P,Label\n")
    with pytest.raises(HarkenError, match="not a whole model file"):
        read_model(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(HarkenError, match="not one that harken wrote"):
        read_model(path)
    save_file({"weight": torch.zeros(2)}, path, metadata={METADATA_KEY: "{"})
    with pytest.raises(HarkenError, match="not JSON"):
        read_model(path)
    save_file({"weight": torch.zeros(2)}, path, metadata={METADATA_KEY: "[" * 100_000})
    with pytest.raises(HarkenError, match="not JSON"):
        read_model(path)


def test_a_pickled_model_is_refused_and_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    path = tmp_path / "model.safetensors"
    torch.save({"bomb": Bomb()}, path)
    with pytest.raises(HarkenError, match="not a whole model file"):
        read_model(path)
    assert not (tmp_path / "exploded").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_or_flipped_at_any_byte_is_refused_or_the_same(model_path: Path, data: st.DataObject) -> None:
    whole = model_path.read_bytes()
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = model_path.with_name("damaged.safetensors")
    path.write_bytes(damaged)
    with contextlib.suppress(HarkenError):
        model = read_model(path)  # a byte of the provenance, or white space: the weights are what they were
        for name, tensor in read_model(model_path).network.state_dict().items():
            assert np.array_equal(tensor, model.network.state_dict()[name])


def test_a_run_directory_is_as_good_as_its_model(model_path: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes(model_path.read_bytes())
    assert read_model(run).specification == read_model(model_path).specification
