"""The outcomes of people: their names in words, their values as text, and their distributions as small histograms."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from harken.reports.words import number

Form: TypeAlias = Literal["hours", "clock", "share", "count", "number"]
"""How values are shown: as ``7 h 05 min``, as a time of day, in per cent, as a whole number, or with three digits."""
OUTCOMES: tuple[tuple[str, str, str, Form, str], ...] = (
    ("Wear", "wear_hours", "Worn", "hours", "a day"),
    ("Wear", "valid_days", "Valid days", "count", "days"),
    ("Nights", "nights", "Complete nights", "count", "nights"),
    ("Nights", "night_duration_hours", "Sleep period", "hours", "a night"),
    ("Nights", "night_onset_clock_hours", "Onset", "clock", "by the clock"),
    ("Nights", "night_wake_clock_hours", "Wake", "clock", "by the clock"),
    ("Nights", "night_efficiency", "Efficiency", "share", "of the sleep period"),
    ("Movement", "enmo_mg", "Movement (ENMO)", "number", "mg"),
    ("Movement", "minutes_light", "Light", "number", "minutes a day"),
    ("Movement", "minutes_mvpa", "Moderate and vigorous", "number", "minutes a day"),
    ("Movement", "minutes_mvpa_bouts_10", "The same in bouts of 10 min", "number", "minutes a day"),
    ("Movement", "steps", "Steps", "number", "a day"),
    ("Movement", "peak_cadence_30", "Peak 30-minute cadence", "number", "steps a minute"),
    ("Rhythm", "average_day_l5_mg", "Least active 5 hours", "number", "mg"),
    ("Rhythm", "average_day_m10_mg", "Most active 10 hours", "number", "mg"),
    ("Rhythm", "average_day_relative_amplitude", "Relative amplitude", "number", "0 to 1"),
    ("Rhythm", "interdaily_stability", "Interdaily stability", "number", "0 to 1"),
    ("Rhythm", "intradaily_variability", "Intradaily variability", "number", "0 to about 2"),
)
"""Group, column, title, form and unit of each outcome on the page, besides the hours of each label."""
HOURS, LABELS_AFTER = "hours_", "Wear"
STEPS_OF_HOURS = (1 / 12, 1 / 6, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0)
MOST_BARS, FEWEST_BARS = 24, 6
HALF = 0.5
FINEST = 1e-6
"""The smallest width of a bar, relative to the largest value, and the smallest value for that."""


@dataclass(frozen=True)
class Outcome:
    """A column of the table of people, as it is shown."""

    group: str
    column: str
    title: str
    form: Form
    unit: str


@dataclass(frozen=True)
class Distribution:
    """A histogram over people.

    Attributes:
        outcome: what is counted.
        people: the number of people with a value.
        middle: the median and the quartiles as text; or the value that all of these people share.
        first, last: the ends of the axis as text.
        median: the place of the median, in per cent of the axis.
        bars: for each bar its place, width and height in per cent, and a sentence; empty if all values are the same.
    """

    outcome: Outcome
    people: int
    middle: str
    first: str
    last: str
    median: float
    bars: list[tuple[float, float, float, str]]


def outcomes_of(columns: Iterable[str]) -> list[Outcome]:
    """The outcomes in a table of people, in the order of the page: the hours of each label follow the wear."""
    present = list(columns)
    labels = [
        Outcome("Hours", name, name.removeprefix(HOURS).replace("_", " ").capitalize(), "hours", "a day")
        for name in present
        if name.startswith(HOURS)
    ]
    others = [Outcome(*each) for each in OUTCOMES if each[1] in present]
    wear = [outcome for outcome in others if outcome.group == LABELS_AFTER]
    return [*wear, *labels, *(outcome for outcome in others if outcome not in wear)]


def shown(value: float | None, form: Form) -> str:
    """A value as text; a dash if it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    if form == "hours":
        minutes = round(60 * value)
        return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
    if form == "clock":
        minutes = round(60 * value) % 1440
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{100 * value:.0f} %" if form == "share" else number(value)


def distribution(outcome: Outcome, values: pl.Series) -> Distribution | None:
    """The histogram of an outcome; None if nobody has a value.

    Args:
        outcome: the outcome.
        values: of each person; null where it is not known.
    """
    known = values.drop_nulls().cast(pl.Float64).to_numpy()
    if len(known) == 0:
        return None
    form = outcome.form
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    edges = _edges(known.min(), known.max(), len(known), form)
    inside = HALF if form == "count" else 0.0
    counts, _ = np.histogram(known, edges)
    span, most = edges[-1] - edges[0], counts.max()
    bars = [
        (
            round(100 * (left - edges[0]) / span, 2),
            round(100 * (right - left) / span, 2),
            round(100 * float(count / most), 1),
            f"{_range(left, right, form)}: {count} {'person' if count == 1 else 'people'}",
        )
        for left, right, count in zip(edges[:-1], edges[1:], counts.tolist(), strict=True)
        if count
    ]
    same = known.min() == known.max()
    quartiles = f" ({shown(low, form)} to {shown(high, form)})" if not same else ""
    return Distribution(
        outcome=outcome,
        people=len(known),
        middle=f"{shown(middle, form)}{quartiles}",
        first=shown(edges[0] + inside, form),
        last=shown(edges[-1] - inside, form),
        median=round(100 * (middle - edges[0]) / span, 2),
        bars=[] if same else bars,
    )


def _edges(low: float, high: float, people: int, form: Form) -> Sequence[float]:
    """The edges of bars of a round width."""
    wanted = min(max(math.ceil(math.sqrt(people)), FEWEST_BARS), MOST_BARS)
    least = (high - low) / wanted
    if form in ("hours", "clock"):
        widths = list(STEPS_OF_HOURS)
    else:
        least = max(least or abs(low) / wanted, FINEST * max(abs(low), abs(high), FINEST))
        scale = 10.0 ** math.floor(math.log10(least))
        scale = max(scale, 1.0) if form == "count" else scale
        widths = [scale * factor for factor in (1.0, 2.0, 5.0, 10.0)]
    width = next((each for each in widths if each >= least), widths[-1])
    first = math.floor(low / width)
    if form == "count":  # the edges lie between whole numbers
        return [place * width - HALF for place in range(first, math.floor(high / width) + 2)]
    last = max(math.ceil(high / width - 1e-9), first + 1)
    inner = [place * width for place in range(first + 1, last)]
    return [min(first * width, low), *inner, max(last * width, high)]


def _range(left: float, right: float, form: Form) -> str:
    """What a bar holds."""
    if form == "count":
        first, last = left + HALF, right - HALF
        return f"{first:.0f}" if last <= first else f"{first:.0f} to {last:.0f}"
    return f"{shown(left, form)} to {shown(right, form)}"
