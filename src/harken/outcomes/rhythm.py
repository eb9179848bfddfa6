"""The rhythm of rest and movement over the day: L5, M10, relative amplitude, interdaily stability, and variability; and
the sleep regularity index, from nights.

The measures are those of W. Witting and others, "Alterations in the circadian rest-activity rhythm in aging and
Alzheimer's disease", Biological Psychiatry 27, 1990, and E. J. W. Van Someren and others, "Bright light therapy:
improved sensitivity to its effects on rest-activity rhythms in Alzheimer patients by application of nonparametric
methods", Chronobiology International 16, 1999. They are computed from ENMO while the watch was worn.

The sleep regularity index is that of A. J. K. Phillips and others, "Irregular sleep/wake patterns are associated with
poorer academic performance and delayed circadian and sleep/wake timing", Scientific Reports 7:3216, 2017. Missing time
is left out as in GGIR, and by D. P. Windred and others, "Objective assessment of sleep regularity in 60 000 UK Biobank
participants using an open-source package", Sleep 44(12), 2021, with the R package sleepreg.
"""

from collections.abc import Collection, Sequence
from datetime import date

import numpy as np
import polars as pl

from harken.support.arrays import Float64Array, Int64Array, is_in_spans
from harken.support.tables import where_known
from harken.timelines.calendar import DAY_NS, wall_ns

REST_MIN, ACTIVE_MIN = 300, 600
"""The lengths of L5 and M10."""
LEAST_WORN = 0.8
"""The share of a stretch of L5 or M10 in which the watch must have been worn."""
LEAST_HOUR_WORN = 0.5
"""The same, of an hour for stability and variability."""
DAYS_FOR_LEVELS = 3
"""The valid days that L5, M10 and the relative amplitude of the average day need."""
DAYS_FOR_VARIABILITY = 3
"""The valid days that intradaily variability needs."""
DAYS_FOR_STABILITY = 5
"""The valid days that interdaily stability needs. Movement at random has a stability of 1 / days."""
PAIRS_FOR_SLEEP_REGULARITY = 5
"""The pairs of nights that the sleep regularity index needs: sleepreg needs five days of compared minutes."""
LEAST_COMPARED_MIN = 16 * 60
"""The known minutes of two nights that are compared, as in GGIR (``includenightcrit``)."""
LEAST_MINUTE_WORN_S = 30
"""A minute is known if the watch was worn for half of it."""
DAY_MIN = 1440
MINUTE_NS = DAY_NS // DAY_MIN
HOURS = 24


def _minutes(movement: pl.DataFrame, days: Sequence[date]) -> tuple[pl.Series, Float64Array, Float64Array]:
    """ENMO by minute of the wearer's clock: the dates; sums of ENMO times seconds in mg s, and the seconds worn,
    float64 ``[days, 1440]`` each."""
    movement = movement.filter(pl.col("start").dt.date().is_in(list(days)))
    start_ns = wall_ns(movement["start"])
    numbers, day = np.unique(start_ns // DAY_NS, return_inverse=True)
    dates = pl.Series(numbers.astype(np.int32)).cast(pl.Date)
    place = day * DAY_MIN + start_ns % DAY_NS // MINUTE_NS
    worn = movement["wear"].fill_null(False)
    worn_s = np.where(worn, movement["valid_s"].to_numpy(), 0).astype(np.float64)
    enmo_mg = movement["enmo_mg"].fill_null(0.0).to_numpy()

    def summed(values: Float64Array) -> Float64Array:
        sums = np.bincount(place, weights=values, minlength=len(dates) * DAY_MIN)
        return sums.astype(np.float64).reshape(-1, DAY_MIN)

    return dates, summed(enmo_mg * worn_s), summed(worn_s)


def day_rhythm(movement: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """The stretches of least and most movement within each calendar day.

    Args:
        movement: the result of ``movement_table``.
        days: the days with enough wear.

    Returns:
        One row for each of these days with rows of movement: ``date``; ``l5_mg``, ``l5_start`` (``HH:MM``): the mean
        ENMO of the five hours with the least movement, and when they begin; ``m10_mg``, ``m10_start``: the same of the
        ten hours with the most; ``relative_amplitude``: their difference divided by their sum. All but the date are
        null where no stretch was worn for 80 % of its length.
    """
    dates, sums, worn_s = _minutes(movement, days)
    return pl.DataFrame({"date": dates, **_levels(sums, worn_s)})


def rhythm(movement: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """The rhythm of a recording, from its days with enough wear.

    The average day is the mean ENMO of each minute by the clock. ``l5_mg``, ``l5_start``, ``m10_mg``, ``m10_start`` and
    ``relative_amplitude`` are those of ``day_rhythm`` for the average day, in which a stretch may go over midnight.

    ``interdaily_stability`` is the share of the variance of hourly means that the hour of the day explains: 1 if all
    days are the same. ``intradaily_variability`` is the mean squared difference between one hour and the next, divided
    by the variance of hourly means: near 0 for a smooth day, 2 for movement at random. Hours in which the watch was
    worn for less than half of the time are left out.

    Args:
        movement: the result of ``movement_table``.
        days: the days with enough wear.

    Returns:
        One row with ``valid_days`` and the measures. A measure with too few days (``DAYS_FOR_LEVELS``,
        ``DAYS_FOR_VARIABILITY``, ``DAYS_FOR_STABILITY``) is null.
    """
    dates, every_sum, every_worn_s = _minutes(movement, days)
    count = len(dates)
    sums = every_sum.sum(axis=0, keepdims=True)
    worn_s = every_worn_s.sum(axis=0, keepdims=True)
    # The mean of each minute, and whether it is known: all known minutes weigh the same.
    mean = np.divide(sums, worn_s, out=np.zeros_like(sums), where=worn_s > 0)
    known = (worn_s > 0) & (count >= DAYS_FOR_LEVELS)
    after_midnight = ((0, 0), (0, ACTIVE_MIN - 1))
    around = np.pad(60 * mean, after_midnight, mode="wrap")
    known_s = np.pad(60.0 * known, after_midnight, mode="wrap")
    hourly = _hourly(every_sum, every_worn_s)
    stability = _stability(hourly) if count >= DAYS_FOR_STABILITY else None
    variability = _variability(hourly, dates) if count >= DAYS_FOR_VARIABILITY else None
    return pl.DataFrame(
        {
            "valid_days": [count],
            **_levels(around, known_s),
            "interdaily_stability": [stability],
            "intradaily_variability": [variability],
        },
        schema_overrides={"interdaily_stability": pl.Float64, "intradaily_variability": pl.Float64},
    )


def sleep_regularity(
    movement: pl.DataFrame, nights: pl.DataFrame, excluded_days: Collection[date] = ()
) -> pl.DataFrame:
    """The sleep regularity index: how often the wearer is in the same state, asleep or awake, at times 24 hours apart.

    The 24 hours from noon of each complete night are compared with those of the next night, minute by minute by the
    wearer's clock. The index is 200 times the share of minutes in the same state, minus 100: 100 if all days are the
    same, near 0 at random, -100 if each day is the opposite of the one before.

    Asleep is the time from onset to wake of a complete night. Wake after onset therefore counts as asleep, and a nap
    outside the night as awake.

    Both minutes must be known. A minute is known if the watch was worn for half of it, its day is not excluded, and it
    is not in the sleep period of a night that is not complete. If the clock shows a minute twice, both are one minute;
    a minute that the clock skips is unknown. Two nights with fewer than ``LEAST_COMPARED_MIN`` known minutes are not
    compared.

    Args:
        movement: the result of ``movement_table``.
        nights: the result of ``harken.outcomes.nights.nights``, with ``complete`` false for excluded nights. Its times,
            and those of ``movement``, may also be those of the wearer's clock without a zone.
        excluded_days: the days that do not count.

    Returns:
        One row with ``sleep_regularity_index``, null with fewer than ``PAIRS_FOR_SLEEP_REGULARITY`` pairs of nights;
        and ``sleep_regularity_pairs``, the number of pairs that are compared.
    """
    found = nights.drop_nulls(["onset", "wake"])
    complete = found.filter("complete").sort("date")
    noons_ns = complete["date"].cast(pl.Datetime("ns")).to_physical().to_numpy() + DAY_NS // 2
    middle_ns = noons_ns[:, None] + np.arange(DAY_MIN) * MINUTE_NS + MINUTE_NS // 2
    asleep = is_in_spans(middle_ns, _wall_spans_ns(complete))
    doubtful = is_in_spans(middle_ns, _wall_spans_ns(found.filter(~pl.col("complete"))))
    counted = movement.filter(~pl.col("start").dt.date().is_in(list(excluded_days)))
    known = (_worn_s(counted, noons_ns) >= LEAST_MINUTE_WORN_S) & ~doubtful
    next_night = np.diff(noons_ns) == DAY_NS
    compared = known[:-1] & known[1:] & next_night[:, None]
    enough = compared.sum(axis=1) >= LEAST_COMPARED_MIN
    pairs = int(enough.sum())
    index = None
    if pairs >= PAIRS_FOR_SLEEP_REGULARITY:
        same = asleep[:-1] == asleep[1:]
        index = 200 * float(same[compared & enough[:, None]].mean()) - 100
    columns = {"sleep_regularity_index": [index], "sleep_regularity_pairs": [pairs]}
    return pl.DataFrame(columns, schema_overrides={"sleep_regularity_index": pl.Float64})


def _wall_spans_ns(nights: pl.DataFrame) -> Int64Array:
    """What the clock shows at onset and wake of each night, int64 ``[k, 2]``."""
    return np.stack([wall_ns(nights["onset"]), wall_ns(nights["wake"])], axis=1)


def _worn_s(movement: pl.DataFrame, noons_ns: Int64Array) -> Float64Array:
    """The seconds worn in each minute by the clock of the 24 hours from each noon, float64 ``[noons, 1440]``.

    Args:
        movement: the result of ``movement_table``.
        noons_ns: what the clock shows then, in order and a day or more apart.
    """
    worn = movement.filter(pl.col("wear").fill_null(False))
    start_ns = wall_ns(worn["start"])
    window = np.searchsorted(noons_ns, start_ns, side="right") - 1
    since_ns = start_ns - np.append(noons_ns, 0)[window]
    inside = (window >= 0) & (since_ns < DAY_NS)
    place = window[inside] * DAY_MIN + since_ns[inside] // MINUTE_NS
    seconds = worn["valid_s"].to_numpy()[inside].astype(np.float64)
    summed = np.bincount(place, weights=seconds, minlength=len(noons_ns) * DAY_MIN)
    return summed.astype(np.float64).reshape(-1, DAY_MIN)


def _levels(sums: Float64Array, worn_s: Float64Array) -> dict[str, pl.Series]:
    """The columns of L5, M10 and the relative amplitude, from the minutes of some days, ``[days, minutes]``.

    A stretch begins within the first 1440 minutes. The columns are null where no stretch was worn for long enough.
    """
    rest, rest_start = _extreme(sums, worn_s, REST_MIN, sign=1)
    active, active_start = _extreme(sums, worn_s, ACTIVE_MIN, sign=-1)
    total = rest + active
    unknown = np.full(len(rest), np.nan)
    amplitude = np.divide(active - rest, total, out=unknown, where=total > 0)
    columns = {}
    for name, mean, start in (("l5", rest, rest_start), ("m10", active, active_start)):
        clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in start.tolist()]
        shown = pl.Series(clock, dtype=pl.String)
        known = pl.Series(np.isfinite(mean))
        columns[f"{name}_mg"] = pl.Series(mean, nan_to_null=True)
        columns[f"{name}_start"] = where_known(shown, known)
    return columns | {"relative_amplitude": pl.Series(amplitude, nan_to_null=True)}


def _extreme(sums: Float64Array, worn_s: Float64Array, length: int, *, sign: int) -> tuple[Float64Array, Int64Array]:
    """The least (``sign`` 1) or largest (-1) mean of a stretch of so many minutes in each row, and the minute at which
    it begins; NaN where no stretch was worn for long enough."""
    first = np.arange(min(sums.shape[1] - length + 1, DAY_MIN))

    def within(values: Float64Array) -> Float64Array:
        from_zero = np.pad(values, ((0, 0), (1, 0)))
        until = np.cumsum(from_zero, axis=1)
        return until[:, first + length] - until[:, first]

    worn_in = within(worn_s)
    unworn = np.full(worn_in.shape, np.inf)
    mean = np.divide(within(sums), worn_in, out=unworn, where=worn_in > 0)
    searched = np.where(worn_in >= LEAST_WORN * 60 * length, sign * mean, np.inf)
    start = searched.argmin(axis=1)
    found = sign * np.take_along_axis(searched, start[:, None], axis=1)[:, 0]
    return np.where(np.isfinite(found), found, np.nan), start


def _hourly(sums: Float64Array, worn_s: Float64Array) -> Float64Array:
    """The mean ENMO of each hour by the clock, ``[days, 24]``; NaN where the watch was worn for less than half."""
    sums, worn_s = (each.reshape(-1, HOURS, 60).sum(axis=2) for each in (sums, worn_s))
    mean: Float64Array = np.divide(
        sums, worn_s, out=np.full(sums.shape, np.nan), where=worn_s >= LEAST_HOUR_WORN * 3600
    )
    return mean


def _stability(hourly: Float64Array) -> float | None:
    """The variance between the means of the hours of the day, divided by the variance of all hours."""
    known = np.isfinite(hourly)
    mean = hourly[known].mean() if known.any() else 0
    away = np.where(known, hourly, 0) - np.where(known, mean, 0)
    total = float((away**2).sum())
    counts = known.sum(axis=0)
    of_hours = away.sum(axis=0) ** 2 / np.maximum(counts, 1)
    between = float(of_hours.sum())
    return between / total if total > 0 else None


def _variability(hourly: Float64Array, dates: pl.Series) -> float | None:
    """The mean squared difference between neighbouring hours, divided by the variance of all hours."""
    known = hourly[np.isfinite(hourly)]
    days_since = dates.diff().dt.total_days().fill_null(1).to_numpy()
    new_day = np.flatnonzero(days_since > 1)
    parts = np.split(hourly, new_day)
    steps = np.concatenate([np.diff(part.reshape(-1)) for part in parts])
    steps = steps[np.isfinite(steps)]
    if len(steps) == 0 or known.var() == 0:
        return None
    return float((steps**2).mean() / known.var())
