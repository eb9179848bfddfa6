"""The fits of a run, and its outcome: all results in its report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.models.calibration import ProbabilityScores, fit_temperature
from harken.models.recogniser import Recogniser
from harken.models.scores import PeopleScores, Scores, score_people
from harken.networks.specification import CalibratedOn, Specification
from harken.training.checkpoint import History
from harken.training.data import RunData
from harken.training.loop import TrainingSettings
from harken.training.settings import RunSettings
from harken.training.windows import MissingWindows, RunWindows
from harken.windows.people import Split


@dataclass
class Fits:
    """The fits of a run so far.

    Attributes:
        model: the recogniser that is saved.
        blocked: trained on the training part of the honest same-person split; None before this fit.
        held_out: trained on all except a few of the training people; None before this fit.
    """

    model: Recogniser
    blocked: Recogniser | None = None
    held_out: Recogniser | None = None

    def calibrate(self, windows: RunWindows) -> None:
        """Set the model's temperature to that of another fit: of ``held_out`` on the held-out people, or else of
        ``blocked`` on later moments of the same people.

        The people in the run's cross files are not used.
        """
        temperature: float = 1.0
        on: CalibratedOn = "nobody"
        if self.held_out is not None and windows.held_out is not None:
            temperature, on = _temperature(self.held_out, windows.held_out), "unseen"
        elif self.blocked is not None and windows.blocked is not None and len(windows.blocked.test):
            temperature, on = _temperature(self.blocked, windows.blocked), "the same person"
        self.model = self.model.with_temperature(temperature, on)

    def blocked_scores(self, windows: RunWindows) -> Scores | None:
        """The scores of the honest same-person test."""
        if self.blocked is None or windows.blocked is None:
            return None
        return self.blocked.evaluate(windows.blocked.test)

    def held_out_scores(self, windows: RunWindows) -> PeopleScores | None:
        """The scores of the held-out training people, tested with the fit that was trained without them."""
        if self.held_out is None or windows.held_out is None:
            return None
        known = self.held_out.known(windows.held_out.test)
        predicted = self.held_out.predict_proba(known).argmax(axis=1)
        return score_people(known.label_codes, predicted, known.subjects, self.held_out.specification_.labels)


def _temperature(recogniser: Recogniser, split: Split) -> float:
    known = recogniser.known(split.test)
    return fit_temperature(recogniser.predict_logits(known), known.label_codes)


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
        found: Mapping[str, Scores | PeopleScores | ProbabilityScores | None] = {
            "same_person": self.same_person,
            "blocked_same_person": self.blocked,
            "cross_person": self.cross,
            "cross_people": self.cross_people,
            "cross_probabilities": self.cross_probabilities,
            "held_out_people": self.held_out_people,
        }
        return {name: scores.as_dict() for name, scores in found.items() if scores is not None}
