"""An axis that stays at one value while the watch moves is marked; a still wrist and cut-off peaks are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.studies.data_sets import find_study
from harken.recordings.broken_axes import AxisSurvey, BrokenStretches
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from made_recordings import recording_of
from still_recordings import SPHERE, resting
from synthetic_signals import clock

RATE_HZ = 25.0
COUNT_G = 1 / 64


def walking(minutes: float, seed: int = 0) -> Recording:
    """An arm that swings, on all axes."""
    time_ns = clock(RATE_HZ, 60 * minutes)
    phase = 2 * np.pi * 1.8 * np.arange(len(time_ns)) / RATE_HZ
    swing = np.stack([0.4 * np.sin(phase), 0.25 * np.cos(phase), 0.3 * np.sin(2 * phase)], axis=1)
    noise = np.random.default_rng(seed).normal(0, 0.02, (len(time_ns), 3))
    return recording_of(time_ns, np.array([0.8, 0.3, 0.5]) + swing + noise)


def break_axis(
    recording: Recording, axis: str, value_g: float, rows: slice, *, noise_g: float = 0.0, range_g: float = 2.0
) -> Recording:
    """The recording as it is found if an axis stays at a value in these rows, rounded to counts of an Empatica E4."""
    signals = recording.signals.copy()
    column = "xyz".index(axis)
    noise = np.random.default_rng(1).normal(0, noise_g, len(signals[rows]))
    counts = np.rint((value_g + noise) / COUNT_G) * COUNT_G
    signals[rows, column] = np.clip(counts, -range_g, range_g - COUNT_G)
    return replace(recording, signals=signals, as_found=True)


@pytest.mark.parametrize("value_g", [1.98, -1.98, 0.31, 0.0])
@pytest.mark.parametrize("noise_counts", [0, 0.5, 2])
def test_an_axis_that_stays_at_a_value_is_marked_for_that_time(value_g: float, noise_counts: float) -> None:
    broken = slice(9_000, 18_000)  # minutes 6 to 12 of 20
    found = mend(break_axis(walking(20), "z", value_g, broken, noise_g=noise_counts * COUNT_G))
    (axis,) = found.quality.broken_axes
    assert (axis.axis, axis.times) == ("z", 1)
    assert axis.value_g == pytest.approx(value_g, abs=0.02)
    assert not found.valid[broken].any()
    beside = 20 * RATE_HZ  # up to two blocks of ten seconds
    assert found.valid[: int(broken.start - beside)].all()
    assert found.valid[int(broken.stop + beside) :].all()
    assert found.quality.broken == axis.samples == np.count_nonzero(~found.valid)


def test_an_axis_beyond_gravity_needs_no_movement() -> None:
    still = resting(SPHERE[:1], minutes=3)
    assert mend(break_axis(still, "y", 1.9, slice(None))).quality.broken == len(still)


def test_a_wrong_unit_is_no_broken_axis() -> None:
    """Metres per second squared that are read as g."""
    still = resting(SPHERE[:3], minutes=5)
    in_metres = replace(still, signals=(still.signals * 9.81).astype(np.float32), as_found=True)
    assert mend(in_metres).quality.broken_axes == ()


def test_a_still_wrist_is_not_broken() -> None:
    """Also not if it is turned about an axis, which keeps its value then."""
    turned = resting(np.tile([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -0.7, 0.7]], (3, 1)), minutes=10, breath_g=0.002)
    assert mend(replace(turned, as_found=True)).quality.broken == 0


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 9_000), max_size=6))
def test_broken_axes_are_the_same_however_samples_are_cut(cuts: list[int]) -> None:
    recording = break_axis(walking(6), "x", 0.31, slice(1_000, 8_000), noise_g=0.01)
    signals = recording.signals.copy()
    signals[::97, 1] = np.nan
    whole = survey_in_pieces(recording.time_ns, signals, [])
    assert whole.samples > 6_000
    assert survey_in_pieces(recording.time_ns, signals, cuts) == whole


def survey_in_pieces(time_ns: NDArray[np.int64], signals: NDArray[np.float32], cuts: list[int]) -> BrokenStretches:
    survey = AxisSurvey()
    for times, acceleration in zip(np.split(time_ns, sorted(cuts)), np.split(signals, sorted(cuts)), strict=True):
        survey.push(times, acceleration)
    return survey.finish(2.0)


@pytest.mark.parametrize(
    ("name", "axis", "value_g"),
    [("wearable_exercise", "z", 1.98), ("selfback", "x", 0.3), ("wisdm", "y", -0.95), ("hawthorne", "z", 0.0)],
)
def test_a_broken_axis_is_found_in_real_recordings(data_dir: Path, name: str, axis: str, value_g: float) -> None:
    real = find_study(name).read(data_dir / name)[0]
    found = mend(break_axis(real, axis, value_g, slice(None), noise_g=COUNT_G))
    assert [broken.axis for broken in found.quality.broken_axes] == [axis]
    assert found.quality.broken == pytest.approx(len(real), rel=0.02)


@pytest.mark.parametrize(
    "name",
    [
        *("hawthorne", "lmu_harlab", "pebble_steps"),
        *(
            pytest.param(name, marks=pytest.mark.second_stage)
            for name in ("wisdm", "dsads", "selfback", "stress_predict", "wearable_exercise", "exam_stress")
        ),
    ],
)
def test_no_axis_of_a_real_study_is_broken(data_dir: Path, name: str) -> None:
    """Running in WISDM is cut off at 2 g, and people in three studies sit still for an hour."""
    for recording in find_study(name).read(data_dir / name):
        assert recording.quality.broken_axes == (), recording.source
