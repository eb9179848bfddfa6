"""The public data sets that harken reads, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from harken.datasets import dsads, exercises, hawthorne, hmp, pamap2, selfback, stress_predict, uci_har, wisdm
from harken.datasets.info import DatasetInfo
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["DATASETS", "Dataset", "dataset"]


@dataclass(frozen=True)
class Dataset:
    """A public data set: the facts about it, and how to read it.

    Attributes:
        info: what to know about it.
        read: its folder (None: where ``HARKEN_DATA`` says) -> its recordings, mended, one a person and placement,
            with the set's own labels. Recordings of one person have the same ``subject``, which no other data
            set has; their ``source`` says which is which.
    """

    info: DatasetInfo
    read: Callable[[Path | None], list[Recording]]


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        each.info.name: each
        for each in (
            Dataset(wisdm.INFO, wisdm.read_wisdm),
            Dataset(dsads.INFO, dsads.read_dsads),
            Dataset(selfback.INFO, selfback.read_selfback),
            Dataset(stress_predict.INFO, stress_predict.read_stress_predict),
            Dataset(hawthorne.INFO, hawthorne.read_hawthorne),
            Dataset(hmp.INFO, hmp.read_hmp),
            Dataset(pamap2.INFO, pamap2.read_pamap2),
            Dataset(uci_har.INFO, uci_har.read_uci_har),
            Dataset(exercises.INFO, exercises.exercises),
        )
    }
)
"""Every data set, by its name, in the order in which they are listed."""


def dataset(name: str) -> Dataset:
    """The data set of this name.

    Raises:
        HarkenError: when there is none; the message names those there are.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise HarkenError(f"harken knows no data set {name!r}; it knows {', '.join(DATASETS)}") from None
