"""The user's options for reading a table of samples."""

from dataclasses import dataclass
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.support.errors import HarkenError

TimeUnit = Literal["s", "ms", "us", "ns"]
AccelerationUnit = Literal["g", "m/s2", "mg", "g/64"]

FASTEST_HZ = 10_000
"""The same as in ``harken.recordings.survey``, which is not imported here because it imports NumPy."""


@dataclass(frozen=True)
class TableOptions:
    """Options for reading a table. Options that are None are recognised from the file; if that fails, an error names
    the option.

    Columns are given by their name in the header, or by their number from 1.

    >>> import harken
    >>> options = harken.TableOptions(timezone="Europe/Athens", acceleration_unit="m/s2")
    >>> harken.inspect("alice.csv", reading=options).timezone
    'Europe/Athens'

    Attributes:
        time_column, x_column, y_column, z_column, label_column, subject_column: the columns with these contents.
        time_unit: ``s``, ``ms``, ``us`` or ``ns`` for times that are numbers.
        time_format: a strptime pattern for times that are text in an unusual form.
        timezone: the wearer's time zone as an IANA name (``Europe/Athens``). Times without a zone are local times in
            this time zone, including daylight saving. Without this option they are taken as UTC.
        acceleration_unit: ``g``, ``m/s2``, ``mg`` (thousandths of g) or ``g/64``.
        subject: the wearer; in a file with several people, the person whose rows are read.
        skip_rows: lines to skip before the header (or before the data, if there is no header).
        sample_rate_hz: the rate for a table whose times are missing or not to be used. Times are computed from it. The
            first time in the file, if there is one, is the start.
        sensor_range_g: the sensor's range in g; samples beyond it are marked.

    Raises:
        HarkenError: for a unit or a time zone that does not exist, or an impossible number.
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

    def __post_init__(self) -> None:
        _check_known("--time-unit", self.time_unit, get_args(TimeUnit))
        _check_known("--unit", self.acceleration_unit, get_args(AccelerationUnit))
        if self.timezone is not None:
            check_timezone(self.timezone)
        if self.skip_rows < 0:
            raise HarkenError(f"--skip-rows {self.skip_rows}: give the number of lines to skip, 0 or more")
        if self.sample_rate_hz is not None and not 0 < self.sample_rate_hz <= FASTEST_HZ:
            raise HarkenError(f"--rate {self.sample_rate_hz:g}: give samples per second, up to {FASTEST_HZ:,}")
        if self.sensor_range_g is not None and not self.sensor_range_g > 0:
            raise HarkenError(f"--sensor-range {self.sensor_range_g:g}: give the sensor's range in g, such as 8")


def check_timezone(name: str) -> None:
    """Raise a HarkenError when ``name`` is not a time zone in the IANA database."""
    import polars as pl  # Python and polars have separate databases

    try:
        ZoneInfo(name)
        pl.Series([], dtype=pl.Datetime).dt.replace_time_zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise HarkenError(f"there is no time zone {name!r}; zones look like Europe/Athens or UTC") from error


def _check_known(option: str, word: str | None, known: tuple[Any, ...]) -> None:
    if word is not None and word not in known:
        raise HarkenError(f"{option} {word}: this unit is not supported; the units are {', '.join(known)}")
