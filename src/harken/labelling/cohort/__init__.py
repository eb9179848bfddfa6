"""Labelling many files: finding them, running the work in processes or on Dask, and tables over all results."""

from harken.labelling.cohort.files import Recordings, recordings_in, shard_of
from harken.labelling.cohort.tables import without_path, write_failures, write_tables
from harken.labelling.cohort.workers import FileOutcome, Task, label_cohort

__all__ = [
    "FileOutcome",
    "Recordings",
    "Task",
    "label_cohort",
    "recordings_in",
    "shard_of",
    "without_path",
    "write_failures",
    "write_tables",
]
