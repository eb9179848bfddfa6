"""What a user may say about a table of samples that the file itself does not."""

from dataclasses import dataclass
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.support.errors import HarkenError

__all__ = ["AccelerationUnit", "TableOptions", "TimeUnit", "check_timezone"]

TimeUnit = Literal["s", "ms", "us", "ns"]
AccelerationUnit = Literal["g", "m/s2", "mg", "g/64"]

FASTEST_HZ = 10_000
"""As in ``harken.recordings.survey``, which takes NumPy to import."""


@dataclass(frozen=True)
class TableOptions:
    """How to read a table. Everything left at None is recognised from the file, or asked for by an error.

    Columns are given by their name in the header, or by their number counting from 1.

    >>> import harken
    >>> options = harken.TableOptions(timezone="Europe/Athens", acceleration_unit="m/s2")
    >>> harken.inspect("alice.csv", reading=options).timezone
    'Europe/Athens'

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

    Raises:
        HarkenError: for a unit or a time zone that does not exist, or a number that cannot be.
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
    """Raise a HarkenError when ``name`` is not a zone of the IANA database."""
    import polars as pl  # Python and polars each have a database of their own

    try:
        ZoneInfo(name)
        pl.Series([], dtype=pl.Datetime).dt.replace_time_zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise HarkenError(f"there is no time zone {name!r}; zones look like Europe/Athens or UTC") from error


def _check_known(option: str, word: str | None, known: tuple[Any, ...]) -> None:
    if word is not None and word not in known:
        raise HarkenError(f"{option} {word}: there is no such unit here; the units are {', '.join(known)}")
