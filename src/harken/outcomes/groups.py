"""Groups of labels, and the hours of a day by the sleep period and by group, as the field reports a day.

At a wrist, lying and sitting are often confused with each other, but seldom with standing or walking. A group is
therefore recognised better than its labels (``docs/model_card.md`` has the scores of both).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl

from harken.outcomes.nights import sure_nights
from harken.outcomes.tables import label_columns
from harken.support.arrays import Float64Array, Int64Array
from harken.support.tables import spans_ns
from harken.timelines import Timeline
from harken.timelines.calendar import parts_by_day

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sedentary": ("lying", "sitting"),
        "on_feet": ("standing", "walking", "stairs", "running"),
    }
)
"""The labels of each group. No label is in two groups."""
SLEEP, OTHER_WAKING = "sleep_period_hours", "other_waking_hours"


def groups_of(labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The groups of a model with these labels: those of which it knows every label.

    >>> from harken.outcomes.groups import groups_of
    >>> groups_of(["lying", "sitting", "walking"])
    {'sedentary': ('lying', 'sitting')}
    """
    known = set(labels)
    return {group: members for group, members in GROUPS.items() if known.issuperset(members)}


def day_groups(timeline: Timeline, nights: pl.DataFrame) -> pl.DataFrame:
    """The time worn on each day with samples, divided into the sleep period and groups of labels outside of it.

    Each row has ``date``; ``sleep_period_hours``, the time worn in the sleep periods of ``sure_nights``;
    ``GROUP_hours`` for each of ``groups_of``, the time with one of its labels outside of sleep periods; and
    ``other_waking_hours``, the remaining time worn. These hours add up to ``wear_hours``.

    Args:
        timeline: the timeline.
        nights: the result of ``harken.outcomes.nights.nights``.
    """
    days = timeline.quarters.days()
    _, day, *parts_ns = parts_by_day(sleep_periods_ns(nights), days.edges_ns)
    groups = groups_of(timeline.labels)
    group_of = {label: group for group, members in groups.items() for label in members}
    label = pl.col("label").replace_strict(group_of, default=None, return_dtype=pl.String)
    grouped = timeline.frame.with_columns(label)
    whole, asleep = (
        label_columns(grouped, list(groups), edges) for edges in (days.edges_ns, np.stack(parts_ns, axis=1))
    )

    def in_nights(column: str) -> Float64Array:
        summed = np.bincount(day, asleep[column].to_numpy(), len(days.frame))
        return summed.astype(np.float64)

    columns = {SLEEP: in_nights("wear_hours")}
    for group in groups:
        column = f"hours_{group}"
        columns[f"{group}_hours"] = whole[column].to_numpy() - in_nights(column)
    columns[OTHER_WAKING] = whole["wear_hours"].to_numpy() - np.sum(list(columns.values()), axis=0)
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
