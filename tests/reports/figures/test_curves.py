"""What the learning curves show for each kind of history."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from harken.reports.figures.curves import learning_curves, running_mean
from harken.training.checkpoint import History

BATCH = 100


def history(iterations: int, tests: tuple[str, ...] = (), every: int = 100, loss: float = 5.0) -> History:
    made = History(tests=tests)
    for iteration in range(1, iterations + 1):
        made.add_iteration(loss / iteration + 0.1, 1 - 1 / (iteration + 1))
        if iteration in (1, iterations) or iteration % every == 0:
            made.add_evaluation(iteration, dict.fromkeys(tests, (loss / iteration + 0.2, 1 - 1 / (iteration + 1))))
    return made


def names(figure: Figure) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_six_curves_under_names_that_people_understand() -> None:
    figure = learning_curves(history(900, ("same_person", "cross_person")), batch_windows=BATCH)
    assert names(figure) == [
        "training batches (mean of 15)",
        "same person, overlapping windows (too good)",
        "unseen people",
    ]
    accuracy, loss = figure.axes
    # Every batch faintly, their running mean, and two tests.
    assert len(accuracy.lines) == len(loss.lines) == 4
    assert loss.get_yscale() == "log"


def test_the_honest_fit_has_its_own_test() -> None:
    figure = learning_curves(history(900, ("blocked_same_person",)), batch_windows=BATCH)
    assert names(figure)[1:] == ["same person, honest (no overlap with training)"]


def test_batches_and_evaluations_stand_where_their_windows_had_been_seen() -> None:
    made = history(250, ("same_person",))
    accuracy, _ = learning_curves(made, batch_windows=BATCH).axes
    batches, _, test = accuracy.lines
    np.testing.assert_array_equal(batches.get_xdata(), np.arange(1, 251) * BATCH)
    np.testing.assert_array_equal(batches.get_ydata(), made.train_accuracy)
    np.testing.assert_array_equal(test.get_xdata(), np.array([1, 100, 200, 250]) * BATCH)
    np.testing.assert_array_equal(test.get_ydata(), made.test_accuracy["same_person"])


def test_the_first_and_the_last_of_many_evaluations_are_marked() -> None:
    accuracy, _ = learning_curves(history(1000, ("same_person",), every=10), batch_windows=BATCH).axes
    marked = accuracy.lines[-1].get_markevery()
    assert isinstance(marked, list)
    assert (marked[0], marked[-1], len(marked)) == (0, 100, 25)


@pytest.mark.parametrize("iterations", [1, 2, 5, 19, 20, 21])
def test_few_iterations_can_be_drawn(iterations: int) -> None:
    figure = learning_curves(history(iterations, ("same_person", "cross_person")), batch_windows=BATCH)
    figure.savefig(io.BytesIO())
    assert len(names(figure)) == 3


def test_a_test_without_evaluation_is_left_out() -> None:
    made = History(tests=("same_person",))
    made.add_iteration(1.0, 0.5)
    assert names(learning_curves(made, batch_windows=BATCH)) == ["training batches"]


def test_an_unknown_test_keeps_its_name() -> None:
    assert names(learning_curves(history(2, ("left_wrist",)), batch_windows=BATCH))[1:] == ["left wrist"]


def test_a_training_that_blew_up_can_still_be_drawn() -> None:
    made = history(30)
    made.train_loss[5:] = [float("inf")] * 5 + [float("nan")] * 20
    learning_curves(made, batch_windows=BATCH).savefig(io.BytesIO())


def test_the_running_mean_looks_back_only_and_less_far_at_the_beginning() -> None:
    means = running_mean(np.arange(100, dtype=float), 10)
    assert means[0] == 0
    assert means[2] == 1
    assert means[4] == means[5] - 1 == 2
    assert means[-1] == np.mean(np.arange(90, 100))
    np.testing.assert_allclose(running_mean(np.full(50, 0.3), 10), 0.3)
