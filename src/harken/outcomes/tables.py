"""The tables of outcomes: per day, hour and named segment, the hours of groups of labels, the averages over days, and
one row for each person of a study, from the days and the nights of all files of the person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes.intensity import BOUT_MINUTES, LEVELS
from harken.outcomes.movement_rows import row_spans_ns
from harken.outcomes.nights import sure_nights
from harken.outcomes.segments import Segment
from harken.outcomes.taught import Taught
from harken.support.arrays import BoolArray, Float64Array, Int64Array, lengths_of, sums_in
from harken.support.tables import spans_ns, times, zone_of
from harken.timelines import Timeline
from harken.timelines.calendar import Quarters, Stretches, moments_ns, parts_by_day
from harken.windows.known_labels import list_groups

PERSON = "subject"
NO_VALID_DAY = "no valid day"
"""Why a person without a valid day is not included."""
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
REGULARITY = ("interdaily_stability", "intradaily_variability", "sleep_regularity_index", "sleep_regularity_pairs")
"""Columns of a rhythm that compare days, and are not those of the average day."""

LONGEST_NIGHT_H = 13.0
LEAST_MOVEMENT_H = 2.0
LONG_NIGHT = f"a night longer than {LONGEST_NIGHT_H:g} hours"
"""The caveat at a night: few people sleep so long; the watch may have been off, or the wearer ill."""
NO_STEP = f"a day without a step beside {LEAST_MOVEMENT_H:g} hours or more of movement"
"""The caveat at a day: the sensor may not have been on a wrist, or walking was not recognised."""

SLEEP, OTHER_WAKING = "sleep_period_hours", "other_waking_hours"

Columns: TypeAlias = dict[str, pl.Series]


def movement_columns(movement: pl.DataFrame, edges_ns: Int64Array) -> Columns:
    """Sums of the rows of movement over each stretch.

    - ``enmo_mg``: the mean over the time worn; null without any;
    - ``minutes_LEVEL`` for each of ``LEVELS``;
    - ``minutes_mvpa``: moderate and vigorous together;
    - ``minutes_mvpa_bouts_N`` for each of ``BOUT_MINUTES``: the moderate and vigorous minutes in bouts of at least so
      many minutes;
    - ``steps``: footsteps; null if they are unknown.

    Args:
        movement: the result of ``with_steps`` and ``with_intensity``.
        edges_ns: where each stretch begins and ends, int64 ``[n, 2]``.
    """
    rows_ns = row_spans_ns(movement)
    level = movement["level"].fill_null(-1).to_numpy()
    valid_s = movement["valid_s"].to_numpy().astype(np.float64)

    def summed(values: NDArray[np.generic]) -> Float64Array:
        return sums_in(edges_ns, rows_ns, values)

    def minutes(chosen: BoolArray) -> Float64Array:
        return summed(np.where(chosen, valid_s, 0)) / 60

    worn = minutes(level >= 0)
    enmo_mg = movement["enmo_mg"].fill_null(0.0).to_numpy()
    enmo = np.where(level >= 0, enmo_mg * valid_s, 0)
    weighted = summed(enmo) / 60
    unworn = np.full(len(worn), np.nan)
    mean = np.divide(weighted, worn, out=unworn, where=worn > 0)
    columns = {"enmo_mg": pl.Series(mean, nan_to_null=True)}
    columns |= {f"minutes_{name}": pl.Series(minutes(level == code)) for code, name in enumerate(LEVELS)}
    columns["minutes_mvpa"] = columns["minutes_moderate"] + columns["minutes_vigorous"]
    for length in BOUT_MINUTES:
        in_bouts = movement[f"mvpa_bout_{length}"].to_numpy()
        columns[f"minutes_mvpa_bouts_{length}"] = pl.Series(minutes(in_bouts))
    steps = pl.Series(summed(movement["steps"].fill_null(0.0).to_numpy()))
    return columns | {"steps": steps if movement["steps"].count() else steps.clear(len(steps))}


def label_columns(rows: pl.DataFrame, names: Sequence[str], edges_ns: Int64Array) -> Columns:
    """``recorded_hours``, ``wear_hours`` and ``hours_LABEL`` of each stretch, from the rows of a timeline."""
    rows_ns = spans_ns(rows)
    lengths_ns = lengths_of(rows_ns)

    def hours_of(chosen: pl.Series) -> pl.Series:
        lasting = np.where(chosen.fill_null(False).to_numpy(), lengths_ns, 0)
        return pl.Series(sums_in(edges_ns, rows_ns, lasting) / 3.6e12)

    recorded = rows["recorded"]
    columns = {"recorded_hours": hours_of(recorded), "wear_hours": hours_of(recorded & rows["wear"].fill_null(False))}
    return columns | {f"hours_{name}": hours_of(rows["label"] == name) for name in names}


def day_columns(movement: pl.DataFrame) -> pl.DataFrame:
    """``date``, and ``movement_columns`` of each day on which there are rows of movement.

    Args:
        movement: the result of ``with_intensity``.
    """
    days = Quarters.of(row_spans_ns(movement), zone_of(movement["start"])).days()
    return days.frame.with_columns(**movement_columns(movement, days.edges_ns))


def day_groups(timeline: Timeline, nights: pl.DataFrame) -> pl.DataFrame:
    """The time worn on each day with samples, divided into the sleep period and groups of labels outside of it.

    Each row has ``date``; ``sleep_period_hours``, the time worn in the sleep periods of ``sure_nights``;
    ``GROUP_hours`` for each of ``list_groups``, the time with one of its labels outside of sleep periods; and
    ``other_waking_hours``, the remaining time worn. These hours add up to ``wear_hours``.

    Args:
        timeline: the timeline.
        nights: the result of ``harken.outcomes.nights.nights``.
    """
    days = timeline.quarters.days()
    _, day, *parts_ns = parts_by_day(sleep_periods_ns(nights), days.edges_ns)
    groups = list_groups(timeline.labels)
    group_of = {label: group for group, members in groups.items() for label in members}
    label = pl.col("label").replace_strict(group_of, default=None, return_dtype=pl.String)
    grouped = timeline.frame.with_columns(label)
    asleep_ns = np.stack(parts_ns, axis=1)
    whole = label_columns(grouped, list(groups), days.edges_ns)
    asleep = label_columns(grouped, list(groups), asleep_ns)

    def in_nights(column: str) -> Float64Array:
        summed = np.bincount(day, asleep[column].to_numpy(), len(days.frame))
        return summed.astype(np.float64)

    columns = {SLEEP: in_nights("wear_hours")}
    for group in groups:
        column = f"hours_{group}"
        columns[f"{group}_hours"] = whole[column].to_numpy() - in_nights(column)
    in_groups = np.sum(list(columns.values()), axis=0)
    columns[OTHER_WAKING] = whole["wear_hours"].to_numpy() - in_groups
    # Differences of sums may be less than 0 by a rounding error.
    found = {name: pl.Series(np.maximum(hours, 0.0)) for name, hours in columns.items()}
    return days.frame.with_columns(**found)


def sleep_periods_ns(nights: pl.DataFrame) -> Int64Array:
    """Onset and wake of each of ``sure_nights``, int64 ``[k, 2]``, ns since 1970 (UTC), in order and without overlap:
    two nights of a diary may overlap."""
    sure = sure_nights(nights).sort("onset")
    onset_ns, wake_ns = spans_ns(sure, "onset", "wake").T
    latest_ns = np.maximum.accumulate(wake_ns)
    later_ns = np.maximum(onset_ns[1:], latest_ns[:-1])
    onset_ns = np.concatenate([onset_ns[:1], later_ns])
    return np.stack([onset_ns, wake_ns], axis=1)


def over_stretches(
    timeline: Timeline, movement: pl.DataFrame | None, stretches: Stretches, days: pl.DataFrame
) -> pl.DataFrame:
    """One row for each stretch of time in which there are samples.

    The columns are those of the stretches, of ``label_columns``, with ``movement`` of ``movement_columns``, and
    ``valid_day``: whether its ``date`` is a valid day.

    Args:
        timeline: the timeline.
        movement: the result of ``with_intensity``; None without acceleration.
        stretches: the stretches, for example ``Quarters.hours``.
        days: has the columns ``date`` and ``valid_day``, one row per day.
    """
    columns = label_columns(timeline.frame, timeline.names, stretches.edges_ns)
    if movement is not None:
        columns |= movement_columns(movement, stretches.edges_ns)
    table = stretches.frame.with_columns(**columns).filter(pl.col("recorded_hours") > 0)
    valid = days.select("date", "valid_day")
    return table.join(valid, on="date", how="left", maintain_order="left").with_columns(
        pl.col("valid_day").fill_null(False)
    )


def with_day_caveat(days: pl.DataFrame) -> pl.DataFrame:
    """Days with the column ``caveat``: ``NO_STEP`` on a day without a step and with at least ``LEAST_MOVEMENT_H`` that
    were not inactive; else null, as without the columns of movement."""
    if "steps" not in days.columns:
        return days.with_columns(caveat=pl.lit(None, dtype=pl.String))
    moved_h = (pl.col("minutes_light") + pl.col("minutes_mvpa")) / 60
    doubtful = (pl.col("steps") < 1) & (moved_h >= LEAST_MOVEMENT_H)
    return days.with_columns(caveat=pl.when(doubtful).then(pl.lit(NO_STEP)))


def with_night_caveat(nights: pl.DataFrame) -> pl.DataFrame:
    """Nights with the column ``caveat``: ``LONG_NIGHT`` for more than ``LONGEST_NIGHT_H``, else null."""
    too_long = pl.col("duration_hours") > LONGEST_NIGHT_H
    return nights.with_columns(caveat=pl.when(too_long).then(pl.lit(LONG_NIGHT)))


def averages(days: pl.DataFrame) -> pl.DataFrame:
    """Means over the valid days, over those from Monday to Friday, and over those on Saturday and Sunday.

    Args:
        days: a table of days with the columns ``date`` and ``valid_day``.

    Returns:
        Three rows with the columns ``days_of`` (``week``, ``weekdays`` or ``weekend``), ``valid_days`` (their number),
        and the mean of each column of numbers of ``days``; null without a valid day or a value.
    """
    return pl.concat(
        part.select(pl.lit(name).alias("days_of"), pl.len().alias("valid_days"), _numbers(days).mean())
        for name, part in _parts_of_the_week(days).items()
    )


def _parts_of_the_week(days: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The valid days: all, those from Monday to Friday, and those on Saturday and Sunday."""
    valid = days.filter(pl.col("valid_day").fill_null(False))
    weekend = pl.col("date").dt.weekday() > 5
    return {"week": valid, "weekdays": valid.filter(~weekend), "weekend": valid.filter(weekend)}


def _numbers(days: pl.DataFrame) -> pl.Expr:
    """The columns that are averaged."""
    numeric = [name for name, kind in days.schema.items() if kind.is_numeric()]
    return pl.col([name for name in numeric if name != "seconds_in_day"])


def people_table(
    days: pl.DataFrame,
    nights: pl.DataFrame | None,
    rhythms: pl.DataFrame | None,
    why_not: Mapping[str, str] | None = None,
    caveats: Mapping[str, str] | None = None,
    taught: Mapping[str, Taught] | None = None,
    files: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """One row for each person.

    The columns are

    - ``subject``; ``included``, whether the person counts among the people of the study; ``why_not``, the reason, null
      for those who are; ``caveats``; ``files``; if somebody taught, ``TaughtColumns``; ``days``, the dates with
      samples; ``total_recorded_hours``, ``total_wear_hours``;
    - for all valid days, those from Monday to Friday (``weekdays_``) and those on Saturday and Sunday (``weekend_``),
      ``valid_days``, their number, and over them the mean of each column of numbers of
      ``days``; null without a valid day or a value;
    - with nights, ``nights``, the number of complete nights, and means over these: ``night_onset_clock_hours``,
      ``night_wake_clock_hours`` and ``night_midpoint_clock_hours`` in hours since the midnight that begins the night's
      ``date`` (25.5 is half past one), and the columns of ``nights`` that are amounts, with ``night_`` before their
      name;
    - the columns of ``rhythms``, those of the average day with ``average_day_`` before their name.

    Args:
        days: the days of all people, each date of a person once: the columns of ``days_all.parquet``, with ``name``,
            the folder of results, and ``subject``.
        nights: the nights of all people, likewise: the columns of ``nights.csv``, with ``subject``; ``onset``, ``wake``
            and ``midpoint`` as datetimes by the wearer's clock, without zone. None without acceleration.
        rhythms: the results of ``harken.outcomes.rhythm.rhythm`` and ``sleep_regularity`` of each person, with
            ``subject``; None likewise.
        why_not: why a person is not included, by subject. Who has no valid day is not included, either.
        caveats: the kinds of doubt about a person's results, by subject.
        taught: what people taught, by subject.
        files: the number of files of people who have several, by subject.
    """
    # In the order of their dates, the means do not depend on the order of the files, to the last bit.
    chosen = days.sort(PERSON, "date")
    number = pl.col(PERSON).replace_strict(files or {}, default=1, return_dtype=pl.UInt32)
    table = chosen.select(PERSON).unique(maintain_order=True).with_columns(files=number)
    totals = pl.col("recorded_hours", "wear_hours").sum().name.prefix("total_")
    if taught:
        rows = [{PERSON: subject, **of_person.as_columns()} for subject, of_person in taught.items()]
        table = _joined(table, pl.DataFrame(rows, infer_schema_length=None))
    table = _joined(table, chosen.group_by(PERSON).agg(pl.len().alias("days"), totals))
    for name, part in _parts_of_the_week(chosen).items():
        prefix = "" if name == "week" else f"{name}_"
        means = part.group_by(PERSON).agg(pl.len().alias("valid_days"), _numbers(days).mean())
        table = _joined(table, means.select(PERSON, pl.exclude(PERSON).name.prefix(prefix)))
        table = table.with_columns(pl.col(f"{prefix}valid_days").fill_null(0))
    if nights is not None:
        with_movement = set(nights[PERSON])
        if rhythms is not None:
            with_movement |= set(rhythms[PERSON])
        none = pl.col("nights").is_null() & pl.col(PERSON).is_in(with_movement)
        count = pl.when(none).then(0).otherwise(pl.col("nights"))
        table = _joined(table, _of_nights(nights)).with_columns(nights=count)
    if rhythms is not None:
        others = [name for name in rhythms.columns if name not in (PERSON, "valid_days", *REGULARITY)]
        of_average_day = pl.col(others).name.prefix("average_day_")
        table = _joined(table, rhythms.select(PERSON, of_average_day, *REGULARITY))
    return _with_who_counts(table, why_not or {}, caveats or {}).sort(PERSON)


def _with_who_counts(table: pl.DataFrame, why_not: Mapping[str, str], caveats: Mapping[str, str]) -> pl.DataFrame:
    """A table of people with ``included``, ``why_not`` and ``caveats``. Who has no valid day is not included."""
    given, doubts = (
        pl.col(PERSON).replace_strict(words, default=None, return_dtype=pl.String) for words in (why_not, caveats)
    )
    no_day = pl.when(pl.col("valid_days") == 0).then(pl.lit(NO_VALID_DAY))
    reason = pl.coalesce(given, no_day)
    first = (PERSON, reason.is_null().alias("included"), reason.alias("why_not"), doubts.alias("caveats"))
    return table.select(*first, pl.exclude(PERSON))


def _joined(table: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return table.join(others, on=PERSON, how="left", maintain_order="left")


def _of_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """The means over the complete nights of each person with any."""
    complete = nights.filter("complete").sort(PERSON, "date")
    columns = [pl.len().alias("nights")]
    columns += [clock_hours(name).mean().alias(f"night_{name}_clock_hours") for name in CLOCK]
    columns.append(pl.col(*OF_NIGHTS).mean().name.prefix("night_"))
    return complete.group_by(PERSON).agg(columns)


def clock_hours(name: str) -> pl.Expr:
    """A column of times as hours by the clock since the midnight that begins ``date``."""
    clock = pl.col(name).dt.replace_time_zone(None)
    midnight = pl.col("date").cast(pl.Datetime("ns"))
    return (clock - midnight).dt.total_milliseconds() / 3.6e6


def segment_stretches(segments: Sequence[Segment], days: Iterable[date], *, subject: str, timezone: str) -> Stretches:
    """The stretches of all segments that begin on these days or on the day before one of them.

    Args:
        segments: the segments.
        days: the days with samples.
        subject: the wearer; segments of other wearers are left out.
        timezone: the wearer's zone.

    Returns:
        Stretches with the columns ``segment``, ``date`` (on which it begins), ``start`` and ``end``, in the order of
        ``start``. If the clock shows the time of an edge twice, a segment begins at the first and ends at the second.
        If the clock skips it, the edge is where clocks change.
    """
    mine = [segment for segment in segments if segment.subject in (None, subject)]
    every = sorted({day - timedelta(days=before) for day in days for before in (0, 1)})
    pairs = [(segment, day) for day in every for segment in mine if segment.falls_on(day)]
    clock = [segment.on_clock(day) for segment, day in pairs]
    columns = {
        "segment": pl.Series([segment.name for segment, _ in pairs], dtype=pl.String),
        "date": pl.Series([day for _, day in pairs], dtype=pl.Date),
        "start": times(_moments_ns([start for start, _ in clock], timezone, second=False), timezone),
        "end": times(_moments_ns([end for _, end in clock], timezone, second=True), timezone),
    }
    frame = pl.DataFrame(columns).sort("start", maintain_order=True)
    return Stretches(frame, spans_ns(frame))


def _moments_ns(clock: list[datetime], timezone: str, *, second: bool) -> Int64Array:
    """When the clock shows these times, in ns since 1970 (UTC); see ``segment_stretches``."""
    wall = pl.Series(clock, dtype=pl.Datetime("ns"))
    moments = moments_ns(wall, timezone, second=second)
    while moments.null_count():  # clocks change to the first quarter of an hour that they do not skip
        wall = wall.dt.truncate("15m") + timedelta(minutes=15)
        moments = moments.zip_with(moments.is_not_null(), moments_ns(wall, timezone))
    return moments.to_numpy()
