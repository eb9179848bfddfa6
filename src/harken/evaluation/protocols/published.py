"""Named protocols: the windows of a data set, the folds of people, and what the score measures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from harken.datasets.dsads import read_dsads
from harken.datasets.label_schemes import to_common
from harken.datasets.registry import dataset, dataset_names
from harken.datasets.wisdm import read_wisdm_rows
from harken.evaluation.protocols.harnet import (
    choosing_folds,
    choosing_windows,
    harnet_hmp_folds,
    harnet_hmp_windows,
    harnet_wisdm_folds,
    harnet_wisdm_windows,
)
from harken.evaluation.protocols.studies import (
    STUDIES,
    draw_studies,
    leave_one_study_out,
    pairs_of_studies_out,
    study_windows,
)
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.windows.people import (
    Fold,
    k_folds_of_people,
    leave_one_person_out,
    neighbours_left_out,
    pairs_of_people,
)
from harken.windows.windows import Windows

LEAVE_ONE_PERSON_OUT = "leave-one-person-out"
"""The protocol of data sets without a published protocol here, and of the user's own study."""
ALL_STUDIES = "studies"
"""The name under which the protocols with several studies stand, in place of a data set."""
BETWEEN = ("running", "sitting", "stairs", "standing", "walking")
"""The common activities that are in both WISDM and DSADS."""
POSTURES_AND_WALKING = {
    "sitting": "sitting",
    "standing": "standing",
    "lying_on_back": "lying",
    "lying_on_right_side": "lying",
    "walking_parking_lot": "walking",
    "walking_treadmill_4kmh_flat": "walking",
    "walking_treadmill_4kmh_incline15deg": "walking",
}
"""The activities of DSADS that correspond to the notebook's four labels. Standing in a lift is not one of them."""

Folders = Sequence[Path | None]


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
    """

    name: str
    datasets: tuple[str, ...]
    measures: str
    draw: Callable[[Folders], Windows]
    folds: Callable[[Windows], list[Fold]]
    group: str | None = None

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


def protocol(data_set: str, name: str) -> Protocol:
    """The protocol ``name`` of a data set.

    Raises:
        HarkenError: when there is no such protocol; the message lists the protocols.
    """
    published = PROTOCOLS.get((data_set, name))
    if published is not None:
        return published
    names = protocol_names(data_set)
    if name in names:
        read = dataset(data_set).read
        return _leave_one_person_out(data_set, lambda folders: study_windows(read(folders[0])))
    if not names:
        raise HarkenError(
            f"there is no data set {data_set!r}; the data sets with protocols are {', '.join(benchmark_sets())}"
        )
    raise HarkenError(f"{data_set} has no protocol {name!r}; its protocols are {', '.join(names)}")


def protocol_names(data_set: str) -> list[str]:
    """The names of a data set's protocols; empty if there is no such data set."""
    published = [name for one, name in PROTOCOLS if one == data_set]
    return published or ([LEAVE_ONE_PERSON_OUT] if data_set in dataset_names() else [])


def benchmark_sets() -> list[str]:
    """The names of the data sets that have a protocol: all of them."""
    return list(dict.fromkeys([*(one for one, _ in PROTOCOLS), *dataset_names()]))


def study_protocol(study: str, recordings: Callable[[], Iterable[Recording]]) -> Protocol:
    """The leave-one-person-out protocol of the user's own study.

    Args:
        study: the name of the study.
        recordings: reads the mended recordings, with labels. All recordings of one person have the same ``subject``.
    """
    return _leave_one_person_out(study, lambda _: study_windows(recordings()))


def _leave_one_person_out(name: str, draw: Callable[[Folders], Windows]) -> Protocol:
    return Protocol(
        LEAVE_ONE_PERSON_OUT,
        (name,),
        f"Recognition of the labels of {name} of an unseen person, trained on all its other people, from 10 s of "
        "acceleration at 30 Hz; all recordings of a person are on one side. It does not measure people of another "
        "study, another sensor or, unless it was recorded there, everyday life; with few people the score varies much "
        "from person to person.",
        draw,
        _one_person_out,
    )


def _wisdm_harnet(folders: Folders) -> Windows:
    return harnet_wisdm_windows(read_wisdm_rows(folders[0]))


def _wisdm_choosing(folders: Folders) -> Windows:
    return choosing_windows(_wisdm_harnet(folders))


def _hmp_harnet(folders: Folders) -> Windows:
    return harnet_hmp_windows(dataset("hmp").read(folders[0]))


def _dsads_four(folders: Folders) -> Windows:
    return study_windows(_relabelled(one, POSTURES_AND_WALKING) for one in dataset("dsads").read(folders[0]))


def _dsads_nineteen(folders: Folders) -> Windows:
    return study_windows(dataset("dsads").read(folders[0]))


def _dsads_right_arm(folders: Folders) -> Windows:
    right = read_dsads(folders[0], arms=("right_arm",))
    return study_windows(_relabelled(one, POSTURES_AND_WALKING) for one in right)


def _exercises(folders: Folders) -> Windows:
    return study_windows(dataset("exercises").read(folders[0]))


def _between(names: tuple[str, ...]) -> Callable[[Folders], Windows]:
    def draw(folders: Folders) -> Windows:
        sets = [(dataset(name), folder) for name, folder in zip(names, folders, strict=True)]
        common = (to_common(recording, each.info) for each, folder in sets for recording in each.read(folder))
        return study_windows(_relabelled(recording, {word: word for word in BETWEEN}) for recording in common)

    return draw


def _of_different_sets(trained: str, tested: str) -> Callable[[Windows], list[Fold]]:
    def folds(windows: Windows) -> list[Fold]:
        people = sorted(set(windows.subjects.tolist()))
        training, test = (
            tuple(person for person in people if person.startswith(f"{name}_")) for name in (trained, tested)
        )
        return [Fold(f"{trained} to {tested}", training, test)]

    return folds


def _one_person_out(windows: Windows) -> list[Fold]:
    return leave_one_person_out(windows.subjects.tolist())


def _neighbours_out(windows: Windows) -> list[Fold]:
    return neighbours_left_out(windows.subjects.tolist())


def _pairs(windows: Windows) -> list[Fold]:
    return pairs_of_people(windows.subjects.tolist())


def _five_folds(windows: Windows) -> list[Fold]:
    return k_folds_of_people(windows.subjects.tolist(), 5, seed=0)


def _relabelled(recording: Recording, words: Mapping[str, str]) -> Recording:
    """The recording with renamed labels; samples whose label is not in ``words`` become unlabelled."""
    label_names = tuple(sorted(set(words.values())))
    codes = [label_names.index(words[name]) if name in words else UNLABELLED for name in recording.label_names]
    table = np.array([*codes, UNLABELLED], dtype=np.int16)
    return replace(recording, label_codes=table[recording.label_codes], label_names=label_names)


_ALL = (
    Protocol(
        "harnet",
        ("wisdm",),
        "Recognition of 18 activities of unseen people, from the watch's acceleration, on five random draws of a "
        "fifth of the people: the published evaluation of HARNet, so that published scores stand beside it for "
        "orientation. With 43 of its 46 people at hand the folds are other ones, so the scores are not those of the "
        "same people. Everybody did the same script in one study with one model of watch: it does not measure "
        "everyday life, another watch, or lying.",
        _wisdm_harnet,
        harnet_wisdm_folds,
    ),
    Protocol(
        "harnet-choosing",
        ("wisdm",),
        "Recognition of 18 activities of three unseen people, trained on nine: the windows of wisdm/harnet, but "
        "only of the 12 people whom none of its folds tests, in four folds among themselves. Presets, augmentations "
        "and lengths of training are chosen by it, and by nothing else. A score by it is therefore no result.",
        _wisdm_choosing,
        choosing_folds,
    ),
    Protocol(
        "unseen",
        ("dsads",),
        "Recognition of lying, sitting, standing and walking of an unseen person, trained on the seven others, "
        "both arms of a person always on one side. There are eight people and one bout of each kind a person, and a "
        "posture is one of laboratory stillness: the score varies much from person to person and is no measure for "
        "postures with busy hands.",
        _dsads_four,
        _one_person_out,
    ),
    Protocol(
        "unseen-choosing",
        ("dsads",),
        "The windows of dsads/unseen, but with two people left out of each fold, so that what is chosen for a "
        "person can go by what others score who were unseen too, to a model without that person either. "
        "Scores of single people decide; the mean over all of them is of everybody and therefore no result.",
        _dsads_four,
        _neighbours_out,
    ),
    Protocol(
        "unseen-19",
        ("dsads",),
        "Recognition of all 19 activities of the set, of an unseen person, trained on the seven others, both arms "
        "of a person always on one side. Several activities differ by where they were done rather than by how the "
        "arm moves (standing, and standing in a lift), so not every mistake is one that a wearer would call one.",
        _dsads_nineteen,
        _one_person_out,
    ),
    Protocol(
        "pairs",
        ("dsads",),
        "What two people's recordings are worth to unseen people: the notebook's task (right arm; lying, sitting, "
        "standing, walking) with each of the 28 pairs of people to learn from and the other six as unseen people, so "
        "that which two they were is averaged over. Windows are 10 s at 30 Hz, not the notebook's 512 samples. A "
        "person is tested 21 times by models that share people: the 168 evaluations are not 168 people.",
        _dsads_right_arm,
        _pairs,
    ),
    Protocol(
        "harnet",
        ("hmp",),
        "Recognition of five short activities (climbing stairs, drinking, getting up from bed, pouring water, "
        "walking) of an unseen person, trained on six others: the published evaluation of HARNet on this set. "
        "The people did very different numbers of them, so a person's score may rest on two or three activities, "
        "and activities shorter than 10 s are not in it.",
        _hmp_harnet,
        harnet_hmp_folds,
    ),
    Protocol(
        "unseen",
        ("exercises",),
        "Recognition of seven shoulder exercises of two unseen people, trained on the eight others, both wrists "
        "of a person always on one side, acceleration only. Every sample is exercise, so it does not measure whether "
        "exercise is distinguished from anything else.",
        _exercises,
        _five_folds,
    ),
    Protocol(
        "to-wisdm",
        ("dsads", "wisdm"),
        "Recognition of running, sitting, stairs, standing and walking in another study than the training study: "
        "trained on DSADS (eight people, both arms, wired units), tested on everybody in WISDM (a watch). People, "
        "sensor, the way it is worn and what was called by one word all differ at once, and the score does not say "
        "which of them costs what.",
        _between(("dsads", "wisdm")),
        _of_different_sets("dsads", "wisdm"),
    ),
    Protocol(
        "to-dsads",
        ("wisdm", "dsads"),
        "Recognition of running, sitting, stairs, standing and walking in another study than the training study: "
        "trained on everybody in WISDM (a watch on one wrist), tested on the eight people of DSADS (wired units on "
        "both arms). Like dsads/to-wisdm, it does not show what the difference is due to, and rests on eight "
        "people.",
        _between(("wisdm", "dsads")),
        _of_different_sets("wisdm", "dsads"),
    ),
    Protocol(
        "leave-one-study-out",
        STUDIES,
        "Recognition of lying, sitting, standing, walking, running, stairs and cycling of every person of a study, by "
        "a method that was trained on the other studies alone: another laboratory, another sensor, other people. "
        "Windows of 10 s every 5 s, not smoothed. A person's score is the mean F1 over the labels that are true for "
        "the person and known to the training studies; windows of other activities count as false positives. The main "
        "score is the plain mean over WISDM, DSADS and selfBACK of the mean over people. All of these people did what "
        "a script said: it does not measure everyday life.",
        draw_studies,
        leave_one_study_out,
        group=ALL_STUDIES,
    ),
    Protocol(
        "pairs-choosing",
        STUDIES,
        "The windows of studies/leave-one-study-out, but with two of the three main studies left out of each fold, so "
        "that a choice for one left-out study rests on another study that was unseen as well. Presets, label schemes "
        "and epochs are chosen by it. A score by it is therefore no result.",
        draw_studies,
        pairs_of_studies_out,
        group=ALL_STUDIES,
    ),
)

PROTOCOLS: Mapping[tuple[str, str], Protocol] = MappingProxyType({(each.dataset, each.name): each for each in _ALL})
"""Every protocol, by its data set and name."""
