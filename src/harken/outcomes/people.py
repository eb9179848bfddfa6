"""One row for each person of a study, from the days and the nights of all files of the person."""

import polars as pl

PARTS_OF_THE_WEEK = {"": "all valid days", "weekdays_": "Monday to Friday", "weekend_": "Saturday and Sunday"}
"""The prefixes of columns with averages, and the valid days that they cover."""
CLOCK = ("onset", "wake", "midpoint")
"""Columns of nights with times of day."""
OF_NIGHTS = (
    "duration_hours",
    "inactive_minutes",
    "wake_minutes",
    "awakenings",
    "efficiency",
    "non_wear_minutes",
    "gap_minutes",
)
"""Columns of nights that are averaged as they are."""
NOT_AVERAGED = "seconds_in_day"
PERSON = "subject"


def with_one_file_a_date(days: pl.DataFrame) -> pl.DataFrame:
    """The days of each person, each date once: from the file in which the watch was worn longest on that date.

    Args:
        days: the days of all files, with the columns ``subject``, ``date`` and ``wear_hours``.

    Returns:
        Some of the rows, sorted by person and date.
    """
    return _first_of(days, by=["wear_hours"], each=[PERSON, "date"])


def with_one_file_a_night(nights: pl.DataFrame) -> pl.DataFrame:
    """The nights of each person, each date once: a complete night before others, then the one with the most wear.

    Args:
        nights: the nights of all files, with the columns ``subject``, ``date``, ``complete`` and ``window_wear_hours``.

    Returns:
        Some of the rows, sorted by person and date.
    """
    return _first_of(nights, by=["complete", "window_wear_hours"], each=[PERSON, "date"])


def people_table(days: pl.DataFrame, nights: pl.DataFrame | None, rhythms: pl.DataFrame | None) -> pl.DataFrame:
    """One row for each person.

    The columns are

    - ``subject``; ``files``; ``days``, the dates with samples; ``total_recorded_hours``, ``total_wear_hours``;
    - for each of ``PARTS_OF_THE_WEEK`` the number of valid days, and over them the mean of each column of numbers of
      ``days``; null without a valid day or a value;
    - with nights, ``nights``, the number of complete nights, and means over these: ``night_onset_clock_hours``,
      ``night_wake_clock_hours`` and ``night_midpoint_clock_hours`` in hours since the midnight that begins the night's
      ``date`` (25.5 is half past one), and the columns of ``nights`` that are amounts, with ``night_`` before their
      name;
    - the columns of ``rhythms``, those of the average day with ``average_day_`` before their name.

    Args:
        days: the days of all files: the columns of ``days.csv``, with ``name``, the file's folder, and ``subject``.
        nights: the nights of all files: the columns of ``nights.csv``, with ``subject``; ``onset``, ``wake`` and
            ``midpoint`` as datetimes by the wearer's clock, without zone. None without acceleration.
        rhythms: the result of ``harken.outcomes.rhythm.rhythm`` of each person, with ``subject``; None likewise.
    """
    chosen = with_one_file_a_date(days)
    valid = chosen.filter(pl.col("valid_day").fill_null(False))
    weekend = pl.col("date").dt.weekday() > 5
    parts = dict(zip(PARTS_OF_THE_WEEK, (valid, valid.filter(~weekend), valid.filter(weekend)), strict=True))
    table = (
        days.group_by(PERSON)
        .agg(pl.col("name").n_unique().alias("files"))
        .sort(PERSON)
        .join(
            chosen.group_by(PERSON).agg(
                pl.len().alias("days"), pl.col("recorded_hours", "wear_hours").sum().name.prefix("total_")
            ),
            on=PERSON,
        )
    )
    for prefix, part in parts.items():
        count = f"{prefix}valid_days"
        table = _joined(table, _averages(part, prefix)).with_columns(pl.col(count).fill_null(0))
    if nights is not None:
        with_movement = [*nights[PERSON], *(() if rhythms is None else rhythms[PERSON])]
        none = pl.col("nights").is_null() & pl.col(PERSON).is_in(with_movement)
        table = _joined(table, _of_nights(nights)).with_columns(
            pl.when(none).then(0).otherwise(pl.col("nights")).alias("nights")
        )
    if rhythms is not None:
        plain = (PERSON, "interdaily_stability", "intradaily_variability")
        others = [name for name in rhythms.columns if name not in (*plain, "valid_days")]
        table = _joined(table, rhythms.select(PERSON, pl.col(others).name.prefix("average_day_"), *plain[1:]))
    return table.sort(PERSON)


def _first_of(table: pl.DataFrame, *, by: list[str], each: list[str]) -> pl.DataFrame:
    """The row with the largest values, of the rows with the same values of ``each``."""
    ordered = table.sort(by, descending=True, nulls_last=True, maintain_order=True)
    return ordered.unique(each, keep="first", maintain_order=True).sort(each)


def _joined(table: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return table.join(others, on=PERSON, how="left", maintain_order="left")


def _averages(days: pl.DataFrame, prefix: str) -> pl.DataFrame:
    numbers = [name for name, kind in days.schema.items() if kind.is_numeric() and name != NOT_AVERAGED]
    return days.group_by(PERSON).agg(pl.len().alias(f"{prefix}valid_days"), pl.col(numbers).mean().name.prefix(prefix))


def _of_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """The means over the complete nights of each person with any."""
    complete = with_one_file_a_night(nights).filter("complete")
    midnight = pl.col("date").cast(pl.Datetime("ns"))
    hours = [
        ((pl.col(name) - midnight).dt.total_milliseconds() / 3.6e6).mean().alias(f"night_{name}_clock_hours")
        for name in CLOCK
    ]
    return complete.group_by(PERSON).agg(
        pl.len().alias("nights"), *hours, pl.col(*OF_NIGHTS).mean().name.prefix("night_")
    )
