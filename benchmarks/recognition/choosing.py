"""The two protocols by which settings of presets are chosen.

    python -m harken benchmark wisdm --protocol benchmarks.recognition.choosing:WISDM --data DATA/wisdm --out RUN
    python -m harken benchmark dsads --protocol benchmarks.recognition.choosing:DSADS --data DATA/dsads --out RUN

The options are those of ``harken benchmark``. A score by these protocols is no result.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from harken.evaluation.protocols.protocol import Folders, divide_people
from harken.evaluation.protocols.published import protocol
from harken.support.errors import HarkenError
from harken.windows.folds import Fold, k_folds_of_people
from harken.windows.windows import Windows

CHOOSING_PEOPLE = tuple(
    f"wisdm_{number}" for number in (1601, 1606, 1609, 1613, 1614, 1617, 1621, 1623, 1628, 1630, 1631, 1633)
)
"""The people who are test people in no fold of ``wisdm/harnet``. The folds were computed with 43 people: the files of
46 were available, and some of those people are left out."""
CHOOSING_FOLDS = 4
FEWEST_NEIGHBOURS = 4
HARNET = protocol("wisdm", "harnet")


def draw_choosing_windows(folders: Folders) -> Windows:
    """Return the windows of ``wisdm/harnet`` of ``CHOOSING_PEOPLE``."""
    return select_choosing_people(HARNET.draw(folders))


def select_choosing_people(windows: Windows) -> Windows:
    """Return only the windows of ``CHOOSING_PEOPLE``, so that no choice depends on data of other people.

    Raises:
        HarkenError: when one of them has no window.
    """
    absent = sorted(set(CHOOSING_PEOPLE) - set(windows.subjects.tolist()))
    if absent:
        raise HarkenError(f"there is no window of {', '.join(absent)}, by whom presets are chosen")
    return windows[np.isin(windows.subjects, CHOOSING_PEOPLE)]


def leave_neighbours_out(people: Iterable[str]) -> list[Fold]:
    """Return a fold for each pair of neighbours in a ring of all people: the two are test people, all others train.

    A setting for a person is chosen by the scores of the two neighbours, each from the fold in which the person is left
    out, too. So neither a model that was trained on the person nor a score of the person affects the choice.

    Raises:
        HarkenError: when there are fewer than four people.
    """
    ring = sorted(set(people))
    if len(ring) < FEWEST_NEIGHBOURS:
        raise HarkenError(
            f"{FEWEST_NEIGHBOURS} or more people are needed, not {len(ring)} ({', '.join(ring) or 'nobody'})"
        )
    folds = []
    for person, neighbour in zip(ring, [*ring[1:], ring[0]], strict=True):
        test = tuple(sorted((person, neighbour)))
        training = tuple(other for other in ring if other not in test)
        folds.append(Fold(f"{person}+{neighbour}", training, test))
    return folds


WISDM = replace(
    HARNET,
    name="harnet-choosing",
    measures=(
        "Recognition of 18 activities of three unseen people, trained on nine: the windows of wisdm/harnet, but only "
        "of the 12 people whom none of its folds tests, in four folds among themselves. Presets, augmentations and "
        "lengths of training are chosen by it, and by nothing else. A score by it is therefore no result."
    ),
    draw=draw_choosing_windows,
    folds=divide_people(partial(k_folds_of_people, k=CHOOSING_FOLDS, seed=0)),
)
"""Four folds within ``CHOOSING_PEOPLE``: nine training people and three test people each."""
DSADS = replace(
    protocol("dsads", "unseen"),
    name="unseen-choosing",
    measures=(
        "The windows of dsads/unseen, but with two people left out of each fold, so that what is chosen for a person "
        "can go by what others score who were unseen too, to a model without that person either. Scores of single "
        "people decide; the mean over all of them is of everybody and therefore no result."
    ),
    folds=divide_people(leave_neighbours_out),
)
"""Two neighbouring people left out of each fold."""
