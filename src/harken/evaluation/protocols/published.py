"""Named protocols: the windows of a data set, the folds of people, and what the score measures (``protocols.toml``)."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from harken.annotations.labelled_files import renamed
from harken.datasets.common_activities import convert_to_common
from harken.datasets.dsads import read_dsads
from harken.datasets.registry import dataset, dataset_names
from harken.datasets.wisdm import read_wisdm_rows
from harken.evaluation.protocols.harnet import harnet_hmp_windows, harnet_wisdm_folds, harnet_wisdm_windows
from harken.evaluation.protocols.protocol import (
    LEAVE_ONE_PERSON_OUT,
    Divide,
    Draw,
    Folders,
    Protocol,
    cut_windows,
    divide_people,
    make_person_protocol,
)
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.folds import Fold, k_folds_of_people, leave_one_person_out, pairs_of_people
from harken.windows.windows import Windows

BETWEEN = ("running", "sitting", "stairs", "standing", "walking")
"""The common activities that are in both WISDM and DSADS."""
FACTS = tomllib.loads(Path(__file__).with_name("protocols.toml").read_text(encoding="utf-8"))
POSTURES_AND_WALKING: Mapping[str, str] = FACTS["dsads"]["unseen"]["labels"]
"""The activities of DSADS that correspond to the notebook's four labels."""


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
        return make_person_protocol(data_set, _windows_of(data_set))
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
    """The names of all data sets, those with a published protocol first."""
    return list(dict.fromkeys([*(one for one, _ in PROTOCOLS), *dataset_names()]))


def _windows_of(name: str, words: Mapping[str, str] | None = None) -> Draw:
    """The windows of a data set; with ``words``, only those of these labels, by their new names."""

    def draw(folders: Folders) -> Windows:
        recordings = dataset(name).read(folders[0])
        return cut_windows(one if words is None else _relabelled(one, words) for one in recordings)

    return draw


def _wisdm_harnet(folders: Folders) -> Windows:
    return harnet_wisdm_windows(read_wisdm_rows(folders[0]))


def _dsads_right_arm(folders: Folders) -> Windows:
    right = read_dsads(folders[0], arms=("right_arm",))
    return cut_windows(_relabelled(one, POSTURES_AND_WALKING) for one in right)


def _between(*names: str) -> tuple[Draw, Divide]:
    """The windows of two data sets, and the one fold from the people of the first to those of the second."""

    def draw(folders: Folders) -> Windows:
        sets = [(dataset(name), folder) for name, folder in zip(names, folders, strict=True)]
        common = (convert_to_common(recording, each.info) for each, folder in sets for recording in each.read(folder))
        return cut_windows(recording.with_label_names(BETWEEN) for recording in common)

    def folds(windows: Windows) -> list[Fold]:
        people = sorted(set(windows.subjects.tolist()))
        sides = (tuple(person for person in people if person.startswith(f"{name}_")) for name in names)
        return [Fold(" to ".join(names), *sides)]

    return draw, folds


def _relabelled(recording: Recording, words: Mapping[str, str]) -> Recording:
    """The recording with renamed labels; samples whose label is not in ``words`` become unlabelled."""
    return renamed(recording.with_label_names(tuple(words)), words)


_WAYS: Mapping[tuple[str, str], tuple[Draw, Divide]] = {
    ("wisdm", "harnet"): (_wisdm_harnet, harnet_wisdm_folds),
    ("wisdm", "to-dsads"): _between("wisdm", "dsads"),
    ("dsads", "unseen"): (_windows_of("dsads", POSTURES_AND_WALKING), divide_people(leave_one_person_out)),
    ("dsads", "unseen-19"): (_windows_of("dsads"), divide_people(leave_one_person_out)),
    ("dsads", "pairs"): (_dsads_right_arm, divide_people(pairs_of_people)),
    ("dsads", "to-wisdm"): _between("dsads", "wisdm"),
    ("hmp", "harnet"): (
        lambda folders: harnet_hmp_windows(dataset("hmp").read(folders[0])),
        divide_people(leave_one_person_out),
    ),
    ("exercises", "unseen"): (_windows_of("exercises"), divide_people(partial(k_folds_of_people, k=5, seed=0))),
}
"""How each protocol draws its windows and folds."""


def _published() -> Iterator[Protocol]:
    for (name, protocol_name), ways in _WAYS.items():
        datasets = tuple(FACTS[name][protocol_name].get("datasets", (name,)))
        yield Protocol(protocol_name, datasets, FACTS[name][protocol_name]["measures"], *ways)


PROTOCOLS: Mapping[tuple[str, str], Protocol] = MappingProxyType({(one.dataset, one.name): one for one in _published()})
"""Every protocol, by its data set and name."""
