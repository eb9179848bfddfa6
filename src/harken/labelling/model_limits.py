"""The known limits of a model that apply to a recording, found from its timeline. See ``docs/model_card.md``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from harken.models.mounting import Mounting
from harken.networks.specification import Specification
from harken.reports.wearer.quality import NIGHT_ENDS, NIGHT_STARTS, Limit, LimitKind
from harken.reports.wearer.tables import ENOUGH_WEAR_H
from harken.timelines import Timeline

__all__ = ["limits_of"]

STILL_LYING, HANDS_ARE_OTHER = "dsads", "wisdm"
"""Names of data sets in a model's provenance. Lying in the first was recorded in a laboratory; eating, typing and the
like in the second are labelled ``other``."""
LEAST_NIGHT_H, LEAST_OTHER_H, LEAST_WORN_H = 0.5, 0.25, 1.0
WALKING_MIN_A_DAY = 5.0
"""Less walking than this in 24 hours worn, or less than a minute in all, is unlikely for most people."""


def limits_of(
    timeline: Timeline,
    days: pl.DataFrame,
    mounting: Mounting | None,
    *,
    specification: Specification,
    provenance: Mapping[str, Any],
) -> list[Limit]:
    """The limits that apply to a recording.

    Args:
        timeline: labelled by the model, smoothed or not.
        days: from ``timeline.daily()``.
        mounting: how the watch was worn; None where it was not detected.
        specification, provenance: of the model.
    """
    trained_on = provenance.get("scores_of_fold_models_on_unseen_people") or {}
    found = (
        _nights(timeline) if STILL_LYING in trained_on and "lying" in specification.labels else None,
        _busy_hands(timeline) if HANDS_ARE_OTHER in trained_on and "other" in specification.labels else None,
        _little_walking(timeline, days) if "walking" in specification.labels else None,
        Limit(LimitKind.MOUNTING_UNKNOWN) if mounting is not None and not mounting.known else None,
        _few_valid_days(days),
    )
    return [limit for limit in found if limit is not None]


def _nights(timeline: Timeline) -> Limit | None:
    label = timeline.frame["label"]
    hour = timeline.frame["start"].dt.hour().to_numpy()
    night = ((hour >= NIGHT_STARTS) | (hour < NIGHT_ENDS)) & label.is_not_null().to_numpy()
    hours = float(timeline.seconds[night].sum()) / 3600
    lying = night & np.asarray((label == "lying").fill_null(value=False).to_numpy())
    lying_hours = float(timeline.seconds[lying].sum()) / 3600
    return Limit(LimitKind.NIGHTS, hours=hours, lying_hours=lying_hours) if hours >= LEAST_NIGHT_H else None


def _busy_hands(timeline: Timeline) -> Limit | None:
    hours = timeline.seconds_by_label()["other"] / 3600
    return Limit(LimitKind.BUSY_HANDS, hours=hours) if hours >= LEAST_OTHER_H else None


def _little_walking(timeline: Timeline, days: pl.DataFrame) -> Limit | None:
    worn_h, walking_h = float(days["wear_hours"].sum()), timeline.seconds_by_label()["walking"] / 3600
    enough_h = max(1.0, WALKING_MIN_A_DAY * worn_h / 24) / 60
    if worn_h < LEAST_WORN_H or walking_h >= enough_h:
        return None
    return Limit(LimitKind.LITTLE_WALKING, hours=walking_h, of_hours=worn_h)


def _few_valid_days(days: pl.DataFrame) -> Limit | None:
    """Not for a recording that is shorter than a valid day."""
    valid = int((days["wear_hours"] >= ENOUGH_WEAR_H).sum())
    long_enough = float(days["recorded_hours"].sum()) >= ENOUGH_WEAR_H
    return Limit(LimitKind.FEW_VALID_DAYS, days=valid) if long_enough and valid <= 1 else None
