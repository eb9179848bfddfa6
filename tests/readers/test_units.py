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
from reader_checks import Options
from tables import acceleration, write

G = acceleration(400)


def read_samples(folder: Path, samples: np.ndarray, **options: Unpack[Options]) -> Recording:
    lines = ["time,x,y,z", *(f"{20 * row},{x:.9g},{y:.9g},{z:.9g}" for row, (x, y, z) in enumerate(samples))]
    return harken.read(write(folder, lines), **options)


@pytest.mark.parametrize("unit", G_PER_UNIT)
def test_unit_is_recognised_in_spite_of_movement(unit: AccelerationUnit, tmp_path: Path) -> None:
    samples = G.copy()
    samples[:150] += np.random.default_rng(1).normal(0, 1, (150, 3))
    assert read_samples(tmp_path, samples / G_PER_UNIT[unit]).quality.acceleration_unit == unit


@given(size=st.floats(1e-6, 1e6))
def test_at_most_one_unit_fits(size: float) -> None:
    unit = acceleration_unit(size)
    assert unit is None or 1 / 1.36 < size * G_PER_UNIT[unit] < 1.36


def test_magnitude_of_nothing_is_nan() -> None:
    assert np.isnan(magnitude_at_rest(np.full((100, 3), np.nan, dtype=np.float32)))
