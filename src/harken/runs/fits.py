"""The recognisers that a run fits: the model itself, and those that only say how well its like will do."""

from dataclasses import dataclass

from harken.learning.calibration import fit_temperature
from harken.learning.scores import PeopleScores, Scores, score_people
from harken.models.recogniser import Recogniser
from harken.networks.specification import CalibratedOn
from harken.runs.windows import RunWindows
from harken.windows.splits import Split

__all__ = ["Fits"]


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
