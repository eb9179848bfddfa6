"""Intensity: cut-points, and bouts as found by looking at every window."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.outcomes.intensity import in_bouts, with_intensity
from harken.outcomes.rules import PUBLISHED, CutPoints
from harken.support.errors import HarkenError
from movement_frames import movement_frame

START_NS = 1_704_067_200 * 10**9


def rows(enmo_mg: list[float | None]) -> pl.DataFrame:
    """Rows of movement; None where there is no sample."""
    known = np.array([value is not None for value in enmo_mg])
    values = np.array([value or 0.0 for value in enmo_mg], dtype=np.float32)[known]
    number = np.flatnonzero(known)
    return movement_frame(START_NS + 5 * 10**9 * number, values)


def bouts_by_windows(active: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Looks at each window by itself."""
    found = np.zeros(len(active), dtype=bool)
    for first in range(len(active) - length + 1):
        window = active[first : first + length]
        longest = max((len(run) for run in "".join("x" if one else "." for one in window).split("x")), default=0)
        if window[0] and window[-1] and window.sum() >= 0.8 * length - 1e-9 and longest <= 12:
            found[first : first + length] = True
    return found & active


@settings(max_examples=150)
@given(
    runs=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 16)), max_size=12),
    length=st.sampled_from([12, 60, 120]),
    begins=st.booleans(),
)
def test_bouts_are_those_of_every_window(runs: list[tuple[int, int]], length: int, begins: bool) -> None:
    lengths = [one for pair in runs for one in pair][0 if begins else 1 :]
    active = np.repeat(np.arange(len(lengths)) % 2 == (0 if begins else 1), lengths)
    np.testing.assert_array_equal(in_bouts(active, length), bouts_by_windows(active, length))


def test_levels_include_their_limit_and_need_wear() -> None:
    points = CutPoints.of("40,100,400")
    movement = rows([39.9, 40.0, 100.0, None, 399.0, 400.0, 2000.0])
    off = movement.with_columns(wear=pl.Series([True, True, True, None, True, True, False]))
    assert with_intensity(off, points)["level"].to_list() == [0, 1, 2, None, 2, 3, None]


def test_a_bout_does_not_reach_over_a_gap_without_rows() -> None:
    half = rows([200.0] * 60)
    later = half.with_columns(pl.col("start") + pl.duration(days=3, time_unit="ns"))
    assert not with_intensity(pl.concat([half, later]), CutPoints.of("40,100,400"))["mvpa_bout_10"].any()


def test_published_cut_points_increase_and_have_the_values_of_the_papers() -> None:
    assert {name: points.limits_mg for name, points in PUBLISHED.items()} == {
        "adults-actigraph": (44.8, 100.6, 428.8),
        "adults-geneactiv": (45.8, 93.2, 418.3),
        "children-actigraph": (35.6, 201.4, 707.0),
        "children-geneactiv": (56.3, 191.6, 695.8),
    }


def test_limits_in_g_are_refused_and_a_missing_number_is_told() -> None:
    with pytest.raises(HarkenError, match="are these in g"):
        CutPoints.of("0.04,0.1,0.4")
    with pytest.raises(HarkenError, match="2 were given"):
        CutPoints.of("40,100")


@pytest.mark.parametrize("text", ["40,40,400", "0,100,400", "-1,100,400", "100,40,400", "40,100,inf", "nan,1,2"])
def test_limits_must_increase(text: str) -> None:
    with pytest.raises(HarkenError, match="must increase"):
        CutPoints.of(text)
