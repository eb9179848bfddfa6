"""What the picture of accuracy against coverage shows."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from harken.calibration import Coverage, coverage
from harken.figures.coverage import coverage_picture


def curve_of(sure: list[float], right: list[bool]) -> Coverage:
    probabilities = np.stack([np.array(sure), 1 - np.array(sure)], axis=1)
    return coverage(probabilities, np.where(right, 0, 1))


def written(figure: Figure) -> list[str]:
    (axes,) = figure.axes
    always, *thresholds = [text.get_text() for text in axes.texts]
    assert always == "when all get one"
    return thresholds


def test_the_curve_and_the_thresholds_stand_where_they_are() -> None:
    curve = curve_of([0.95, 0.85, 0.75, 0.55], [True, True, False, False])
    figure = coverage_picture(curve)
    (axes,) = figure.axes
    always, line, *dots = axes.lines
    assert set(np.asarray(always.get_ydata()).tolist()) == {0.5}
    some = np.isfinite(curve.accuracy)
    np.testing.assert_array_equal(line.get_xdata(), curve.covered[some])
    np.testing.assert_array_equal(line.get_ydata(), curve.accuracy[some])
    places = [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots]
    assert places == [(1, 0.5), (0.75, pytest.approx(2 / 3)), (0.25, 1)]
    assert written(figure) == ["unsure below 0.5", "0.7", "0.9"]
    low, high = axes.get_ylim()
    assert low < 0.5
    assert high > 1


def test_thresholds_that_leave_the_same_share_a_dot_and_those_that_leave_nothing_have_none() -> None:
    assert written(coverage_picture(curve_of([0.8, 0.8], [True, False]))) == ["unsure below 0.5, 0.7"]
    assert written(coverage_picture(curve_of([0.8, 0.8], [True, False]), marked=(0.9,))) == []


@pytest.mark.parametrize(("sure", "right"), [([1.0], [True]), ([0.5, 0.5], [False, False]), ([0.99] * 5, [True] * 5)])
def test_hardly_anything_can_be_drawn_too(sure: list[float], right: list[bool]) -> None:
    coverage_picture(curve_of(sure, right)).savefig(io.BytesIO())
