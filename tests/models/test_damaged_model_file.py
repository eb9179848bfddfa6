"""Damaged model files, and files that hold no model, are refused; nothing in them is executed."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from harken.models.model_file import METADATA_KEY, read_model, write_model
from harken.support.errors import HarkenError


def test_edited_weights_are_refused(model_path: Path) -> None:
    content = bytearray(model_path.read_bytes())
    content[-1] ^= 1
    model_path.write_bytes(content)
    with pytest.raises(HarkenError, match="edited or damaged"):
        read_model(model_path)


def test_what_is_not_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(HarkenError, match="no such model file"):
        read_model(path)
    with pytest.raises(HarkenError, match=r"this folder holds no model \(no model.safetensors\); give a model file"):
        read_model(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(HarkenError, match="not a whole model file"):
        read_model(path)
    path.write_text("Timestamp,X,Y,Z,P,Label\n")
    with pytest.raises(HarkenError, match="not a whole model file"):
        read_model(path)
    save_file({"weight": np.zeros(2, np.float32)}, path)
    with pytest.raises(HarkenError, match="not one that harken wrote"):
        read_model(path)
    save_file({"weight": np.zeros(2, np.float32)}, path, metadata={METADATA_KEY: "{"})
    with pytest.raises(HarkenError, match="not JSON"):
        read_model(path)
    save_file({"weight": np.zeros(2, np.float32)}, path, metadata={METADATA_KEY: "[" * 100_000})
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


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_or_a_cut_is_refused(model_path: Path, data: st.DataObject) -> None:
    whole = model_path.read_bytes()
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = model_path.with_name("damaged.safetensors")
    path.write_bytes(damaged)
    with contextlib.suppress(HarkenError):
        write_model(path, read_model(path))  # white space of the header of safetensors, which says nothing
        assert path.read_bytes() == whole


def test_no_bit_of_the_json_can_be_flipped(model_path: Path) -> None:
    whole = model_path.read_bytes()
    first = whole.index(b'{\\"fingerprints\\"')
    last = whole.index(b"window_length")
    path = model_path.with_name("damaged.safetensors")
    for number in range(first, last, 3):
        damaged = bytearray(whole)
        damaged[number] ^= 1 << number % 8
        path.write_bytes(damaged)
        with pytest.raises(HarkenError):
            read_model(path)
