"""The public data sets that harken reads, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harken.datasets.info import DatasetInfo, catalogue, info_of
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.plugins import Registry, import_object


@dataclass(frozen=True)
class Dataset:
    """A public data set: the facts about it, and how to read it.

    Attributes:
        info: the facts about it.
        read: a function of its folder (None: the folder in ``HARKEN_DATA``). It returns mended recordings, one for each
            person and placement (and wearing, if it may have been turned between two), with the set's own labels.
            Recordings of one person have the same ``subject``, which is unique among all data sets, and differ in
            ``source``.
    """

    info: DatasetInfo
    read: Callable[[Path | None], list[Recording]]


READERS = {
    "wisdm": "wisdm:read_wisdm",
    "dsads": "dsads:read_dsads",
    "selfback": "tidy:read_selfback",
    "hmp": "hmp:read_hmp",
    "pamap2": "pamap2:read_pamap2",
    "uci_har": "uci_har:read_uci_har",
    "exercises": "exercises:exercises",
}
"""The function that reads a data set, in a module of this room."""


def _read(name: str, folder: Path | None) -> list[Recording]:
    """Read one of harken's own data sets. The module of its reader is loaded now."""
    read: Callable[[Path | None], list[Recording]] = import_object(f"harken.datasets.{READERS[name]}")
    return read(folder)


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {name: Dataset(info_of(name), partial(_read, name)) for name in catalogue()}
)
"""Harken's own data sets by name, in the order in which they are listed."""


def _checked(name: str, candidate: Any) -> Dataset:
    if not isinstance(candidate, Dataset):
        raise HarkenError(f"{name} must be a Dataset (harken.datasets.registry), got {type(candidate).__name__}")
    if candidate.info.name != name:
        raise HarkenError(
            f"its facts call it {candidate.info.name!r}; this name and that of the entry point must agree"
        )
    return candidate


_REGISTRY = Registry("data set", "harken.datasets", DATASETS, check=_checked)


def dataset_names() -> list[str]:
    """The names of all data sets: first harken's own, then those of other installed packages."""
    return _REGISTRY.names()


def dataset(name: str) -> Dataset:
    """The data set with this name.

    Other installed packages add data sets by entry points in the group ``harken.datasets``.

    Raises:
        HarkenError: when there is no such data set (the message lists all names), or it cannot be imported.
    """
    found = _REGISTRY.find(name)
    if found is None:
        raise HarkenError(f"there is no data set {name!r}; the data sets are {', '.join(dataset_names())}")
    return found
