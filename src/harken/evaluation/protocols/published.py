"""Named protocols: the windows of a data set, the folds of people, and what the score measures (``protocols.toml``)."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from harken.annotations.find import renamed
from harken.datasets.dsads import read_dsads
from harken.datasets.label_schemes import to_common
from harken.datasets.registry import dataset, dataset_names
from harken.datasets.wisdm import read_wisdm_rows
from harken.evaluation.protocols.harnet import (
    choosing_folds,
    choosing_windows,
    harnet_hmp_windows,
    harnet_wisdm_folds,
    harnet_wisdm_windows,
)
from harken.evaluation.protocols.studies import (
    NINE_STUDIES,
    draw_studies,
    leave_one_study_out,
    pairs_of_studies_out,
    study_windows,
)
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.folds import (
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
FACTS = tomllib.loads(Path(__file__).with_name("protocols.toml").read_text(encoding="utf-8"))
POSTURES_AND_WALKING: Mapping[str, str] = FACTS["dsads"]["unseen"]["labels"]
"""The activities of DSADS that correspond to the notebook's four labels."""

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
    """

    name: str
    datasets: tuple[str, ...]
    measures: str
    draw: Draw
    folds: Divide
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
        return of_own_people(data_set, _windows_of(data_set))
    if not names:
        dataset(data_set)  # raises when there is none of this name
        raise HarkenError(f"it is not known who wore the watches of {data_set}, so it cannot be scored by person")
    raise HarkenError(f"{data_set} has no protocol {name!r}; its protocols are {', '.join(names)}")


def protocol_names(data_set: str) -> list[str]:
    """The names of a data set's protocols; empty if there is no such data set, or it is not known who wore its
    watches."""
    published = [name for one, name in PROTOCOLS if one == data_set]
    if published or data_set not in dataset_names() or dataset(data_set).info.people is None:
        return published
    return [LEAVE_ONE_PERSON_OUT]


def benchmark_sets() -> list[str]:
    """``studies`` and the names of all data sets."""
    return list(dict.fromkeys([*(one for one, _ in PROTOCOLS), *dataset_names()]))


def of_own_people(name: str, draw: Draw) -> Protocol:
    """The leave-one-person-out protocol of a data set or of the user's own study.

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
        _of_people(leave_one_person_out),
    )


def _of_people(folds: Callable[[Iterable[str]], list[Fold]]) -> Divide:
    return lambda windows: folds(windows.subjects.tolist())


def _windows_of(name: str, words: Mapping[str, str] | None = None) -> Draw:
    """The windows of a data set; with ``words``, only those of these labels, by their new names."""

    def draw(folders: Folders) -> Windows:
        recordings = dataset(name).read(folders[0])
        return study_windows(one if words is None else _relabelled(one, words) for one in recordings)

    return draw


def _wisdm_harnet(folders: Folders) -> Windows:
    return harnet_wisdm_windows(read_wisdm_rows(folders[0]))


def _dsads_right_arm(folders: Folders) -> Windows:
    right = read_dsads(folders[0], arms=("right_arm",))
    return study_windows(_relabelled(one, POSTURES_AND_WALKING) for one in right)


def _between(*names: str) -> tuple[Draw, Divide]:
    """The windows of two data sets, and the one fold from the people of the first to those of the second."""

    def draw(folders: Folders) -> Windows:
        sets = [(dataset(name), folder) for name, folder in zip(names, folders, strict=True)]
        common = (to_common(recording, each.info) for each, folder in sets for recording in each.read(folder))
        return study_windows(recording.with_label_names(BETWEEN) for recording in common)

    def folds(windows: Windows) -> list[Fold]:
        people = sorted(set(windows.subjects.tolist()))
        sides = (tuple(person for person in people if person.startswith(f"{name}_")) for name in names)
        return [Fold(" to ".join(names), *sides)]

    return draw, folds


def _relabelled(recording: Recording, words: Mapping[str, str]) -> Recording:
    """The recording with renamed labels; samples whose label is not in ``words`` become unlabelled."""
    return renamed(recording.with_label_names(tuple(words)), words)


_draw_nine = partial(draw_studies, studies=NINE_STUDIES)
_WAYS: Mapping[tuple[str, str], tuple[Draw, Divide]] = {
    ("wisdm", "harnet"): (_wisdm_harnet, harnet_wisdm_folds),
    ("wisdm", "harnet-choosing"): (lambda folders: choosing_windows(_wisdm_harnet(folders)), choosing_folds),
    ("wisdm", "to-dsads"): _between("wisdm", "dsads"),
    ("dsads", "unseen"): (_windows_of("dsads", POSTURES_AND_WALKING), _of_people(leave_one_person_out)),
    ("dsads", "unseen-choosing"): (_windows_of("dsads", POSTURES_AND_WALKING), _of_people(neighbours_left_out)),
    ("dsads", "unseen-19"): (_windows_of("dsads"), _of_people(leave_one_person_out)),
    ("dsads", "pairs"): (_dsads_right_arm, _of_people(pairs_of_people)),
    ("dsads", "to-wisdm"): _between("dsads", "wisdm"),
    ("hmp", "harnet"): (
        lambda folders: harnet_hmp_windows(dataset("hmp").read(folders[0])),
        _of_people(leave_one_person_out),
    ),
    ("exercises", "unseen"): (_windows_of("exercises"), _of_people(partial(k_folds_of_people, k=5, seed=0))),
    (ALL_STUDIES, "leave-one-study-out"): (draw_studies, leave_one_study_out),
    (ALL_STUDIES, "pairs-choosing"): (draw_studies, pairs_of_studies_out),
    (ALL_STUDIES, "leave-one-of-nine-out"): (_draw_nine, leave_one_study_out),
    (ALL_STUDIES, "pairs-of-nine-choosing"): (_draw_nine, pairs_of_studies_out),
}
"""How each protocol draws its windows and folds."""


def _published() -> Iterator[Protocol]:
    for (name, protocol_name), ways in _WAYS.items():
        datasets = tuple(FACTS[name][protocol_name].get("datasets", (name,)))
        group = None if name in datasets else name
        yield Protocol(protocol_name, datasets, FACTS[name][protocol_name]["measures"], *ways, group=group)


PROTOCOLS: Mapping[tuple[str, str], Protocol] = MappingProxyType({(one.dataset, one.name): one for one in _published()})
"""Every protocol, by its data set and name."""
