"""The outcome of a run: the temperature of its model, the scores of its tests, and all else that its report shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.models.calibration import ProbabilityScores, fit_temperature
from harken.models.recogniser import Recogniser
from harken.models.scores import PeopleScores, Scores, score, score_people
from harken.networks.specification import CalibratedOn, Specification
from harken.training.checkpoint import History
from harken.training.data import RunData
from harken.training.loop import TrainingSettings
from harken.training.settings import RunSettings
from harken.training.windows import BLOCKED, HELD_OUT, MODEL, MissingWindows, RunWindows

CALIBRATED_ON: dict[str, CalibratedOn] = {HELD_OUT: "unseen", BLOCKED: "the same person"}
"""The fits whose test windows give the model's temperature, the best first."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        settings: the run's settings.
        specification: the model's specification.
        training: the training settings.
        training_windows: the number of training windows.
        parameters: the number of trained parameters of the network.
        data: the recordings.
        history: the history of the fit whose model is saved.
        same_person: the notebook's test on the same person, whose windows overlap the training windows; None in the
            rare case that none of its labels was trained.
        cross_people, cross: each unseen person alone, and all their windows together; None without ``--cross``.
        cross_probabilities: how reliable the probabilities for unseen people are.
        blocked, blocked_history: the honest same-person test, and the history of its fit; None if it was not possible
            or not reached.
        held_out_people: the training people on whom a fit without them was tested. Their windows also calibrate the
            model. None with a single training person, if the preset does not include it, or if it was not reached.
        missing: the labels and tests without windows.
        iterations_done, iterations: the iterations so far, and all iterations of the training. The first number is
            smaller if the run was interrupted.
    """

    settings: RunSettings
    specification: Specification
    training: TrainingSettings
    training_windows: int
    parameters: int
    data: RunData
    history: History
    same_person: Scores | None
    cross: Scores | None
    cross_people: PeopleScores | None
    cross_probabilities: ProbabilityScores | None
    blocked: Scores | None
    blocked_history: History | None
    held_out_people: PeopleScores | None
    missing: MissingWindows
    iterations_done: int
    iterations: int

    @property
    def finished(self) -> bool:
        """Whether the model was trained for all iterations."""
        return self.iterations_done == self.iterations

    def scores_as_dict(self) -> dict[str, Any]:
        """For ``run.json`` and the model file: it does not depend on paths, times or durations."""
        tests: Mapping[str, Scores | PeopleScores | ProbabilityScores | None] = {
            "same_person": self.same_person,
            "blocked_same_person": self.blocked,
            "cross_person": self.cross,
            "cross_people": self.cross_people,
            "cross_probabilities": self.cross_probabilities,
            "held_out_people": self.held_out_people,
        }
        return {name: scores.as_dict() for name, scores in tests.items() if scores is not None}


def calibrated(fits: Mapping[str, Recogniser], windows: RunWindows) -> Recogniser:
    """The model of a run with the temperature of another fit: of the one without a few people on these people, or else
    of the honest same-person test's on later moments of the same people.

    The people in the run's cross files are not used.
    """
    for name, calibrated_on in CALIBRATED_ON.items():
        if name in fits:
            known = fits[name].known(windows.splits[name].test)
            temperature = fit_temperature(fits[name].predict_logits(known), known.label_codes)
            return fits[MODEL].with_temperature(temperature, calibrated_on)
    return fits[MODEL].with_temperature(1.0, "nobody")


def outcome_of(
    settings: RunSettings, data: RunData, windows: RunWindows, fits: Mapping[str, Recogniser], model: Recogniser
) -> Outcome:
    """The outcome of a run.

    Args:
        settings, data, windows: of the run.
        fits: the fits so far, by the names of their splits.
        model: the calibrated model.
    """
    tests = {name: windows.splits[name].test for name in fits}
    blocked = fits.get(BLOCKED)
    cross = cross_people = cross_probabilities = held_out_people = None
    if windows.cross is not None:
        known = model.known(windows.cross)
        probabilities = model.predict_proba(known)
        answers = known.label_codes, probabilities.argmax(axis=1)
        cross = score(*answers, known.label_names)
        cross_people = score_people(*answers, known.subjects, known.label_names)
        cross_probabilities = ProbabilityScores.of(probabilities, known.label_codes)
    if HELD_OUT in fits:
        known = fits[HELD_OUT].known(tests[HELD_OUT])
        predicted = fits[HELD_OUT].predict_proba(known).argmax(axis=1)
        held_out_people = score_people(known.label_codes, predicted, known.subjects, known.label_names)
    return Outcome(
        settings=settings,
        specification=model.specification_,
        training=model.settings(),
        training_windows=len(windows.splits[MODEL].training),
        parameters=sum(parameter.numel() for parameter in model.network_.parameters()),
        data=data,
        history=model.history_,
        same_person=model.evaluate(tests[MODEL]) if len(tests[MODEL]) else None,
        cross=cross,
        cross_people=cross_people,
        cross_probabilities=cross_probabilities,
        blocked=blocked.evaluate(tests[BLOCKED]) if blocked is not None else None,
        blocked_history=blocked.history_ if blocked is not None else None,
        held_out_people=held_out_people,
        missing=windows.missing,
        iterations_done=len(model.history_.train_loss),
        iterations=model.history_.iterations,
    )
