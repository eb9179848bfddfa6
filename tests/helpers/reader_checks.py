"""What tests of readers share: reading as users do, what a refusal says, what a recording notes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harken.readers.options import TableOptions
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

Read = Callable[..., Recording]
"""``read(path, **options)``."""


def as_found(reader: Callable[[Path, TableOptions], Recording]) -> Read:
    """Read with this reader and options by name, unmended."""

    def read(path: Path, **options: object) -> Recording:
        return reader(path, TableOptions(**options))

    return read


def mended(reader: Callable[[Path, TableOptions], Recording]) -> Read:
    """Read with this reader and options by name, mended as ``harken.read`` does."""

    def read(path: Path, **options: object) -> Recording:
        said = TableOptions(**options)
        return mend(reader(path, said), sensor_range=said.sensor_range_g)

    return read


def refusals(read: Read) -> Callable[..., str]:
    """The message of the error that reading raises, with FILE for the file."""

    def refusal(path: Path, **options: object) -> str:
        with pytest.raises(HarkenError) as caught:
            read(path, **options)
        return str(caught.value).replace(str(path), "FILE")

    return refusal


def notes(recording: Recording) -> str:
    """All notes on a recording, one after the other."""
    return " ".join(recording.quality.notes)
