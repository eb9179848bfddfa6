"""A run that never happened: invented people, invented answers, and everything else real."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import people
from harken.models.calibration import coverage
from harken.models.scores import PeopleScores, Scores, score, score_people
from harken.networks.checkpoint import History
from harken.networks.presets import PRESETS
from harken.networks.specification import CalibratedOn, Specification
from harken.readers import read
from harken.training.data import MissingWindows, Read, RunData
from harken.training.run_outcome import Outcome
from harken.training.settings import RunSettings

LABELS = ("lying", "sitting", "walking")
NOTHING_MISSING = MissingWindows()
STEPS = 90
BATCH = 100

MakeOutcome = Callable[..., Outcome]


def answered(right: float, *, windows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answers of which exactly this share is right."""
    truth = np.arange(windows) % len(LABELS)
    wrong = np.random.default_rng(seed).permutation(windows)[round(right * windows) :]
    predicted = truth.copy()
    predicted[wrong] = (truth[wrong] + 1) % len(LABELS)
    return truth, predicted


def scores_of(right: float) -> Scores:
    """Scores of a test in which this share is right."""
    return score(*answered(right), LABELS)


def probabilities_of(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Probabilities with these answers, those that are right surer (0.95) than those that are wrong (0.6)."""
    sure = np.where(truth == predicted, 0.95, 0.6)
    rest = np.repeat((1 - sure)[:, None] / (len(LABELS) - 1), len(LABELS), axis=1)
    rest[np.arange(len(truth)), predicted] = sure
    return rest


def history_of(tests: tuple[str, ...], *, iterations: int = STEPS, every: int = 30) -> History:
    """A history in which all goes well."""
    history = History(tests=tests)
    for iteration in range(1, iterations + 1):
        history.add_iteration(0.3 + 4 / iteration, 1 - 0.7 / iteration)
        if iteration in (1, iterations) or iteration % every == 0:
            history.add_evaluation(iteration, dict.fromkeys(tests, (0.5 + 4 / iteration, 0.9 - 0.6 / iteration)))
    return history


def _recorded(path: Path, seed: int) -> Read:
    people.write_person(path, seed, seconds=4)
    return Read(path, read(path, as_found=True), read(path))


def outcome_in(
    parent: Path,
    *,
    unseen: tuple[str, ...] = ("bob",),
    cross: float = 0.6,
    honest: float | None = 0.85,
    overlapping: float | None = 0.95,
    held_out: PeopleScores | None = None,
    calibrated_on: CalibratedOn = "the same person",
    preset: str = "notebook",
    trained: tuple[str, ...] = ("alice",),
    iterations_done: int = STEPS,
    epochs: int | None = None,
    missing: MissingWindows = NOTHING_MISSING,
    folder: str = "secret place",
) -> Outcome:
    """An outcome with files in ``parent``: the named training and unseen people, the shares that are right."""
    (parent / folder).mkdir(exist_ok=True)
    training = [_recorded(parent / folder / f"{name}.csv", 1 + 100 * at) for at, name in enumerate(trained)]
    met = [_recorded(parent / folder / f"{name}.csv", 2 + number) for number, name in enumerate(unseen)]
    recipe = PRESETS[preset]
    truth, predicted = answered(cross, windows=300 * max(1, len(unseen)))
    subjects = np.repeat(np.array([one.mended.subject for one in met] or ["nobody"]), 300)
    sizes: dict[str, Any] = {**recipe.sizes, "channels": 4, "classes": len(LABELS)}
    every = recipe.training.epochs if epochs is None else epochs
    tests = ("same_person", "cross_person") if unseen else ("same_person",)
    return Outcome(
        settings=RunSettings(files=(training[0].path,), out=parent / "run", device="cpu", preset=preset),
        specification=Specification(
            channels=training[0].mended.channels,
            acceleration_unit=recipe.acceleration_unit,
            sample_rate_hz=recipe.sample_rate_hz or 25.0,
            even_grid=recipe.sample_rate_hz is not None,
            window_length=recipe.window_length,
            hop_s=10.24,
            labels=LABELS,
            network=recipe.network_name,
            sizes=sizes,
            preset=preset,
            temperature=1.0 if calibrated_on == "nobody" else 1.25,
            calibrated_on=calibrated_on,
        ),
        training=replace(recipe.training, epochs=every, batch_windows=BATCH),
        training_windows=9_000,
        parameters=17_092,
        data=RunData(training, met),
        history=history_of(tests),
        same_person=None if overlapping is None else scores_of(overlapping),
        cross=score(truth, predicted, LABELS) if unseen else None,
        cross_people=score_people(truth, predicted, subjects, LABELS) if unseen else None,
        cross_probabilities=coverage(probabilities_of(truth, predicted), truth) if unseen else None,
        blocked=None if honest is None else scores_of(honest),
        blocked_history=None if honest is None else history_of(("blocked_same_person",)),
        held_out_people=held_out,
        missing=missing,
        iterations_done=iterations_done,
        iterations=STEPS,
    )
