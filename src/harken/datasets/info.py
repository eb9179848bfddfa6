"""Facts about public data sets, including known pitfalls, and the folders that contain them.

The facts about harken's own data sets are in ``catalogue.toml``.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError

DATA_VARIABLE = "HARKEN_DATA"
"""The environment variable with the folder of all data sets. Each data set is in a subfolder of its own name."""
CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Archive:
    """A file that the publisher offers for download.

    Attributes:
        url: the address of the file.
        file_name: the name of the downloaded file.
        sha256: the SHA-256 that the publisher states, 64 hexadecimal digits; None if none is stated.
        size_bytes: the size of the file; None if it is unknown.
    """

    url: str
    file_name: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about one public data set.

    Attributes:
        name: the name of the data set in harken.
        title: a description in one line.
        licence: the licence of the data.
        citation: the publication to cite.
        url: the page of the publisher.
        how_to_get: the command or the steps to obtain it.
        people: the number of people who wore the watch.
        sample_rate_hz: samples per second, as stated by the authors.
        labels: the data set's own names of the activities, sorted.
        placement: where the sensor was worn, as in "wrist of the dominant hand".
        forearm_axis: the axis of the sensor that points along the forearm towards the elbow, so that it measures about
            +1 g when the arm hangs, in most people of the study; None if the sensor was worn elsewhere or the axis is
            unknown.
        label_map: each of ``labels`` -> its common name (see ``harken.datasets.label_schemes``).
        checked_on_real_files: whether the reader was run on the published files. If not, it is based only on the
            documentation.
        archives: the files to download; empty if it is obtained in another way (see ``how_to_get``).
        traps: whole sentences on pitfalls of the data set.
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
    forearm_axis: ForearmAxis | None = None
    traps: tuple[str, ...] = ()


def info_of(name: str) -> DatasetInfo:
    """The facts about one of harken's own data sets, from ``catalogue.toml``."""
    facts = dict(_catalogue()[name])
    label_map = {label: common for common, labels in facts.pop("activities").items() for label in labels}
    facts["label_map"] = dict(sorted(label_map.items()))
    facts["labels"] = tuple(facts["label_map"])
    facts["archives"] = tuple(Archive(**archive) for archive in facts.get("archives", ()))
    facts["traps"] = tuple(facts["traps"])
    return DatasetInfo(name=name, **facts)


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def data_folder(info: DatasetInfo, path: Path | None) -> Path:
    """The folder of a data set: ``path``, or by default the subfolder with the set's name in the folder
    ``HARKEN_DATA``.

    Raises:
        HarkenError: when neither is given, or the folder does not exist.
    """
    if path is None:
        folder = os.environ.get(DATA_VARIABLE)
        if not folder:
            raise HarkenError(
                f"the folder of the data set {info.name} is not known. Name it, or the folder of data sets in "
                f"{DATA_VARIABLE}. To get it: {info.how_to_get}"
            )
        path = Path(folder) / info.name
    if not path.is_dir():
        raise HarkenError(f"{path}: there is no such folder. To get the data set {info.name}: {info.how_to_get}")
    return path
