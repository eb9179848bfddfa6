"""Many files: which they are, where each one's results go, who labels them, and the tables over all of them."""

from harken.cohort.files import Recordings, recordings_in, shard_of
from harken.cohort.running import FileOutcome, Task, label_cohort
from harken.cohort.tables import without_path, write_failures, write_tables

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
