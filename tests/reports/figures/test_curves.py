"""What the learning curves show for each kind of history, and what the curve of accuracy against coverage shows."""

import io
from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from confusion_scores import curve_of
from harken.reports.figures.curves import coverage_picture, learning_curves
from run_outcomes import history_of

BATCH = 100


def names(figure: Figure) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("tests", "text"),
    [
        (("same_person", "cross_person"), ["same person, overlapping windows (too good)", "unseen people"]),
        (("blocked_same_person",), ["same person, honest (no overlap with training)"]),
        (("left_wrist",), ["left wrist"]),
        ((), []),
    ],
)
def test_curves_under_names_that_people_understand(tests: tuple[str, ...], text: list[str]) -> None:
    figure = learning_curves(history_of(tests, iterations=900, every=100), batch_windows=BATCH)
    assert names(figure) == ["training batches (mean of 15)", *text]
    # Every batch faintly, their running mean, and the tests.
    assert [len(axes.lines) for axes in figure.axes] == [2 + len(tests)] * 2


def test_batches_and_evaluations_stand_where_their_windows_had_been_seen() -> None:
    made = history_of(("same_person",), iterations=250, every=100)
    accuracy, _ = learning_curves(made, batch_windows=BATCH).axes
    batches, _, test = accuracy.lines
    np.testing.assert_array_equal(batches.get_xdata(), np.arange(1, 251) * BATCH)
    np.testing.assert_array_equal(batches.get_ydata(), made.train_accuracy)
    np.testing.assert_array_equal(test.get_xdata(), np.array([1, 100, 200, 250]) * BATCH)
    np.testing.assert_array_equal(test.get_ydata(), made.test_accuracy["same_person"])


def test_a_training_that_blew_up_can_still_be_drawn() -> None:
    made = history_of((), iterations=30)
    made.train_loss[5:] = [float("inf")] * 5 + [float("nan")] * 20
    learning_curves(made, batch_windows=BATCH).savefig(io.BytesIO())


def thresholds_of(figure: Figure) -> list[str]:
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
    assert thresholds_of(figure) == ["unsure below 0.5", "unsure below 0.7", "unsure below 0.9"]
    assert len({dot.get_marker() for dot in dots}) == 3
    low, high = axes.get_ylim()
    assert low < 0.5
    assert high > 1


def test_thresholds_that_leave_the_same_share_a_dot_and_those_that_leave_nothing_have_none() -> None:
    assert thresholds_of(coverage_picture(curve_of([0.8, 0.8], [True, False]))) == ["unsure below 0.5, 0.7"]


@pytest.mark.parametrize("beside", [1, 30, 300])
def test_no_words_lie_on_others_however_close_the_thresholds_are(beside: int) -> None:
    sure = [0.6] * beside + [0.8] * beside + [0.99] * 2000
    figure = coverage_picture(curve_of(sure, [at % 9 > 0 for at in range(len(sure))]))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    ticks = [label for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()]
    words = [axes.xaxis.label, axes.yaxis.label, *ticks, *figure.legends[0].get_texts(), *axes.texts]
    boxes = [word.get_window_extent() for word in words if word.get_text()]
    assert len(boxes) > 10
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert not any(box.overlaps(axes.get_window_extent()) for box in boxes), "nothing is written on the curve"
