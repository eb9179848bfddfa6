"""A data set of your own, with a name and the facts that are needed to judge a score.

python examples/own_data_set.py FOLDER        (with study.csv, whose column Subject says who it was)
"""

import sys
from pathlib import Path

from harken.annotations.labelled_files import read_people
from harken.datasets import DatasetInfo
from harken.datasets.info import data_folder
from harken.datasets.registry import Dataset
from harken.readers import TableOptions
from harken.recordings.recording import Recording

INFO = DatasetInfo(
    name="tiny_study",
    title="Lying, sitting and walking of three people",
    licence="CC0",
    citation="Nobody: the people are invented",
    url="https://example.org/tiny-study",
    how_to_get="write study.csv into a folder",
    people=3,
    sample_rate_hz=25.0,
    labels=("lying", "sitting", "walking"),
    placement="wrist",
    label_map={"lying": "lying", "sitting": "sitting", "walking": "walking"},
    checked_on_real_files=False,
)


def read_tiny_study(folder: Path | None) -> list[Recording]:
    """Every person's recording; ``folder`` is None where ``HARKEN_DATA`` says where the data is."""
    return read_people(data_folder(INFO, folder) / "study.csv", TableOptions())


TINY_STUDY = Dataset(INFO, read_tiny_study)

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for recording in TINY_STUDY.read(Path(sys.argv[1])):
        print(f"{recording.subject}: {len(recording):,} samples, {', '.join(recording.label_names)}")
