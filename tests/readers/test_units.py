"""The unit of acceleration, told by gravity."""

from pathlib import Path
from typing import Unpack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harken
from harken.readers.options import AccelerationUnit
from harken.readers.units import G_PER_UNIT, acceleration_unit, magnitude_at_rest
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from reader_checks import Options
from tables import acceleration, write

G = acceleration(400)


def read_samples(folder: Path, samples: np.ndarray, **options: Unpack[Options]) -> Recording:
    lines = ["time,x,y,z", *(f"{20 * row},{x:.9g},{y:.9g},{z:.9g}" for row, (x, y, z) in enumerate(samples))]
    return harken.read(write(folder, lines), **options)


@pytest.mark.parametrize("unit", G_PER_UNIT)
def test_unit_is_recognised_converted_and_noted(unit: AccelerationUnit, tmp_path: Path) -> None:
    recording = read_samples(tmp_path, G / G_PER_UNIT[unit])
    np.testing.assert_allclose(recording.signals, G, atol=1e-6)
    assert recording.quality.acceleration_unit == unit
    unit_notes = [note for note in recording.quality.notes if note.startswith(f"Acceleration is in {unit} (at rest ")]
    assert len(unit_notes) == (unit != "g")


@pytest.mark.parametrize("unit", G_PER_UNIT)
def test_unit_is_recognised_in_spite_of_movement(unit: AccelerationUnit, tmp_path: Path) -> None:
    samples = G.copy()
    samples[:150] += np.random.default_rng(1).normal(0, 1, (150, 3))
    assert read_samples(tmp_path, samples / G_PER_UNIT[unit]).quality.acceleration_unit == unit


def test_a_given_unit_is_used_with_a_note_on_the_doubt(tmp_path: Path) -> None:
    recording = read_samples(tmp_path, G * 9.80665, acceleration_unit="g")
    np.testing.assert_allclose(recording.signals, G * 9.80665, atol=1e-4)
    assert recording.quality.acceleration_unit == "g"
    assert "Acceleration was read in g, as requested, but this gives 10 g at rest." in recording.quality.notes


def test_a_given_unit_that_is_right(tmp_path: Path) -> None:
    notes = read_samples(tmp_path, G * 9.80665, acceleration_unit="m/s2").quality.notes
    assert not [note for note in notes if "Acceleration" in note or "Taken" in note]


def test_gravity_removed_is_asked_about(tmp_path: Path) -> None:
    without = G - G.mean(axis=0)
    with pytest.raises(
        HarkenError,
        match=r"at rest the acceleration is 0\.\d+, which is not gravity in any known unit .* Give the unit with "
        "--unit. A value near 0 means that gravity was removed; postures cannot be recognised",
    ):
        read_samples(tmp_path, without)
    notes = read_samples(tmp_path, without, acceleration_unit="g").quality.notes
    assert any("(gravity seems to have been removed)" in note for note in notes)


def test_no_whole_row(tmp_path: Path) -> None:
    samples = G.copy()
    samples[:, 1] = np.nan
    with pytest.raises(HarkenError, match="no row has all three of x, y and z"):
        read_samples(tmp_path, samples)


def test_missing_values_do_not_hide_the_unit(tmp_path: Path) -> None:
    samples = G * 1000
    samples[::10, 1] = np.nan  # a hole in every block
    recording = read_samples(tmp_path, samples)
    assert recording.quality.acceleration_unit == "mg"
    assert recording.quality.missing == 40


def test_few_samples(tmp_path: Path) -> None:
    assert read_samples(tmp_path, G[:3] * 9.81).quality.acceleration_unit == "m/s2"


@given(size=st.floats(1e-6, 1e6))
def test_at_most_one_unit_fits(size: float) -> None:
    unit = acceleration_unit(size)
    assert unit is None or 1 / 1.36 < size * G_PER_UNIT[unit] < 1.36


def test_magnitude_of_nothing_is_nan() -> None:
    assert np.isnan(magnitude_at_rest(np.full((100, 3), np.nan, dtype=np.float32)))
