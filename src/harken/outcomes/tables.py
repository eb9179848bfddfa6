"""The tables of outcomes: per day, hour and named segment, and the averages over days."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes.intensity import BOUT_MINUTES, LEVELS
from harken.outcomes.movement_rows import ROW_NS
from harken.outcomes.segments import Stretches, by_clock, sums_in
from harken.support.tables import nanoseconds

ENOUGH_WEAR_H = 16.0
"""The hours of wear of a valid day, as in GGIR and as is usual in studies of physical activity."""

Columns: TypeAlias = dict[str, pl.Series]


def movement_columns(movement: pl.DataFrame, stretches: Stretches) -> Columns:
    """Sums of the rows of movement over each stretch.

    - ``enmo_mg``: the mean over the time worn; null without any;
    - ``minutes_LEVEL`` for each of ``LEVELS``;
    - ``minutes_mvpa``: moderate and vigorous together;
    - ``minutes_mvpa_bouts_N`` for each of ``BOUT_MINUTES``: the moderate and vigorous minutes in bouts of at least so
      many minutes;
    - ``steps``: footsteps; null if they are unknown.

    Args:
        movement: the result of ``with_steps`` and ``with_intensity``.
        stretches: the stretches.
    """
    start_ns = nanoseconds(movement, "start")
    level = movement["level"].fill_null(-1).to_numpy()
    valid_s = movement["valid_s"].to_numpy().astype(np.float64)

    def minutes(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        return sums_in(stretches, start_ns, start_ns + ROW_NS, np.where(chosen, valid_s, 0)) / 60

    worn = minutes(level >= 0)
    enmo = np.where(level >= 0, movement["enmo_mg"].fill_null(0.0).to_numpy() * valid_s, 0)
    weighted = sums_in(stretches, start_ns, start_ns + ROW_NS, enmo) / 60
    mean = np.divide(weighted, worn, out=np.full(len(worn), np.nan), where=worn > 0)
    columns = {"enmo_mg": pl.Series(mean, nan_to_null=True)}
    columns |= {f"minutes_{name}": pl.Series(minutes(level == code)) for code, name in enumerate(LEVELS)}
    columns["minutes_mvpa"] = columns["minutes_moderate"] + columns["minutes_vigorous"]
    for length in BOUT_MINUTES:
        columns[f"minutes_mvpa_bouts_{length}"] = pl.Series(minutes(movement[f"mvpa_bout_{length}"].to_numpy()))
    steps = movement["steps"].fill_null(0.0).to_numpy().astype(np.float64)
    known = pl.Series([movement["steps"].count() > 0] * len(stretches), dtype=pl.Boolean)
    summed = pl.Series(sums_in(stretches, start_ns, start_ns + ROW_NS, steps))
    return columns | {"steps": summed.zip_with(known, pl.Series([None], dtype=pl.Float64))}


def label_columns(rows: pl.DataFrame, names: Sequence[str], stretches: Stretches) -> Columns:
    """``recorded_hours``, ``wear_hours`` and ``hours_LABEL`` of each stretch, from the rows of a timeline."""
    start_ns, end_ns = nanoseconds(rows, "start"), nanoseconds(rows, "end")

    def hours_of(chosen: pl.Series) -> pl.Series:
        lasting = np.where(chosen.fill_null(False).to_numpy(), end_ns - start_ns, 0)
        return pl.Series(sums_in(stretches, start_ns, end_ns, lasting) / 3.6e12)

    recorded = rows["recorded"]
    columns = {"recorded_hours": hours_of(recorded), "wear_hours": hours_of(recorded & rows["wear"].fill_null(False))}
    return columns | {f"hours_{name}": hours_of(rows["label"] == name) for name in names}


def day_columns(movement: pl.DataFrame, *, timezone: str) -> pl.DataFrame:
    """``date``, and ``movement_columns`` of each day on which there are rows of movement.

    Args:
        movement: the result of ``with_intensity``.
        timezone: the wearer's zone.
    """
    start_ns = nanoseconds(movement, "start")
    days = by_clock(start_ns, start_ns + ROW_NS, timezone=timezone, every="day")
    return days.frame.with_columns(**movement_columns(movement, days))


def hours(rows: pl.DataFrame, names: Sequence[str], movement: pl.DataFrame | None, *, timezone: str) -> pl.DataFrame:
    """One row for each hour by the wearer's clock in which there are samples.

    The columns are ``date``, ``start``, those of ``label_columns`` and, with ``movement``, of ``movement_columns``. An
    hour that occurs twice, where clocks go back, has two rows; one that clocks skip has none.

    Args:
        rows: the rows of a timeline.
        names: the labels.
        movement: the result of ``with_intensity``; None without acceleration.
        timezone: the wearer's zone.
    """
    recorded = rows.filter("recorded")
    start_ns, end_ns = nanoseconds(recorded, "start"), nanoseconds(recorded, "end")
    return over_stretches(rows, names, movement, by_clock(start_ns, end_ns, timezone=timezone, every="hour"))


def over_stretches(
    rows: pl.DataFrame, names: Sequence[str], movement: pl.DataFrame | None, stretches: Stretches
) -> pl.DataFrame:
    """The table of some stretches with ``label_columns`` and ``movement_columns``; only stretches with samples.

    Args:
        rows, names, movement: as for ``hours``.
        stretches: the stretches.
    """
    columns = label_columns(rows, names, stretches)
    if movement is not None:
        columns |= movement_columns(movement, stretches)
    return stretches.frame.with_columns(**columns).filter(pl.col("recorded_hours") > 0)


def with_valid_day(table: pl.DataFrame, days: pl.DataFrame, valid_day_h: float) -> pl.DataFrame:
    """A table with the column ``valid_day``: whether the watch was worn long enough on its ``date``.

    Args:
        table: has a column ``date``.
        days: has the columns ``date`` and ``wear_hours``, one row per day.
        valid_day_h: the hours of wear of a valid day, at least.
    """
    valid = days.select("date", valid_day=pl.col("wear_hours") >= valid_day_h)
    return table.join(valid, on="date", how="left", maintain_order="left").with_columns(
        pl.col("valid_day").fill_null(False)
    )


def averages(days: pl.DataFrame) -> pl.DataFrame:
    """Means over the valid days, over those from Monday to Friday, and over those on Saturday and Sunday.

    Args:
        days: a table of days with the columns ``date`` and ``valid_day``.

    Returns:
        Three rows with the columns ``days_of`` (``week``, ``weekdays`` or ``weekend``), ``valid_days`` (their number),
        and the mean of each column of numbers of ``days``; null without a valid day or a value.
    """
    valid = days.filter("valid_day")
    weekend = pl.col("date").dt.weekday() > 5
    groups = {"week": valid, "weekdays": valid.filter(~weekend), "weekend": valid.filter(weekend)}
    numbers = [name for name, kind in days.schema.items() if kind.is_numeric() and name != "seconds_in_day"]
    return pl.concat(
        group.select(pl.lit(name).alias("days_of"), pl.len().alias("valid_days"), pl.col(numbers).mean())
        for name, group in groups.items()
    )
