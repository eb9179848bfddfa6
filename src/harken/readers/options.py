"""The user's options for reading a table of samples."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harken.recordings.forearm_axis import GravitySign
from harken.support.errors import HarkenError
from harken.support.options import Option, check_options

TimeUnit = Literal["s", "ms", "us", "ns"]
AccelerationUnit = Literal["g", "m/s2", "mg", "g/64"]

FASTEST_HZ = 10_000
"""The same as in ``harken.recordings.survey``, which is not imported here because it imports NumPy."""

MOST_SKIPPED = 10**9

_option = partial(Option, panel="When a table is not recognised")
_column = partial(_option, metavar="NAME|N")


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
        gravity_sign: the sign of z when the device lies face up and still. It is ``positive`` for research watches and
            Android, and ``negative`` for Apple's devices. With ``negative``, the signs of all three axes are reversed.
        subject: the wearer; in a file with several people, the person whose rows are read.
        skip_rows: lines to skip before the header (or before the data, if there is no header).
        sample_rate_hz: the rate for a table whose times are missing or not to be used. Times are computed from it. The
            first time in the file, if there is one, is the start.
        sensor_range_g: the sensor's range in g; samples beyond it are marked.

    Raises:
        HarkenError: for a unit or a time zone that does not exist, or an impossible number.
    """

    time_column: Annotated[str | None, _column("The column of times, by name or by number from 1.")] = None
    x_column: Annotated[str | None, _column("The column of x acceleration.")] = None
    y_column: Annotated[str | None, _column("The column of y acceleration.")] = None
    z_column: Annotated[str | None, _column("The column of z acceleration.")] = None
    label_column: Annotated[str | None, _column("The column of labels.")] = None
    subject_column: Annotated[str | None, _column("The column of the wearers' names.")] = None
    time_unit: Annotated[
        TimeUnit | None,
        _option(
            "The unit of times that are numbers.",
            refusal=f"--time-unit {{}}: this unit is not supported; the units are {', '.join(get_args(TimeUnit))}",
        ),
    ] = None
    time_format: Annotated[str | None, _option("The strptime pattern of times that are text.", metavar="PATTERN")] = (
        None
    )
    timezone: Annotated[str | None, _option("The wearer's zone, such as Europe/Athens.", metavar="ZONE")] = None
    acceleration_unit: Annotated[
        AccelerationUnit | None,
        _option(
            "The unit of acceleration.",
            flag="--unit",
            refusal=f"--unit {{}}: this unit is not supported; the units are {', '.join(get_args(AccelerationUnit))}",
        ),
    ] = None
    gravity_sign: Annotated[
        GravitySign | None,
        _option(
            "The sign of z when the device lies face up; Apple's is negative.",
            refusal=f"--gravity-sign {{}}: give {' or '.join(get_args(GravitySign))}",
        ),
    ] = None
    subject: Annotated[
        str | None,
        _option("The wearer's name; for a file of several people, the person whose rows are read.", metavar="NAME"),
    ] = None
    skip_rows: Annotated[
        int,
        _option(
            "Lines to skip at the top.",
            metavar="N",
            valid=lambda rows: 0 <= rows <= MOST_SKIPPED,
            refusal=f"--skip-rows {{}}: give the number of lines to skip, 0 to {MOST_SKIPPED:,}",
        ),
    ] = 0
    sample_rate_hz: Annotated[
        float | None,
        _option(
            "Number the rows at this rate instead of reading times.",
            flag="--rate",
            metavar="HZ",
            valid=lambda rate: 0 < rate <= FASTEST_HZ,
            refusal=f"--rate {{:g}}: give samples per second, up to {FASTEST_HZ:,}",
        ),
    ] = None
    sensor_range_g: Annotated[
        float | None,
        _option(
            "The sensor's range in g; samples beyond it are marked.",
            flag="--sensor-range",
            metavar="G",
            valid=lambda largest: largest > 0,
            refusal="--sensor-range {:g}: give the sensor's range in g, such as 8",
        ),
    ] = None

    def __post_init__(self) -> None:
        check_options(self)
        if self.timezone is not None:
            check_timezone(self.timezone)


def changed(options: TableOptions) -> list[str]:
    """The names of the options that differ from their defaults."""
    return [name for name, value in vars(options).items() if value != getattr(TableOptions, name)]


def check_timezone(name: str) -> None:
    """Raise a HarkenError when ``name`` is not a time zone in the IANA database."""
    import polars as pl  # Python and polars have separate databases

    try:
        ZoneInfo(name)
        pl.Series([], dtype=pl.Datetime).dt.replace_time_zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise HarkenError(f"there is no time zone {name!r}; zones look like Europe/Athens or UTC") from error
