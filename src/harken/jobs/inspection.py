"""The job of ``harken inspect``: the facts about one file."""

from pathlib import Path

from harken.readers import read
from harken.readers.options import TableOptions
from harken.recordings.inspection import Inspection, inspect_recording
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["inspect", "read_and_inspect"]


def inspect(path: str | Path, *, reading: TableOptions | None = None) -> Inspection:
    """The facts about a recording: rows, rate, gaps, ranges, labels, and what was mended.

    >>> import harken
    >>> facts = harken.inspect("alice.csv")
    >>> facts.channels, sorted(facts.labels)
    (('x', 'y', 'z', 'P'), ['lying', 'sitting', 'walking'])

    Args:
        path: a recording in any format that harken reads.
        reading: how to read tables; see ``harken.read``.

    Returns:
        The facts that ``harken inspect`` prints; ``as_dict()`` is the output with ``--json``.

    Raises:
        HarkenError: when the file cannot be read.
    """
    return read_and_inspect(path, reading or TableOptions())[0]


def read_and_inspect(path: str | Path, reading: TableOptions) -> tuple[Inspection, Recording]:
    """The facts about a file and its mended recording, from one reading."""
    try:
        found = read(path, as_found=True, **vars(reading))
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    recording = mend(found, sensor_range=reading.sensor_range_g)
    return inspect_recording(recording, found=found), recording
