"""What a report says of training people who were held out from a copy of the model, apart from people never met."""

from typing import TYPE_CHECKING

import numpy as np

from harken.learning.scores import PeopleScores, Scores, score

if TYPE_CHECKING:
    from harken.runs.outcome import Outcome

__all__ = ["held_out_people", "held_out_sentence", "together"]


def together(people: PeopleScores) -> Scores:
    """The windows of all people scored as one."""
    each = list(people.people.values())
    confusion = np.sum([scores.confusion for scores in each], axis=0)
    truth, predicted = np.nonzero(confusion)
    times = confusion[truth, predicted]
    return score(np.repeat(truth, times), np.repeat(predicted, times), each[0].label_names)


def held_out_people(outcome: "Outcome") -> str:
    """How many of how many training people were held out."""
    held_out = len(outcome.held_out_people.people) if outcome.held_out_people is not None else 0
    return f"{held_out} of its {len({one.mended.subject for one in outcome.data.training})} training people"


def held_out_sentence(outcome: "Outcome") -> str:
    """What these scores are, and what they are not."""
    return (
        f"A copy of the model was trained in the same way without {held_out_people(outcome)} and tested on them. It "
        "had fewer people to learn from than the model itself. The model itself learned from everybody named here, so "
        "these scores stand apart from those of people it never met."
    )
