"""What a run fits, and what it found out: everything that its report shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.learning.calibration import ProbabilityScores, fit_temperature
from harken.learning.history import History
from harken.learning.scores import PeopleScores, Scores, score_people
from harken.learning.training import TrainingSettings
from harken.models.recogniser import Recogniser
from harken.networks.specification import CalibratedOn, Specification
from harken.runs.data import RunData
from harken.runs.settings import RunSettings
from harken.runs.windows import MissingWindows, RunWindows
from harken.windows.splits import Split

__all__ = ["Fits", "Outcome"]


@dataclass
class Fits:
    """What a run has fitted so far.

    Attributes:
        model: the recogniser that is saved.
        blocked: learned the training part of the honest same-person split; None until then.
        held_out: learned all but a few of the training people; None until then.
    """

    model: Recogniser
    blocked: Recogniser | None = None
    held_out: Recogniser | None = None

    def calibrate(self, windows: RunWindows) -> None:
        """Give the model the temperature that its like need on unseen people, or else on later moments.

        People of the run's tests take no part in it.
        """
        temperature: float = 1.0
        on: CalibratedOn = "nobody"
        if self.held_out is not None and windows.held_out is not None:
            temperature, on = _temperature(self.held_out, windows.held_out), "unseen"
        elif self.blocked is not None and windows.blocked is not None and len(windows.blocked.test):
            temperature, on = _temperature(self.blocked, windows.blocked), "the same person"
        self.model = self.model.with_temperature(temperature, on)

    def blocked_scores(self, windows: RunWindows) -> Scores | None:
        """The honest same-person test."""
        if self.blocked is None or windows.blocked is None:
            return None
        return self.blocked.evaluate(windows.blocked.test)

    def held_out_scores(self, windows: RunWindows) -> PeopleScores | None:
        """Training people who were unseen people to the fit that they are tested with."""
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
    """What a run found out.

    Attributes:
        settings: what was asked.
        specification: what the model reads and answers.
        training: how it was trained.
        training_windows: on how many windows.
        parameters: how many numbers the network learned.
        data: the recordings.
        history: of the fit whose model is saved.
        same_person: the notebook's test on the same person, whose windows overlap those learned; None in the
            rare case that it holds no learned label.
        cross_people, cross: each unseen person alone, and all their windows together; None without ``--cross``.
        cross_probabilities: how far the probabilities given for unseen people are to be believed.
        blocked, blocked_history: the honest same-person test, and the history of its fit; None when it was
            not possible or not reached.
        held_out_people: training people whom a fit without them was tested on; its windows calibrate the model.
            None when there is one training person only, the recipe does not ask for it, or it was not reached.
        missing: of what there were no windows.
        iterations_done, iterations: smaller than ``iterations`` when the run was interrupted.
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
        """Whether the model had all its iterations."""
        return self.iterations_done == self.iterations

    def scores_as_dict(self) -> dict[str, Any]:
        """For ``run.json`` and the model file: nothing in it depends on paths, times or durations."""
        found: Mapping[str, Scores | PeopleScores | ProbabilityScores | None] = {
            "same_person": self.same_person,
            "blocked_same_person": self.blocked,
            "cross_person": self.cross,
            "cross_people": self.cross_people,
            "cross_probabilities": self.cross_probabilities,
            "held_out_people": self.held_out_people,
        }
        return {name: scores.as_dict() for name, scores in found.items() if scores is not None}
