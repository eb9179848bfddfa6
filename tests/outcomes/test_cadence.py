"""The cadence of strides: made ones at any rate, and thighs and knees beside wrists."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.outcomes import MovementMeter, MovementRows
from harken.outcomes.movement_rows import LEAST_MAD_MG
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from synthetic_signals import ROUGH, START_NS, clock, made


def strides(time_ns: NDArray[np.int64], cadence: float, *, seed: int = 0, size_g: float = 0.3) -> Recording:
    """An arm that swings once a stride, with a jolt at every step and noise."""
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * (cadence / 120) * (time_ns - START_NS) / 1e9
    swing = size_g * np.stack([np.sin(phase), 0.5 * np.cos(phase), 0.3 * np.sin(phase + 1)], axis=1)
    jolt = 0.6 * size_g * np.cos(2 * phase)[:, None] * np.array([0.2, 0.9, 0.3])
    return made(time_ns, swing + jolt + np.array([0.5, 0.6, 0.6]) + random.normal(0, 0.02, (len(time_ns), 3)))


def measured(recording: Recording, cuts: list[int] | None = None) -> MovementRows:
    meter = MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    edges = [0, *sorted(cuts or []), len(recording)]
    for first, last in pairwise(edges):
        meter.push(Samples.of(recording).part(first, last))
    return meter.finish()


@pytest.mark.parametrize("rate_hz", [12.5, 25, 31.25, 50, 87.5, 100])
@pytest.mark.parametrize(
    ("cadence", "runs", "error"),
    # A stride of 1.8 s occurs less than three times in a row, and its frequency is at the edge of those that count.
    [
        (66, False, 0.08),
        (90, False, 0.02),
        (118, False, 0.02),
        (150, False, 0.02),
        (160, True, 0.02),
        (190, True, 0.02),
    ],
)
def test_a_made_stride_is_found_at_any_rate(rate_hz: float, cadence: float, runs: bool, error: float) -> None:
    rows = measured(strides(clock(rate_hz, 60, jitter=0.05), cadence))
    found = rows.running_cadence if runs else rows.walking_cadence
    whole = found[rows.valid_s == 5]
    assert len(whole) >= 10
    np.testing.assert_allclose(whole, cadence, rtol=error)


def test_a_still_arm_and_an_incomplete_row_have_no_cadence() -> None:
    time_ns = clock(50, 60, gaps_s=[(31, 33)])
    rows = measured(strides(time_ns, 110))
    assert np.isnan(rows.walking_cadence[rows.valid_s < 5]).all()
    assert (rows.valid_s < 5).sum() == 3  # the first, the last, and the one with the gap
    quiet = measured(strides(time_ns, 110, size_g=0.0))
    assert (quiet.mad_mg < LEAST_MAD_MG).all()
    assert np.isnan(quiet.walking_cadence).all()


@settings(max_examples=30)
@given(drawn=ROUGH, pushes=st.integers(0, 10))
def test_cadences_do_not_depend_on_how_the_stream_is_cut(
    drawn: tuple[Recording, np.random.Generator], pushes: int
) -> None:
    recording, random = drawn
    cuts = random.integers(0, len(recording) + 1, pushes).tolist()
    whole, parts = measured(recording), measured(recording, cuts)
    np.testing.assert_array_equal(parts.walking_cadence, whole.walking_cadence)
    np.testing.assert_array_equal(parts.running_cadence, whole.running_cadence)


@settings(max_examples=20)
@given(cadence=st.floats(70, 150), cuts=st.lists(st.integers(0, 3000), max_size=6), seed=st.integers(0, 99))
def test_the_same_for_strides(cadence: float, cuts: list[int], seed: int) -> None:
    recording = strides(clock(50, 60, jitter=0.2, seed=seed), cadence, seed=seed)
    whole, parts = measured(recording), measured(recording, [min(cut, len(recording)) for cut in cuts])
    np.testing.assert_array_equal(parts.walking_cadence, whole.walking_cadence)
