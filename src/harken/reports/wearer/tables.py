"""The tables of the report: the hours, bouts, nights and movement of a recording as text and bars."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import polars as pl

from harken.outcomes.intensity import LEVELS
from harken.outcomes.outcomes import Outcomes
from harken.outcomes.tables import OTHER_WAKING, SLEEP, clock_hours
from harken.reports.caveats import reliable, score_words
from harken.reports.wearer.days import GAP, NO_LABEL, NOT_WORN, CalendarDay, Spells, short_date
from harken.reports.words import Content, clock, hours_minutes, lasting, number, whole_percent
from harken.support.tables import nanoseconds, spans_ns
from harken.windows.known_labels import GROUPS

FormatHours: TypeAlias = Callable[[float | None], str]
"""Hours as text: ``hours_minutes``, or ``minutes_seconds`` for a short recording."""
MOST_LISTED = 1500
"""The largest number of listed bouts. If there are more, only the longest are listed, to keep the page small."""
NIGHT_COLUMNS = ("onset", "wake", "duration", "inactive", "awake", "awakenings", "efficiency")
"""The columns of the table, in the order of the cells of a night."""
NIGHT_MARGIN = 0.14
"""The share of the picture on each side of the bars, in which the times of onset and wake stand."""
MOST_MARKS = 9
STEPS_H = (1, 2, 3, 6)
LEAST_NOTED_MIN = 1.0
LEAST_WORN_H = 3.0
"""With less between all noons, it is no surprise that no night was found."""
ACTIVE = LEVELS[1:]
"""The levels that a bar shows: light, moderate and vigorous."""
LONGEST_BAR = 68.0
"""The longest bar, in per cent of the picture; its number stands beside it."""
MOVEMENT_COLUMNS = {
    "steps": "steps",
    "peak_cadence_30": "peak cadence",
    "minutes_mvpa": "moderate or vigorous",
    "minutes_mvpa_bouts_10": "in 10-min bouts",
    "minutes_vigorous": "vigorous",
    "minutes_light": "light",
    "minutes_inactive": "inactive",
    "enmo_mg": "mean ENMO, mg",
}
"""A column of days and its heading in the table of movement."""
GROUP_COLUMNS = {
    SLEEP: "sleep period",
    "sedentary_hours": "sedentary",
    "on_feet_hours": "on the feet",
    OTHER_WAKING: "otherwise awake",
}
"""A column of days and its heading: the time worn, divided into the sleep period and groups of labels."""
OF_STEPS = ("steps", "peak_cadence_30")
AVERAGES = {"week": "All valid days", "weekdays": "Monday to Friday", "weekend": "Saturday, Sunday"}


def key_figures(
    outcomes: Outcomes, unseen_f1: Mapping[str, float], format_hours: FormatHours = hours_minutes
) -> list[tuple[str, str, str]]:
    """The sleep period, groups that are recognised well, steps, and moderate and vigorous time of an average day, as
    far as they are known: the value in large letters, its name, and a note."""
    figures = []
    week = outcomes.averages.row(0, named=True)
    if week.get(SLEEP):
        figures.append((format_hours(week[SLEEP]), GROUP_COLUMNS[SLEEP], ""))
    for group in GROUPS:
        column = f"{group}_hours"
        if week.get(column) is not None and reliable(group, unseen_f1):
            note = score_words(group, unseen_f1) if unseen_f1 else ""
            figures.append((format_hours(week[column]), GROUP_COLUMNS[column], note))
    if week.get("steps") is not None:
        figures.append((f"{week['steps']:,.0f}", "steps", ""))
    if week.get("minutes_mvpa") is not None:
        figures.append((format_hours(week["minutes_mvpa"] / 60), "moderate or vigorous", ""))
    return figures


def hours_rows(
    days: pl.DataFrame,
    names: tuple[str, ...],
    calendar: list[CalendarDay],
    format_hours: FormatHours = hours_minutes,
    *,
    adjusted: bool = False,
) -> list[Content]:
    """A row for each day, from the columns of ``Timeline.daily``; with ``adjusted``, scaled to a whole day of wear.

    A row has the ``name`` of the day; its ``hours`` of each label, in the order of the page; the ``cells``, these as
    text, followed by those not worn and not recorded; the ``bar``, code, begin and length of each piece in per cent of
    the bar, and its content in ``words``, for readers who cannot see it; the ``day`` of the calendar; and ``notes``.
    """
    prefix = "adjusted_hours_" if adjusted else "hours_"
    return [
        _hours_row(
            day.short,
            values,
            [values.get(prefix + label) for label in names],
            names,
            format_hours,
            rest=not adjusted,
        )
        | {"day": day, "notes": _remarks(values)}
        for day, values in zip(calendar, days.iter_rows(named=True), strict=True)
    ]


def group_rows(
    days: pl.DataFrame,
    averages: pl.DataFrame,
    calendar: list[CalendarDay],
    groups: Mapping[str, str],
    format_hours: FormatHours = hours_minutes,
) -> list[Content]:
    """A row for each day, and one for the mean of the valid days if there are several: its ``name``, and as ``cells``
    the time in each of the ``groups`` (see ``group_columns``), and not worn. Empty without groups."""
    if not groups:
        return []
    named = [(day.short, values) for day, values in zip(calendar, days.iter_rows(named=True), strict=True)]
    if averages["valid_days"][0] > 1:
        named.append(("On average", averages.row(0, named=True)))
    rows = []
    for name, values in named:
        not_worn = max(values["recorded_hours"] - values["wear_hours"], 0.0)
        hours = [*(values[column] for column in groups), not_worn]
        rows.append({"name": name, "cells": list(map(format_hours, hours))})
    return rows


def group_columns(days: pl.DataFrame, *, is_short: bool = False) -> dict[str, str]:
    """The columns of groups in a table of days, with their names on the page; those of labels alone if ``is_short``.
    Empty without acceleration."""
    if SLEEP not in days.columns:
        return {}
    of_a_day = (SLEEP, OTHER_WAKING) if is_short else ()
    return {column: name for column, name in GROUP_COLUMNS.items() if column in days.columns and column not in of_a_day}


def _remarks(values: Content) -> list[str]:
    """What a reader must know of a day or a night: why it is excluded, and its caveat."""
    excluded = [f"excluded: {values['excluded']}"] if values.get("excluded") else []
    return [*excluded, *([values["caveat"]] if values.get("caveat") else [])]


def average_day(
    enough: pl.DataFrame, names: tuple[str, ...], format_hours: FormatHours = hours_minutes
) -> Content | None:
    """The mean over the days with enough wear, as a row without ``day``; None without such a day."""
    if len(enough) == 0:
        return None
    means = enough.select(pl.selectors.numeric()).mean().row(0, named=True)
    busy = {label: means.get(f"busy_hands_hours_{label}") for label in names}
    hours_of_labels = [means.get(f"hours_{label}") for label in names]
    return _hours_row("On average", means, hours_of_labels, names, format_hours, rest=True) | {
        "busy_hands": {label: format_hours(hours) for label, hours in busy.items() if hours}
    }


def _hours_row(
    name: str,
    values: Content,
    hours: list[float | None],
    names: tuple[str, ...],
    format_hours: FormatHours,
    *,
    rest: bool,
) -> Content:
    """The row of a day; with ``rest``, also with the time that was not labelled, not worn and not recorded."""
    length = values["seconds_in_day"] / 3600
    pieces = [(code, value or 0.0) for code, value in enumerate(hours)]
    cells = [format_hours(value) for value in hours]
    if rest:
        off = max(values["recorded_hours"] - values["wear_hours"], 0.0)
        gap = max(length - values["recorded_hours"], 0.0)
        cells += [format_hours(off), format_hours(gap)]
        labelled_h = sum(value for _, value in [*pieces, (NOT_WORN, off), (GAP, gap)])
        pieces += [(NO_LABEL, max(length - labelled_h, 0.0)), (NOT_WORN, off), (GAP, gap)]
    bar, begin = [], 0.0
    for code, value in pieces:
        wide = 100 * value / max(length, 1e-9)
        if wide > 0.005:
            bar.append((code, round(begin, 3), round(wide, 3)))
        begin += wide
    words = ", ".join(f"{label} {cell}" for label, cell in zip(names, cells, strict=False))
    return {"name": name, "hours": hours, "cells": cells, "bar": bar, "words": words, "day": None, "notes": []}


def count_labelled_seconds(bouts: pl.DataFrame, spells: Spells) -> pl.DataFrame:
    """Return the bouts with ``seconds`` without the time that has no label, which ``Timeline.bouts`` includes."""
    unlabelled_s = spells.sums(spells.codes >= len(spells.names), spans_ns(bouts))
    return bouts.with_columns(pl.col("seconds") - pl.Series(unlabelled_s))


def bout_summaries(bouts: pl.DataFrame, names: tuple[str, ...], timezone: str) -> list[Content]:
    """The number of bouts of each label that has any, with the median and the longest duration in seconds."""
    longest_first = bouts.sort("seconds", descending=True, maintain_order=True).with_columns(
        pl.col("start").dt.convert_time_zone(timezone)
    )
    of_labels = longest_first.group_by("label").agg(
        pl.col("start").first(),
        many=pl.len(),
        median=pl.col("seconds").median(),
        longest=pl.col("seconds").first(),
    )
    found = {row["label"]: row for row in of_labels.to_dicts()}
    return [
        {**found[label], "code": code, "when": f"{short_date(found[label]['start'])}, {found[label]['start']:%H:%M}"}
        for code, label in enumerate(names)
        if label in found
    ]


def bouts_by_day(
    bouts: pl.DataFrame, names: tuple[str, ...], days: list[CalendarDay], timezone: str
) -> tuple[list[tuple[CalendarDay, list[Content]]], str]:
    """The listed bouts that begin on each day, and a sentence about those that are not listed.

    A bout has the columns of ``bouts``, with start and end by the wearer's clock, and for the filter ``code``, and
    ``from_ms`` and ``to_ms`` since 1970.
    """
    listed, left_out = bouts, ""
    if len(bouts) > MOST_LISTED:
        least = float(bouts["seconds"].top_k(MOST_LISTED).min())  # type: ignore[arg-type]
        listed = bouts.filter(pl.col("seconds") > least)
        left_out = (
            f"Of {len(bouts):,} bouts the {len(listed):,} that last longer than {lasting(least)} are listed; bouts.csv "
            "has all."
        )
    of_day = np.searchsorted([day.end_ns for day in days], nanoseconds(listed, "start"), side="right")
    codes = {label: code for code, label in enumerate(names)}
    rows = listed.with_columns(
        pl.col("start", "end").dt.convert_time_zone(timezone).dt.strftime("%H:%M:%S"),
        code=pl.col("label").replace_strict(codes, default=-1, return_dtype=pl.Int16),
        from_ms=pl.col("start").dt.epoch("ns") // 10**6,
        to_ms=pl.col("end").dt.epoch("ns") // 10**6,
    ).to_dicts()
    by_day: list[tuple[CalendarDay, list[Content]]] = [(day, []) for day in days]
    for row, at in zip(rows, of_day.tolist(), strict=True):
        by_day[at][1].append(row)
    return [(day, own) for day, own in by_day if own], left_out


def nights_shown(table: pl.DataFrame | None) -> Content | None:
    """The nights of a table of ``harken.outcomes.nights``; None if it has none, and the recording is too short for one.

    Means are those of the complete nights. The mean onset and wake are means of times after the midnight with which the
    date begins, so that 23:30 and 00:30 give midnight.

    Returns:
        ``rows``, each with the ``name`` of the day on whose evening the night begins, ``notes``, the ``cells`` of
        ``NIGHT_COLUMNS``, whether the night is ``complete``, and its ``bar``: begin and length in per cent of the
        picture, None if no night was found; ``mean``, such a row, None with fewer than two complete nights; the number
        of ``complete`` nights; ``marks``, the places of hours; ``spans_ns``, onset and wake in ns since 1970 (UTC).
    """
    if table is None or len(table) == 0:
        return None
    if table["onset"].null_count() == len(table) and (table["window_wear_hours"] < LEAST_WORN_H).all():
        return None
    table = table.with_columns(onset_h=clock_hours("onset"), wake_h=clock_hours("wake"))
    clocked = table.drop_nulls("onset_h")
    first_h, last_h, marks = _night_axis(clocked["onset_h"].to_list(), clocked["wake_h"].to_list())

    def row(name: str, notes: list[str], night: Content, *, complete: bool) -> Content:
        onset_h, wake_h = night["onset_h"], night["wake_h"]
        wide = 100 / (last_h - first_h)
        bar = None
        if onset_h is not None:
            bar = round(wide * (onset_h - first_h), 3), round(wide * (wake_h - onset_h), 3)
        return {"name": name, "notes": notes, "cells": _night_cells(night), "bar": bar, "complete": complete}

    rows = [
        row(short_date(night["date"]), _night_notes(night), night, complete=night["complete"])
        for night in table.iter_rows(named=True)
    ]
    complete, mean = table.filter("complete"), None
    if len(complete) > 1:
        means = complete.select(pl.selectors.numeric()).mean().row(0, named=True)
        mean = row("On average", [], means, complete=True)
    spans = table.drop_nulls("onset").select(pl.col("onset", "wake").dt.epoch("ns"))
    return {"rows": rows, "mean": mean, "complete": len(complete), "marks": marks, "spans_ns": spans.rows()}


def _night_axis(onsets: list[float], wakes: list[float]) -> tuple[float, float, list[tuple[float, str]]]:
    """The first and the last hour of the picture, and the position in per cent and the name of full hours."""
    low = min(onsets, default=22.0)
    high = max(wakes, default=31.0)
    room = NIGHT_MARGIN / (1 - 2 * NIGHT_MARGIN) * (high - low)
    first, last = low - room, high + room
    step = next((step for step in STEPS_H if (last - first) / step <= MOST_MARKS), STEPS_H[-1])
    begin = int(-(-first // step)) * step
    hours = range(begin, int(last) + 1, step)
    return first, last, [(round(100 * (hour - first) / (last - first), 3), f"{hour % 24:02d}") for hour in hours]


def _night_cells(night: Content) -> list[str]:
    if night["onset_h"] is None:
        return ["–"] * len(NIGHT_COLUMNS)
    efficiency = night["efficiency"]
    return [
        clock(night["onset_h"]),
        clock(night["wake_h"]),
        hours_minutes(night["duration_hours"]),
        hours_minutes(night["inactive_minutes"] / 60),
        hours_minutes(night["wake_minutes"] / 60),
        number(night["awakenings"], digits=2),
        "–" if efficiency is None else whole_percent(efficiency),
    ]


def _night_notes(night: Content) -> list[str]:
    if night["onset_h"] is None:
        return [f"no night found; worn {hours_minutes(night['window_wear_hours'])} from noon to noon"]
    notes = _remarks(night)
    if not night["complete"] and not night.get("excluded"):
        notes.append("not complete")
    if night["source"] != "movement":
        notes.append("by the diary")
    for column, words in (("non_wear_minutes", "not worn"), ("gap_minutes", "not recorded")):
        if night[column] >= LEAST_NOTED_MIN:
            notes.append(f"{hours_minutes(night[column] / 60)} {words}")
    by_clock_h = night["wake_h"] - night["onset_h"] - night["duration_hours"]
    if abs(by_clock_h) > 1 / 6:
        notes.append(f"clocks went {'forward' if by_clock_h > 0 else 'back'}")
    return notes


def movement_shown(outcomes: Outcomes, format_hours: FormatHours = hours_minutes) -> Content | None:
    """The movement of each day; None without acceleration. Means are those of ``Outcomes.averages``.

    Returns:
        ``columns``, each the column of the table and its heading; ``rows`` and ``means``, each with ``name``, ``note``,
        ``cells``, the moderate and vigorous time ``mvpa``, ``active``: level, begin and length of each piece of the bar
        in per cent of the picture, and ``steps``, the length of that bar, None if steps are not known; ``limits``, a
        description of the cut-points; and ``has_steps``.
    """
    days, points = outcomes.days, outcomes.rules.cut_points
    if outcomes.movement is None or days["minutes_light"].sum() == 0:
        return None
    has_steps = days["steps"].count() > 0
    columns = [(column, name) for column, name in MOVEMENT_COLUMNS.items() if has_steps or column not in OF_STEPS]
    active_min = days.select(pl.sum_horizontal(f"minutes_{level}" for level in ACTIVE)).to_series().to_numpy()
    most_active = max(float(active_min.max()), 1e-9)
    most_steps = max(float(days["steps"].fill_null(0.0).to_numpy().max()), 1e-9)

    def row(name: str, note: str, values: Content) -> Content:
        active, begin = [], 0.0
        for level in ACTIVE:
            wide = LONGEST_BAR * (values[f"minutes_{level}"] or 0.0) / most_active
            active.append((level, round(begin, 3), round(wide, 3)))
            begin += wide
        steps = values["steps"]
        return {
            "name": name,
            "note": note,
            "active": active,
            "mvpa": format_hours((values["minutes_mvpa"] or 0.0) / 60),
            "steps": None if steps is None else round(LONGEST_BAR * steps / most_steps, 3),
            "cells": [_movement_cell(column, values[column], format_hours) for column, _ in columns],
        }

    rows = []
    for values in days.iter_rows(named=True):
        short = not values["valid_day"] and not values.get("excluded")
        worn = [f"worn {format_hours(values['wear_hours'])}"] if short else []
        note = "; ".join([*worn, *_remarks(values)])
        rows.append(row(short_date(values["date"]), note, values))
    means = [
        row(AVERAGES[values["days_of"]], f"{values['valid_days']}", values)
        for values in outcomes.averages.iter_rows(named=True)
        if values["valid_days"] and len(outcomes.valid_days) > 1
    ]
    light, moderate, vigorous = (f"{limit:g}" for limit in points.limits_mg)
    limits = f"light from {light} mg, moderate from {moderate} mg, vigorous from {vigorous} mg"
    limits = f"{limits} (cut-points {points.name})" if points.published else limits
    return {"columns": columns, "rows": rows, "means": means, "limits": limits, "has_steps": has_steps}


def _movement_cell(column: str, value: float | None, format_hours: FormatHours) -> str:
    if column.startswith("minutes_"):
        return format_hours(None if value is None else value / 60)
    if column == "steps":
        return "–" if value is None else f"{value:,.0f}"
    return number(value, digits=2)
