"""Onto an even grid by the clock: what a sine becomes, what is filtered away, and what real watches give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.signals import look_ahead_s, resample
from harken.signals.resampling import LowPass
from synthetic_signals import clock, inside, made, sine


@settings(max_examples=60)
@given(
    old_hz=st.floats(15, 200),
    new_hz=st.floats(15, 100),
    share=st.floats(0.01, 1),
    jitter=st.floats(0, 0.2),
    gap_s=st.floats(3, 7),
    seed=st.integers(0, 1000),
)
def test_a_slow_sine_stays_that_sine(
    old_hz: float, new_hz: float, share: float, jitter: float, gap_s: float, seed: int
) -> None:
    frequency_hz = share * min(old_hz / 10, 0.28 * new_hz)
    time_ns = clock(old_hz, 12, jitter=jitter, gaps_s=[(gap_s, gap_s + 1)], seed=seed)
    new = resample(made(time_ns, sine(time_ns, frequency_hz)), sample_rate_hz=new_hz)
    assert new.sample_rate_hz == pytest.approx(new_hz, rel=1e-3)
    wrong = np.abs(new.signals - sine(new.time_ns, frequency_hz))
    assert wrong[inside(new, look_ahead_s(new_hz))].max() < 0.012
    assert wrong.max() < 0.6  # next to a gap the filter knows one side only


@pytest.mark.parametrize(("old_hz", "new_hz"), [(100, 30), (200, 30), (100, 25), (197.2, 20), (1000, 30)])
@pytest.mark.parametrize("over_nyquist", [1.0, 1.2, 1.5, 2.0])
def test_what_the_new_rate_cannot_hold_is_gone(old_hz: float, new_hz: float, over_nyquist: float) -> None:
    time_ns = clock(old_hz, 20)
    new = resample(made(time_ns, sine(time_ns, over_nyquist * new_hz / 2)), sample_rate_hz=new_hz)
    left = new.signals[inside(new, look_ahead_s(new_hz))]
    assert 20 * np.log10(np.sqrt(2 * np.mean(left.astype(float) ** 2))) < -40


@pytest.mark.parametrize("every", [4, 8])
def test_the_filter_is_that_of_its_docstring(every: int) -> None:
    weights = LowPass(every).weights
    np.testing.assert_array_equal(weights, weights[::-1])
    frequency = np.linspace(0, every / 2, 4001)  # in units of the new rate
    away = np.arange(-(len(weights) // 2), len(weights) // 2 + 1) / every
    response = np.abs(np.cos(2 * np.pi * np.outer(frequency, away)) @ weights)
    assert np.abs(response[frequency <= 0.3] - 1).max() < 0.005
    assert np.interp(0.4, frequency, response) == pytest.approx(0.5, abs=0.005)
    assert response[frequency >= 0.5].max() < 10 ** (-50 / 20)


def test_a_few_missing_samples_are_bridged_by_a_line() -> None:
    time_ns = clock(50, 4)
    signals = np.sin(np.arange(len(time_ns)))[:, None]
    keep = np.ones(len(time_ns), bool)
    keep[100:115] = False  # 0.32 s
    new = resample(made(time_ns[keep], signals[keep]), sample_rate_hz=200)
    within = (new.time_ns > time_ns[102]) & (new.time_ns < time_ns[112])
    line = np.interp(new.time_ns, time_ns[keep], signals[keep, 0])
    np.testing.assert_allclose(new.signals[within, 0], line[within], atol=0.01)
