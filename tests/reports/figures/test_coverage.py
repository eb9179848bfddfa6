"""What the picture of accuracy against coverage shows."""

import io
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure

from harken.models.calibration import Coverage, coverage
from harken.reports.figures.curves import coverage_picture


def curve_of(sure: list[float], right: list[bool]) -> Coverage:
    probabilities = np.stack([np.array(sure), 1 - np.array(sure)], axis=1)
    return coverage(probabilities, np.where(right, 0, 1))


def written(figure: Figure) -> list[str]:
    (legend,) = figure.legends
    always, *thresholds = [text.get_text() for text in legend.get_texts()]
    assert always == "right when all get an answer"
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
    places = [(np.asarray(dot.get_xdata())[0], np.asarray(dot.get_ydata())[0]) for dot in dots]
    assert places == [(1, 0.5), (0.75, pytest.approx(2 / 3)), (0.25, 1)]
    assert written(figure) == ["unsure below 0.5", "unsure below 0.7", "unsure below 0.9"]
    assert len({dot.get_marker() for dot in dots}) == 3
    low, high = axes.get_ylim()
    assert low < 0.5
    assert high > 1


def test_thresholds_that_leave_the_same_share_a_dot_and_those_that_leave_nothing_have_none() -> None:
    assert written(coverage_picture(curve_of([0.8, 0.8], [True, False]))) == ["unsure below 0.5, 0.7"]
    assert written(coverage_picture(curve_of([0.8, 0.8], [True, False]), marked=(0.9,))) == []


@pytest.mark.parametrize("beside", [1, 30, 300])
def test_no_words_lie_on_others_however_close_the_thresholds_are(beside: int) -> None:
    sure = [0.6] * beside + [0.8] * beside + [0.99] * 2000
    figure = coverage_picture(curve_of(sure, [at % 9 > 0 for at in range(len(sure))]))
    figure.savefig(io.BytesIO())
    assert isinstance(figure.canvas, FigureCanvasAgg)
    get_renderer: Callable[[], RendererAgg] = figure.canvas.get_renderer
    renderer = get_renderer()
    (axes,) = figure.axes
    ticks = [label for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()]
    words = [axes.xaxis.label, axes.yaxis.label, *ticks, *figure.legends[0].get_texts(), *axes.texts]
    boxes = [word.get_window_extent(renderer) for word in words if word.get_text()]
    assert len(boxes) > 10
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert not any(box.overlaps(axes.get_window_extent(renderer)) for box in boxes), "nothing is written on the curve"


@pytest.mark.parametrize("right", [0.05, 0.5, 0.99])
def test_no_share_above_100_per_cent_is_written(right: float) -> None:
    figure = coverage_picture(curve_of([0.8] * 100, [at < 100 * right for at in range(100)]))
    figure.savefig(io.BytesIO())
    written = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert written
    assert max(int(text.removesuffix("%")) for text in written) == 100


@pytest.mark.parametrize(("sure", "right"), [([1.0], [True]), ([0.5, 0.5], [False, False]), ([0.99] * 5, [True] * 5)])
def test_hardly_anything_can_be_drawn_too(sure: list[float], right: list[bool]) -> None:
    coverage_picture(curve_of(sure, right)).savefig(io.BytesIO())
