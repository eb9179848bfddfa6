"""A protocol: the windows and the folds of people from which a score is computed, and how it is computed.

The protocols of a user's own study, or of several, leave one person, or one whole study, out of training.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harken.recordings.recording import Recording
from harken.signals.resampling import resample
from harken.support.errors import HarkenError
from harken.support.printable import listed
from harken.windows.folds import Fold, group_arms, leave_one_person_out
from harken.windows.windows import Windows, concatenate, sliding_windows

if TYPE_CHECKING:  # it loads PyTorch
    from harken.evaluation.benchmark.scoring import Scoring

LEAVE_ONE_PERSON_OUT = "leave-one-person-out"
"""The protocol of a user's own study, and of data sets without a published protocol here."""
LEAVE_ONE_STUDY_OUT = "leave-one-study-out"
"""The protocol of several studies of a user."""
OWN_PROTOCOLS = (LEAVE_ONE_PERSON_OUT, LEAVE_ONE_STUDY_OUT)
SAMPLE_RATE_HZ = 30.0
WINDOW_LENGTH_S, HOP_S = 10.0, 5.0

Folders = Sequence[Path | None]
Draw = Callable[[Folders], Windows]
Divide = Callable[[Windows], Sequence[Fold]]


@dataclass(frozen=True)
class Protocol:
    """The windows and the folds of people from which a score is computed.

    Attributes:
        name: the protocol's name, unique for its data set.
        datasets: the data sets it needs; the first is the training set.
        group: the name in place of a data set, for a protocol whose folds have different training sets.
        measures: sentences on what its score measures and what it does not measure.
        draw: a folder for each of ``datasets`` -> windows of all people. Call ``windows`` instead, which also checks
            the number of folders.
        folds: those windows -> the folds.
        scoring: how the people of a fold and a method over all folds are scored; None for macro F1 of each person
            (``harken.evaluation.benchmark.scoring.PeopleScoring``).
    """

    name: str
    datasets: tuple[str, ...]
    measures: str
    draw: Draw
    folds: Divide
    group: str | None = None
    scoring: "Scoring | None" = None

    @property
    def dataset(self) -> str:
        """The training set, or ``group``."""
        return self.group or self.datasets[0]

    def folders(self, *given: Path | None) -> tuple[Path | None, ...]:
        """The folder of each of ``datasets``.

        Args:
            given: a folder for each data set, in their order; or one folder that has a subfolder for each data set,
                with its name. Without folders, or where one is None, the folders in ``HARKEN_DATA`` are used.

        Raises:
            HarkenError: when there are more or fewer folders than data sets.
        """
        folders = given or (None,) * len(self.datasets)
        if len(folders) == 1 and folders[0] is not None and len(self.datasets) > 1:
            inside = tuple(folders[0] / name for name in self.datasets)
            folders = inside if any(one.is_dir() for one in inside) else folders
        if len(folders) != len(self.datasets):
            raise HarkenError(
                f"{self.dataset}/{self.name} needs {len(self.datasets)} folders, one for each of "
                f"{', '.join(self.datasets)} in this order, or one folder that contains them all, and got "
                f"{len(folders)}"
            )
        return folders

    def windows(self, *folders: Path | None) -> Windows:
        """Windows ``[n, 300, 3]`` of all people, 10 s of acceleration in g at 30 Hz.

        Args:
            folders: see ``folders``.

        Raises:
            HarkenError: when there are more or fewer folders than data sets, or one cannot be read.
        """
        return self.draw(self.folders(*folders))


def cut_windows(recordings: Iterable[Recording]) -> Windows:
    """Cut 10 s of acceleration in g at 30 Hz every 5 s, ``[n, 300, 3]``, with the labels of the recordings."""
    windows = []
    for recording in recordings:
        at_rate = resample(recording.select_channels(("x", "y", "z")), sample_rate_hz=SAMPLE_RATE_HZ)
        windows.append(sliding_windows(at_rate, length_s=WINDOW_LENGTH_S, hop_s=HOP_S))
    # Else the rate is 30.00000000003, from whole nanoseconds.
    return replace(concatenate(windows), sample_rate_hz=SAMPLE_RATE_HZ)


def make_person_protocol(name: str, draw: Draw) -> Protocol:
    """Return the leave-one-person-out protocol of a data set or of the user's own study.

    Args:
        name: the name of the data set or the study.
        draw: as ``Protocol.draw``. All windows of one person have the same ``subject``.
    """
    return Protocol(
        LEAVE_ONE_PERSON_OUT,
        (name,),
        f"Recognition of the labels of {name} of an unseen person, trained on all its other people, from 10 s of "
        "acceleration at 30 Hz; all recordings of a person are on one side. It does not measure people of another "
        "study, another sensor or, unless it was recorded there, everyday life; with few people the score varies much "
        "from person to person.",
        draw,
        divide_people(leave_one_person_out),
    )


def make_study_protocol(name: str, draw: Draw) -> Protocol:
    """Return the leave-one-study-out protocol of a user's own studies.

    Args:
        name: the name of the studies together.
        draw: as ``Protocol.draw``. All windows of one study have the same name in ``studies``, and no person is in two
            studies.
    """
    return Protocol(
        LEAVE_ONE_STUDY_OUT,
        (name,),
        f"Recognition of the labels of {name} of every person of a study, trained on the other studies alone: another "
        "team, perhaps another watch, other people; from 10 s of acceleration at 30 Hz. A label that no other study "
        "has is always a mistake. Watches are not turned, so they must sit alike in all studies. With few studies the "
        "score says little about the next one.",
        draw,
        leave_one_study_out,
    )


def leave_one_study_out(windows: Windows) -> list[Fold]:
    """Return one fold for each study, named after it. All its people are test people, and all others are for training.

    It measures recognition of people of a study that is not in the training data.

    Raises:
        HarkenError: when there are fewer than two studies, or a person is in two.
    """
    studies = np.unique(windows.studies).tolist()
    if len(studies) < 2:
        raise HarkenError(f"two or more studies are needed to leave one out, not {len(studies)} ({', '.join(studies)})")
    folds = []
    for study in studies:
        left_out = windows.studies == study
        training, test = (np.unique(windows.subjects[side]).tolist() for side in (~left_out, left_out))
        folds.append(Fold(study, tuple(training), tuple(test)))
    return folds


def name_person(study: str, subject: str) -> str:
    """Return the name of a person among several studies. The same subject in two studies has two names."""
    return f"{study}_{subject}"


def find_shared_names(windows: Windows) -> dict[str, list[str]]:
    """Return the subjects of several studies, each with its studies, sorted. People are named by ``name_person``.

    Case does not matter, and the arms of one person (``group_arms``) are one subject: ``anna_left and anna_right``.
    """
    studies: dict[str, set[str]] = {}
    for study in np.unique(windows.studies).tolist():
        for person in np.unique(windows.subjects[windows.studies == study]).tolist():
            subject = person.removeprefix(name_person(study, "")).casefold()
            studies.setdefault(subject, set()).add(study)
    shared = {}
    for arms in group_arms(studies):
        of_person = set().union(*(studies[arm] for arm in arms))
        if len(of_person) > 1:
            shared[listed(arms)] = sorted(of_person)
    return shared


def divide_people(folds: Callable[[Iterable[str]], list[Fold]]) -> Divide:
    """Return the function from windows to folds, for a function from people to folds."""
    return lambda windows: folds(windows.subjects.tolist())
