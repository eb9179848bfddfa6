"""The nine studies as data sets: three of harken's own, and six that cannot be fetched (``catalogue.toml``).

Each of the six is a tidy table that was made from the published files (``docs/datasets.md`` lists its columns), named
after the study: ``stress_predict/stress_predict.parquet`` in the folder ``HARKEN_DATA``.
"""

import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import polars as pl

from harken.datasets.info import DatasetInfo, data_folder, make_info
from harken.datasets.registry import Dataset, dataset
from harken.datasets.tidy import read_study_table, read_table
from harken.recordings.recording import Recording

STUDIES = ("wisdm", "dsads", "selfback", "stress_predict", "hawthorne")
"""The studies of ``leave-one-study-out``."""
NINE_STUDIES = (*STUDIES, "wearable_exercise", "exam_stress", "lmu_harlab", "pebble_steps")
"""All studies, on which the packaged model was trained. The last is for training alone: it is not known who wore its
watches."""
MAIN_STUDIES = ("wisdm", "dsads", "selfback")
"""The studies with enough labels for a mean F1. The main score is the plain mean over them."""
WEARINGS = {"wearable_exercise": "^[a-z]+", "exam_stress": ".+", "pebble_steps": ".+"}
"""Study -> the part of a session's name that differs between two wearings of a watch, which may have turned it."""
CATALOGUE = Path(__file__).with_name("catalogue.toml")


def read_study(info: DatasetInfo, folder: Path | None = None) -> list[Recording]:
    """Read the acceleration in g of a tidy table, one recording for each person, or for each of their wearings.

    ``subject`` begins with the study's name: ``stress_predict_S01``, ``hawthorne_S0``.

    Args:
        info: the study.
        folder: the folder of its table, ``stress_predict.parquet``; by default that of its name in ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    path = data_folder(info, folder) / f"{info.name}.parquet"
    table = read_table(path)
    if info.name in WEARINGS:  # these make recordings of their own, as placements do
        wearing = pl.col("session").cast(pl.String).str.extract(f"({WEARINGS[info.name]})")
        table = table.with_columns(placement=wearing)
    return read_study_table(path, table, info)


def _read_catalogue() -> dict[str, Dataset]:
    data_sets = {}
    for name, facts in tomllib.loads(CATALOGUE.read_text(encoding="utf-8")).items():
        info = make_info(name, facts)
        data_sets[name] = Dataset(info, partial(read_study, info))
    return data_sets


TIDY_STUDIES: Mapping[str, Dataset] = MappingProxyType(_read_catalogue())
"""The six studies that cannot be fetched, by name."""


def find_study(name: str) -> Dataset:
    """Return the data set of one of the nine studies, or another one of harken's.

    Raises:
        HarkenError: when there is no such data set.
    """
    return TIDY_STUDIES[name] if name in TIDY_STUDIES else dataset(name)
