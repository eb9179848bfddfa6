"""What is said while a run trains: which of its fits is under way, and what each is for."""

import pytest

from harken.cli.train import TrainingScreen
from harken.training.loop import Progress


def progress(iteration: int, seconds_left: float | None = None, tested_at: int | None = None) -> Progress:
    return Progress(
        iteration=iteration,
        iterations=80,
        loss=1.25,
        accuracy=0.5,
        tests={"cross_person": (0.9, 0.6355)},
        tested_at=iteration if tested_at is None else tested_at,
        seconds_left=seconds_left,
    )


def test_each_line_says_which_fit_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingScreen() as screen:
        for number, fit in enumerate(("model", "blocked", "held_out"), start=1):
            show = screen.fitting(fit, number, 3)
            show(progress(1, seconds_left=95.0))
            show(progress(2, seconds_left=94.0))  # too soon after the line before
            show(progress(80, seconds_left=0.0))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    model, blocked, held_out = lines[:3], lines[3:6], lines[6:]
    state = "loss 1.250, right 50% in training, 63.5% unseen people"
    assert model == [
        "Fit 1 of 3, the model. This model is kept.",
        f"Fit 1 of 3, the model: iteration 1 of 80: {state}; about 1 min 35 s left of this fit",
        f"Fit 1 of 3, the model: iteration 80 of 80: {state}",
    ]
    assert "honest test on the same person" in blocked[0]
    assert all(line.startswith("Fit 2 of 3, honest test") for line in blocked)
    assert "trained without some of the people" in held_out[0]
    assert all(line.startswith("Fit 3 of 3, people held out") for line in held_out)


def test_an_older_score_says_of_which_iteration_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingScreen() as screen:
        screen.fitting("model", 1, 1)(progress(40, tested_at=1))
    assert capsys.readouterr().err.endswith("63.5% unseen people (tested at iteration 1)\n")


def test_nothing_is_forecast_before_anything_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingScreen() as screen:
        screen.fitting("model", 1, 1)(progress(1))
    assert "left" not in capsys.readouterr().err
