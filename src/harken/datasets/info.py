"""What one should know about a public data set before believing a number that comes from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harken.support.errors import HarkenError

__all__ = ["DATA_VARIABLE", "Archive", "DatasetInfo", "data_folder"]

DATA_VARIABLE = "HARKEN_DATA"
"""The environment variable that names the folder of data sets: each lies in a folder of its own name in it."""


@dataclass(frozen=True)
class Archive:
    """A file that the publisher offers for download.

    Attributes:
        url: where it lies.
        file_name: what to call it here.
        sha256: of its bytes, 64 hexadecimal digits, as its publisher states it; None where none is stated.
        size_bytes: how large it is; None where that is not known.
    """

    url: str
    file_name: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about one public data set. Each module of ``harken.datasets`` has one, named ``INFO``.

    Attributes:
        name: what harken calls it.
        title: what is in it, in one line.
        licence: under which it may be used.
        citation: what to cite where results are published.
        url: where it comes from.
        how_to_get: the command or the steps that bring it onto this machine.
        people: how many wore the watch.
        sample_rate_hz: samples per second, as its authors state it.
        labels: the activities in the set's own words, sorted.
        placement: where the sensor was worn, as in "wrist of the dominant hand".
        forearm_axis: the axis of the sensor that points along the forearm, whichever way; None where the sensor was
            worn elsewhere, or where that is not known.
        label_map: each of ``labels`` -> the common word for it (see ``harken.datasets.label_schemes``).
        checked_on_real_files: whether its reader has ever been run on the published files. Where it has not,
            it was written after the documentation alone.
        archives: what to download; empty where it comes in another way (see ``how_to_get``).
        traps: whole sentences about what misleads those who do not know it.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    how_to_get: str
    people: int
    sample_rate_hz: float
    labels: tuple[str, ...]
    placement: str
    label_map: Mapping[str, str] = field(hash=False)
    checked_on_real_files: bool
    archives: tuple[Archive, ...] = ()
    forearm_axis: Literal["x", "y"] | None = None
    traps: tuple[str, ...] = ()


def data_folder(info: DatasetInfo, path: Path | None) -> Path:
    """Where a data set lies: ``path``, or the folder of the set's name in the folder that ``HARKEN_DATA`` names.

    Raises:
        HarkenError: when there is neither, or no such folder.
    """
    if path is None:
        said = os.environ.get(DATA_VARIABLE)
        if not said:
            raise HarkenError(
                f"where is the data set {info.name}? Name its folder, or the folder of data sets in {DATA_VARIABLE}. "
                f"To get it: {info.how_to_get}"
            )
        path = Path(said) / info.name
    if not path.is_dir():
        raise HarkenError(f"{path}: there is no such folder. To get the data set {info.name}: {info.how_to_get}")
    return path
