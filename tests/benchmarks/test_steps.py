"""Steps beside a leg: made strides of which the count is known, and four people of selfBACK."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.outcomes.steps import (
    VERISENSE,
    Session,
    counts_of_leg,
    errors,
    middle,
    of_harken,
    of_selfback,
    of_verisense,
)

HELD_OUT = ("S027", "S029", "S031", "S034")


def walker(rate_hz: float, cadence: float, seconds: float = 120.0) -> np.ndarray:
    """A limb that swings once a stride, with an impact at every step."""
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    phase = np.pi * cadence / 60 * time_s
    random = np.random.default_rng(1)
    swing = 0.5 * np.stack([np.sin(phase), 0.2 * np.cos(phase), 0.3 * np.sin(phase)], axis=1)
    impact = 0.4 * np.cos(2 * phase)[:, None] * np.array([0.1, 1.0, 0.1])
    return np.asarray(swing + impact + np.array([0.2, 1.0, 0.1]) + random.normal(0, 0.02, (len(time_s), 3)))


@pytest.mark.parametrize("cadence", [80, 110, 140])
def test_made_strides_are_counted_at_the_leg_and_at_the_wrist(cadence: float) -> None:
    counts = counts_of_leg(walker(100, cadence))
    assert np.array(counts) == pytest.approx([cadence] * 4, abs=1.5)  # strides in two minutes
    session = Session("made", "ann", "walk", "walking", walker(100, cadence), 100, cadence, 0.0)
    assert of_harken(session) == pytest.approx(2 * cadence, rel=0.03)


def test_verisense_counts_large_even_steps() -> None:
    session = Session("made", "ann", "walk", "walking", walker(60, 100), 60, 100, 0.0)
    counts = [of_verisense(session, parameters) for parameters in VERISENSE.values()]
    assert counts == pytest.approx([200, 200], abs=12)
    still = session._replace(wrist=np.tile([0.0, 0.0, 1.0], (6000, 1)))
    assert [of_verisense(still, parameters) for parameters in VERISENSE.values()] == [0, 0]


def test_the_middle_of_counts_ignores_an_extreme_one() -> None:
    assert middle([80, 99, 101, 140]) == pytest.approx((100, 0.02))


@pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")
def test_four_people_whose_data_chose_nothing() -> None:
    sessions = [*of_selfback(Path(os.environ["HARKEN_DATA"]) / "selfback", HELD_OUT)]
    assert {one.person for one in sessions} == set(HELD_OUT)
    most = {"walk_slow": 5, "walk_mod": 5, "walk_fast": 5, "jogging": 5, "upstairs": 10, "downstairs": 30}
    rows = errors(sessions)
    assert {str(row["activity"]) for row in rows} == set(most)
    for row in rows:
        found = row["harken_mean_absolute_error"]
        assert isinstance(found, float)
        assert found < most[str(row["activity"])]
