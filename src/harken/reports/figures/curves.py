"""The figures of curves: loss and accuracy during the training of a network, and the accuracy of answers against their
share if windows with a small largest probability are "unsure"."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from harken.models.calibration import Coverage
from harken.reports.figures.style import INK, QUIET_INK, dress, house_style, new_figure
from harken.support.arrays import Float64Array, Int64Array

if TYPE_CHECKING:
    from harken.networks.checkpoint import History

LEARNING_IN = (5.8, 6.4)

TESTS = {
    "same_person": ("same person, overlapping windows (too good)", "#E69F00", "s"),
    "blocked_same_person": ("same person, honest (no overlap with training)", "#009E73", "^"),
    "last_occasion": ("same person, last occasion (not in training)", "#009E73", "^"),
    "cross_person": ("unseen people", "#0072B2", "o"),
}
"""A test's name in a history -> its name in the figure, its colour and its marker."""
OTHER_TEST = ("#CC79A7", "D")

MEANS_ALONG_A_CURVE = 60
"""The running mean is over one part in this many of the iterations, which removes the noise but not the course."""
LEAST_BATCHES_IN_A_MEAN = 5
SHARE_IN_A_MEAN = 0.2
"""The running mean is over at most this share of the iterations so far, so that the steep beginning is visible."""
FEWEST_STEPS_FOR_A_MEAN = 20
FEW_STEPS = 3
"""With this many points or fewer, a line would be hard to see, so the points have dots."""
MOST_MARKERS = 25
COVERAGE_IN = (5.8, 4.0)
ANSWERED = "#0072B2"
"""The line's colour: that of unseen people in the learning curves."""
UNSURE_BELOW = (0.5, 0.7, 0.9)
"""The thresholds of "unsure" that are marked. They were chosen before any result was seen."""
MARGIN = 0.03
MARKERS = (("o", 10.5), ("s", 8.0), ("^", 7.0))
"""A threshold's marker and its size. The sizes differ, so that two markers at the same place are both visible."""


def test_title(name: str) -> str:
    """The heading of a test, from its name in a history."""
    return TESTS[name][0].capitalize()


@house_style()
def learning_curves(history: "History", *, batch_windows: int) -> Figure:
    """Draw accuracy and loss of the training batches and of every test against the number of training windows.

    The values of single batches are drawn faintly, with a running mean over the batches before each iteration. Tests
    are drawn where they were evaluated. A test without evaluations is left out.

    Args:
        history: the history of one fit, with at least one iteration.
        batch_windows: windows in an iteration.
    """
    figure = new_figure(*LEARNING_IN)
    accuracy, loss = figure.subplots(2, 1, sharex=True)
    windows_done = np.arange(1, len(history.train_loss) + 1) * batch_windows
    handles = _draw_training(accuracy, windows_done, np.array(history.train_accuracy))
    _draw_training(loss, windows_done, np.array(history.train_loss))
    evaluated = np.array(history.evaluated_iterations) * batch_windows
    for name in history.tests:
        if history.test_loss[name]:
            handles.append(_draw_test(accuracy, name, evaluated, history.test_accuracy[name]))
            _draw_test(loss, name, evaluated, history.test_loss[name])
    _dress_learning(accuracy, loss, int(windows_done[-1]))
    figure.legend(handles=handles, loc="outside upper left")
    return figure


def running_mean(values: Float64Array, length: int) -> Float64Array:
    """The mean of each value and up to ``length - 1`` before it (fewer near the beginning), ``[n]`` -> ``[n]``."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    early = np.maximum(LEAST_BATCHES_IN_A_MEAN, ends * SHARE_IN_A_MEAN).astype(np.int64)
    starts = np.maximum(0, ends - np.minimum(length, early))
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _draw_training(axes: Axes, windows_done: Int64Array, values: Float64Array) -> list[Line2D]:
    if len(values) < FEWEST_STEPS_FOR_A_MEAN:
        marker = "." if len(values) <= FEW_STEPS else ""
        return axes.plot(windows_done, values, color=INK, linewidth=1.2, marker=marker, label="training batches")
    length = max(LEAST_BATCHES_IN_A_MEAN, len(values) // MEANS_ALONG_A_CURVE)
    axes.plot(windows_done, values, color=INK, linewidth=0.5, alpha=0.22)
    label = f"training batches (mean of {length})"
    return axes.plot(windows_done, running_mean(values, length), color=INK, linewidth=1.4, label=label)


def _draw_test(axes: Axes, name: str, evaluated: Int64Array, values: list[float]) -> Line2D:
    label, colour, marker = TESTS.get(name, (name.replace("_", " "), *OTHER_TEST))
    (line,) = axes.plot(
        evaluated,
        values,
        color=colour,
        linewidth=1.6,
        marker=marker,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        markevery=_marked(len(values)),
        label=label,
    )
    return line


def _marked(evaluations: int) -> list[int]:
    """Which evaluations have a marker: all, or if these would touch, an evenly spaced selection with the first and the
    last."""
    if evaluations <= 2 * MOST_MARKERS:  # leaving out fewer than every second one would look like a mistake
        return list(range(evaluations))
    places: list[int] = np.linspace(0, evaluations - 1, MOST_MARKERS).round().astype(int).tolist()
    return places


def _dress_learning(accuracy: Axes, loss: Axes, windows: int) -> None:
    """The axes. The notebook's initial weights are large, so the loss begins high, and later changes are small."""
    accuracy.set_title("Accuracy: windows recognised")
    accuracy.set_ylim(0, 1.02)
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    accuracy.yaxis.set_major_locator(MaxNLocator(5))
    loss.set_title("Loss: what training makes smaller (logarithmic)")
    loss.set_yscale("log")
    loss.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    loss.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    loss.yaxis.set_minor_formatter(NullFormatter())
    loss.set_xlabel("training windows seen")
    loss.set_xlim(0, windows * 1.02)
    loss.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    loss.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    dress(accuracy)
    dress(loss)


@house_style()
def coverage_picture(curve: Coverage) -> Figure:
    """Draw the accuracy of answered windows against their share.

    At the right end all windows are answered, at the left only those with the largest probabilities. The dashed line is
    the accuracy without a threshold. Where no window is answered, there is no line. The legend is below the plot,
    because the marked points may be anywhere in it, and close together.

    Args:
        curve: the curve of some labelled windows.
    """
    figure = new_figure(*COVERAGE_IN)
    axes = figure.subplots()
    some = np.isfinite(curve.accuracy)
    always = float(curve.accuracy[0])
    dashed = axes.axhline(
        always, color=QUIET_INK, linewidth=1.0, linestyle=(0, (4, 3)), label="right when all get an answer"
    )
    few = "." if np.unique(curve.covered[some]).size == 1 else ""
    axes.plot(curve.covered[some], curve.accuracy[some], color=ANSWERED, linewidth=1.6, marker=few)
    thresholds = _mark_thresholds(axes, curve)
    figure.legend(handles=[dashed, *thresholds], loc="outside lower left", ncols=2)
    _dress_coverage(axes, float(curve.accuracy[some].min()))
    return figure


def _mark_thresholds(axes: Axes, curve: Coverage) -> list[Line2D]:
    """A marker for each threshold with an answered window; thresholds that leave the same windows share one."""
    places: dict[tuple[float, float], list[float]] = {}
    for unsure_below in UNSURE_BELOW:
        covered, accuracy = curve.at(unsure_below)
        if accuracy is not None:
            places.setdefault((covered, accuracy), []).append(unsure_below)
    lines = []
    for number, ((covered, accuracy), thresholds) in enumerate(places.items()):
        marker, size = MARKERS[number % len(MARKERS)]
        lines += axes.plot(
            covered,
            accuracy,
            marker=marker,
            markersize=size,
            color=ANSWERED,
            linestyle="",
            markeredgecolor="white",
            markeredgewidth=0.8,
            label="unsure below " + ", ".join(f"{one:g}" for one in thresholds),
        )
    return lines


def _dress_coverage(axes: Axes, worst: float) -> None:
    axes.set_title("Accuracy of the answers, by how many are given")
    axes.set_xlabel("windows that get an answer")
    axes.set_ylabel("right among the answers")
    lowest = max(0.0, worst - 0.15)
    axes.set_xlim(-MARGIN, 1 + MARGIN)
    axes.set_ylim(lowest - MARGIN, 1 + MARGIN)
    for axis, low in ((axes.xaxis, 0.0), (axes.yaxis, lowest)):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        # The axis goes beyond 100 % because a marker at 100 % needs the space. It has no ticks there.
        steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, 1.0)
        axis.set_ticks([step for step in steps if low <= step <= 1 + 1e-9])
    dress(axes, grid="both")
