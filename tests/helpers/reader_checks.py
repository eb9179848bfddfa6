"""What tests of readers share: reading as users do, what a refusal says, what a recording notes."""

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, Unpack

import pytest

from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.registry import Reader
from harken.recordings.forearm_axis import GravitySign
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

Read = Callable[..., Recording]
"""``read(path, **options)``."""


class Options(TypedDict, total=False):
    """The fields of ``TableOptions``, by name."""

    time_column: str
    x_column: str
    y_column: str
    z_column: str
    label_column: str
    subject_column: str
    time_unit: TimeUnit
    time_format: str
    timezone: str
    acceleration_unit: AccelerationUnit
    gravity_sign: GravitySign
    subject: str
    skip_rows: int
    sample_rate_hz: float
    sensor_range_g: float


def collected(reader: Reader) -> Callable[[Path, TableOptions], Recording]:
    """Open with this reader and collect all samples, unmended."""
    return lambda path, options: reader.open_source(path, options).collect()


def as_found(reader: Callable[[Path, TableOptions], Recording]) -> Read:
    """Read with this reader and options by name, unmended."""

    def read(path: Path, **options: Unpack[Options]) -> Recording:
        return reader(path, TableOptions(**options))

    return read


def mended(reader: Callable[[Path, TableOptions], Recording]) -> Read:
    """Read with this reader and options by name, mended as ``harken.read`` does."""

    def read(path: Path, **options: Unpack[Options]) -> Recording:
        table_options = TableOptions(**options)
        return mend(reader(path, table_options), sensor_range=table_options.sensor_range_g)

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
