"""The outcome of a training run: what it was trained on, how far it came, and how well it did in each test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from harken.models.calibration import Coverage
from harken.models.scores import PeopleScores, Scores
from harken.models.worst_bouts import WrongBout
from harken.networks.checkpoint import History
from harken.networks.specification import Specification
from harken.networks.training_loop import TrainingSettings
from harken.support.files import Json
from harken.training.data import MissingWindows, RunData
from harken.training.held_out_test import HeldOutTest
from harken.training.settings import RunSettings

BLOCKED_SAME_PERSON, LAST_OCCASION = "blocked_same_person", "last_occasion"
"""The names of the honest same-person test: of the last part of each bout, and of the last occasion of each person."""

UNSEEN_PEOPLE, HELD_OUT_PEOPLE = "unseen people", "held-out training people"
"""From which test a worst bout is, in words; or from the honest same-person test."""


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
        by_occasion: whether the honest same-person test is the last occasion of each person; otherwise it is the last
            part of each bout.
        held_out_people: the training people on whom a fit without them was tested. Their windows also calibrate the
            model. None with a single training person, if the preset does not include it, or if it was not reached.
        missing: the labels and tests without windows.
        iterations_done, iterations: the iterations so far, and all iterations of the training. The first number is
            smaller if the run was interrupted.
        comparisons: the tests beside the model in use, if one was given: on what the honest same-person test held out,
            and on the training people who were held out.
        limits: what the recordings cannot show, in sentences.
        worst_bouts: the bouts that were recognised worst, of unseen people and of people who were held out; without
            any of these, of the honest same-person test.
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
    cross_probabilities: Coverage | None
    blocked: Scores | None
    blocked_history: History | None
    held_out_people: PeopleScores | None
    missing: MissingWindows
    iterations_done: int
    iterations: int
    by_occasion: bool = False
    comparisons: tuple[HeldOutTest, ...] = ()
    limits: tuple[str, ...] = ()
    worst_bouts: tuple[WrongBout, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether the model was trained for all iterations."""
        return self.iterations_done == self.iterations

    @property
    def tests(self) -> dict[str, Scores]:
        """The scores of each test that was possible, by its name in the history."""
        honest = LAST_OCCASION if self.by_occasion else BLOCKED_SAME_PERSON
        tests = {"same_person": self.same_person, honest: self.blocked, "cross_person": self.cross}
        return {name: scores for name, scores in tests.items() if scores is not None}

    def scores_as_dict(self) -> Json:
        """For ``run.json`` and the model file: it does not depend on paths, times or durations."""
        tests: Mapping[str, Scores | PeopleScores | Coverage | None] = {
            **self.tests,
            "cross_people": self.cross_people,
            "cross_probabilities": self.cross_probabilities,
            "held_out_people": self.held_out_people,
        }
        found: Json = {name: scores.as_dict() for name, scores in tests.items() if scores is not None}
        if self.comparisons:
            found["beside_model_in_use"] = [asdict(test) for test in self.comparisons]
        return found
