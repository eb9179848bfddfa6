"""What a user may say about a table of samples that the file itself does not."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["AccelerationUnit", "TableOptions", "TimeUnit"]

TimeUnit = Literal["s", "ms", "us", "ns"]
AccelerationUnit = Literal["g", "m/s2", "mg", "g/64"]


@dataclass(frozen=True)
class TableOptions:
    """How to read a table. Everything left at None is recognised from the file, or asked for by an error.

    Columns are given by their name in the header, or by their number counting from 1.

    Attributes:
        time_column, x_column, y_column, z_column, label_column, subject_column: where things are.
        time_unit: ``s``, ``ms``, ``us`` or ``ns`` for times that are numbers.
        time_format: a strptime pattern for times that are text in an unusual form.
        timezone: the wearer's zone as an IANA name (``Europe/Athens``). Times written without a zone are
            local times there, daylight saving respected; without it they are taken as UTC.
        acceleration_unit: ``g``, ``m/s2``, ``mg`` (thousandths of g) or ``g/64``.
        subject: who wore the watch; in a file with several people, whose rows to read.
        skip_rows: lines to skip before the header (or the data, where there is no header).
        sample_rate_hz: do not read times at all (or there are none): rows are this far apart. The first
            time of the file, where there is one, is the start.
        sensor_range_g: the sensor's range in g; samples beyond it are marked.
    """

    time_column: str | None = None
    x_column: str | None = None
    y_column: str | None = None
    z_column: str | None = None
    label_column: str | None = None
    subject_column: str | None = None
    time_unit: TimeUnit | None = None
    time_format: str | None = None
    timezone: str | None = None
    acceleration_unit: AccelerationUnit | None = None
    subject: str | None = None
    skip_rows: int = 0
    sample_rate_hz: float | None = None
    sensor_range_g: float | None = None
