"""Leaving one study out: the windows of several studies, and the folds in which a whole study is unseen.

The windows have the activities of the data sets as labels. A label scheme (``benchmarks.studies.label_schemes``) turns
them into the labels that each activity allows.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmarks.studies.data_sets import MAIN_STUDIES, STUDIES, find_study
from benchmarks.studies.label_schemes import OR, LabelScheme
from harken.evaluation.protocols.protocol import Protocol, cut_windows
from harken.recordings.recording import UNLABELLED, Recording
from harken.signals.orientation import along_forearm
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.windows.busy_hands import name_posture
from harken.windows.folds import Fold, FoldWindows, apply
from harken.windows.windows import Windows, concatenate

MOST_WINDOWS = 40
"""Training windows of a person and label, so that no study outweighs the others by its length."""
LEAST_SHARE = 0.5
"""The least number of training windows of a label, as a share of the most frequent label's."""
SAMPLING = MappingProxyType({"most_windows": MOST_WINDOWS, "least_share": LEAST_SHARE})
"""What decides which windows of the training people are used; results with other values are not continued."""


def with_known_wearers(studies: Iterable[str]) -> tuple[str, ...]:
    """Those of the studies of which it is known who wore the watches. Only they are left out and scored."""
    return tuple(study for study in studies if find_study(study).info.people is not None)


def study_recordings(study: str, folder: Path | None) -> list[Recording]:
    """The recordings of a study as they were worn, with the study's own activities as labels."""
    return [replace(one, study=study) for one in find_study(study).read(folder)]


def mounted_recordings(study: str, recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings with their x axis along the forearm, as the study states it.

    Raises:
        HarkenError: when the study does not state which axis points along the forearm.
    """
    axis = find_study(study).info.forearm_axis
    if axis is None:
        raise HarkenError(f"{study}: it is not stated which axis of the sensor points along the forearm")
    return [along_forearm(one, axis) for one in recordings]


def draw_studies(folders: Sequence[Path | None], studies: Sequence[str] = STUDIES) -> Windows:
    """The windows of several studies, with x along the forearm.

    Args:
        folders: the folder of each of ``studies``; None for the folder in ``HARKEN_DATA``.
        studies: their names.
    """
    each = zip(studies, folders, strict=True)
    return concatenate([cut_windows(mounted_recordings(one, study_recordings(one, folder))) for one, folder in each])


def in_scheme(windows: Windows, scheme: LabelScheme) -> Windows:
    """The windows of studies with the names of a scheme in place of activities.

    The first of ``label_names`` are the labels of the scheme; names for several labels, such as
    ``sitting or standing``, follow. Windows of activities that the scheme leaves out are unlabelled.

    Raises:
        HarkenError: when a window's activity is not in its study.
    """
    every = np.unique(windows.studies).tolist()
    names_of = {study: {**scheme.names(find_study(study).info), "": ""} for study in every}
    activities = list(zip(windows.studies.tolist(), windows.labels.tolist(), strict=True))
    unknown = sorted((study, activity) for study, activity in set(activities) if activity not in names_of[study])
    if unknown:
        raise HarkenError(", ".join(f"{activity} is no activity of {study}" for study, activity in unknown))
    names = [names_of[study][activity] for study, activity in activities]
    several = sorted(set(names) - {*scheme.labels, ""})
    label_names = (*scheme.labels, *several)
    code_of = {name: code for code, name in enumerate(label_names)} | {"": UNLABELLED}
    codes = np.array([code_of[name] for name in names], dtype=np.int16)
    return replace(windows, label_codes=codes, label_names=label_names)


def training_windows(windows: Windows, scheme: LabelScheme) -> tuple[Windows, dict[str, list[str]]]:
    """The windows on which a model is trained, and the names among their labels that stand for several labels.

    Every training on studies uses this function, so the packaged model is trained as the benchmark's are.

    Args:
        windows: the windows of the training people, with activities as labels.
        scheme: the label scheme.

    Returns:
        The windows with the scheme's names, and each name for several labels with these labels, as
        ``harken.Recogniser.fit`` reads them.
    """
    named = in_scheme(windows, scheme)
    named = balanced(capped(named[named.label_codes != UNLABELLED]), scheme.labels)
    several = named.label_names[len(scheme.labels) :]
    return named, {name: name.split(OR) for name in several}


def capped(windows: Windows, most: int = MOST_WINDOWS) -> Windows:
    """At most ``most`` windows of each person and label, evenly spread over those in time, in the order of windows."""
    _, subject = np.unique(windows.subjects, return_inverse=True)
    groups = subject.astype(np.int64) * len(windows.label_names) + windows.label_codes
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    kept = [evenly(rows, min(most, len(rows))) for rows in np.split(order, starts[1:])]
    return windows[np.sort(np.concatenate(kept))]


def balanced(windows: Windows, labels: Sequence[str], least_share: float = LEAST_SHARE) -> Windows:
    """The windows, in their order, with repetitions of rare labels, each window about equally often.

    Args:
        windows: the training windows.
        labels: the labels that are repeated. Names for several labels are not.
        least_share: the least number of windows of a label, as a share of the most frequent label's.
    """
    # A posture is one label whatever the hands do: a few windows with busy hands must not stand for many.
    alternatives = (name.split(OR) for name in windows.label_names)
    postures = np.array([OR.join(dict.fromkeys(map(name_posture, each))) for each in alternatives])
    of_windows = np.where(windows.label_codes == UNLABELLED, "", postures[windows.label_codes])
    present = {*of_windows.tolist()} & set(labels)
    counts = {label: int((of_windows == label).sum()) for label in sorted(present)}
    least = round(least_share * max(counts.values()))
    rows = [np.flatnonzero(~np.isin(of_windows, list(counts)))]
    for label, count in counts.items():
        rows.append(evenly(np.flatnonzero(of_windows == label), max(count, least)))
    return windows[np.sort(np.concatenate(rows))]


def evenly(rows: Int64Array, count: int) -> Int64Array:
    """``count`` of the rows, evenly spread; where ``count`` is larger, each row about equally often."""
    return np.asarray(rows[np.arange(count) * len(rows) // count])


@dataclass(frozen=True)
class StudyFold(Fold):
    """A fold whose test people are all people of one study or of two.

    Attributes:
        studies: the left-out studies. No training window is of them, and every test window is.
    """

    studies: tuple[str, ...] = ()


def fold_name(left_out: Sequence[str]) -> str:
    """The name of the fold without these studies. Main studies are in the order of ``MAIN_STUDIES``.

    >>> fold_name(["hawthorne"]), fold_name(["selfback", "wisdm"])
    ('hawthorne', 'wisdm+selfback')
    """
    if len(left_out) == 1:
        return left_out[0]
    return "+".join(sorted(left_out, key=MAIN_STUDIES.index))


def leave_one_study_out(windows: Windows) -> list[StudyFold]:
    """One fold for each study, named after it: all its people are test people, and all others are training people.

    It measures recognition of people of a study that is not in the training data: another laboratory, another sensor.
    A study of which it is not known who wore the watches has no fold: a score is by person.
    """
    studies = dict.fromkeys(windows.studies.tolist())
    return [_fold((study,), windows) for study in with_known_wearers(studies)]


def pairs_of_studies_out(windows: Windows) -> list[StudyFold]:
    """One fold for each pair of main studies, whose people are test people; all others are training people.

    Choices for a left-out study depend on the scores of the other study of a pair. Both were unseen in training, so
    the left-out study does not affect them.
    """
    return [_fold(pair, windows) for pair in combinations(MAIN_STUDIES, 2)]


def apply_study_fold(fold: Fold, windows: Windows) -> FoldWindows:
    """The windows of a ``StudyFold``'s people.

    Raises:
        HarkenError: as ``apply``; when a training window is of a left-out study, or a test window is of another.
        TypeError: for a fold that leaves no study out.
    """
    if not isinstance(fold, StudyFold):
        raise TypeError(f"fold {fold.name} leaves no study out")
    parts = apply(fold, windows)
    for role, part, wrong in (
        ("training", parts.training, np.isin(parts.training.studies, fold.studies)),
        ("test", parts.test, ~np.isin(parts.test.studies, fold.studies)),
    ):
        if wrong.any():
            raise HarkenError(
                f"fold {fold.name}: {part.subjects[wrong][0]} of the study {part.studies[wrong][0]} is in {role}. "
                f"This fold leaves out {' and '.join(fold.studies)}, so every window of it must be in the test"
            )
    return parts


def _fold(left_out: tuple[str, ...], windows: Windows) -> StudyFold:
    test = np.isin(windows.studies, left_out)
    training_people = tuple(np.unique(windows.subjects[~test]).tolist())
    test_people = tuple(np.unique(windows.subjects[test]).tolist())
    return StudyFold(fold_name(left_out), training_people, test_people, studies=left_out)


PROTOCOLS = {
    "leave-one-study-out": leave_one_study_out,
    "pairs-choosing": pairs_of_studies_out,
    "leave-one-of-nine-out": leave_one_study_out,
    "pairs-of-nine-choosing": pairs_of_studies_out,
}
"""How each protocol divides the people; what it measures is in ``protocols.toml``."""
GROUP = "studies"
"""The name under which the protocols stand, in place of a data set."""
FACTS = tomllib.loads(Path(__file__).with_name("protocols.toml").read_text(encoding="utf-8"))


def find_protocol(name: str) -> Protocol:
    """Return a protocol without a scoring (``benchmarks.studies.left_out`` adds it).

    Raises:
        HarkenError: when there is no such protocol.
    """
    if name not in PROTOCOLS:
        raise HarkenError(f"{GROUP} has no protocol {name!r}; its protocols are {', '.join(PROTOCOLS)}")
    studies = tuple(FACTS[name]["datasets"])
    draw = partial(draw_studies, studies=studies)
    return Protocol(name, studies, FACTS[name]["measures"], draw, PROTOCOLS[name], group=GROUP)
