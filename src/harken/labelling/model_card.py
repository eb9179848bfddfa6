"""The model card in three lines, and the known limits of a model that apply to a recording.

See ``docs/model_card.md``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from harken.networks.specification import Specification
from harken.reports.wearer.quality import NIGHT_ENDS, NIGHT_STARTS, Limit, LimitKind
from harken.reports.wearer.tables import ENOUGH_WEAR_H
from harken.timelines import Timeline

__all__ = ["limits_of", "model_card"]


STILL_LYING, HANDS_ARE_OTHER = "dsads", "wisdm"
"""Names of data sets in a model's provenance. Lying in the first was recorded in a laboratory; eating, typing and the
like in the second are labelled ``other``."""
LEAST_NIGHT_H, LEAST_OTHER_H, LEAST_WORN_H = 0.5, 0.25, 1.0
WALKING_MIN_A_DAY = 5.0
"""Less walking than this in 24 hours worn, or less than a minute in all, is unlikely for most people."""


def model_card(specification: Specification, provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """The three lines, from the model file's specification and provenance."""
    people = provenance.get("training_people") or []
    trained = f", trained on {len(people)} {'person' if len(people) == 1 else 'people'}" if people else ""
    summary = (
        f"A recogniser of {', '.join(specification.labels)} ({specification.preset}), from windows of "
        f"{specification.window_length_s:.3g} s at {specification.sample_rate_hz:.3g} Hz{trained}."
    )
    unseen = _unseen(provenance)
    if specification.calibrated_on == "unseen":
        calibration = "Its probabilities were calibrated on unseen people. "
    else:
        calibration = "Its probabilities were not calibrated on unseen people, and may be too high. "
    limits = "Not for decisions about anybody's health; activities that it was not trained on get one of its labels."
    return summary, unseen, calibration + limits


def _unseen(provenance: Mapping[str, Any]) -> str:
    scores = provenance.get("scores_of_fold_models_on_unseen_people")
    if isinstance(scores, Mapping) and scores:
        listed = ", ".join(f"{float(score):.2f} in {name.upper()}" for name, score in sorted(scores.items()))
        return f"Models trained in the same way, on unseen people: mean of each person's macro F1 {listed}."
    # The scores of an adapted model are those of its weights before the adaptation.
    own = None if "adaptation" in provenance else provenance.get("scores")
    tested = own.get("cross_people") if isinstance(own, Mapping) else None
    if isinstance(tested, Mapping) and tested.get("people"):
        count, mean = len(tested["people"]), float(tested["mean_person_macro_f1"])
        if count == 1:
            return (
                f"On the one unseen person of its test: macro F1 {mean:.2f}. One person is not enough for a conclusion."
            )
        return f"On the {count} unseen people of its test: mean of each person's macro F1 {mean:.2f}."
    return "Its file has no scores on unseen people: harken evaluate measures them."


def limits_of(
    timeline: Timeline,
    days: pl.DataFrame,
    *,
    specification: Specification,
    provenance: Mapping[str, Any],
) -> list[Limit]:
    """The limits that apply to a recording.

    Args:
        timeline: the timeline from the model, smoothed or not.
        days: the result of ``timeline.daily()``.
        specification, provenance: the specification and provenance of the model.
    """
    trained_on = provenance.get("scores_of_fold_models_on_unseen_people") or {}
    found = (
        _nights(timeline) if STILL_LYING in trained_on and "lying" in specification.labels else None,
        _busy_hands(timeline) if HANDS_ARE_OTHER in trained_on and "other" in specification.labels else None,
        _little_walking(timeline, days) if "walking" in specification.labels else None,
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
    """The limit of too few valid days; None for a recording that is shorter than a valid day."""
    valid = int((days["wear_hours"] >= ENOUGH_WEAR_H).sum())
    long_enough = float(days["recorded_hours"].sum()) >= ENOUGH_WEAR_H
    return Limit(LimitKind.FEW_VALID_DAYS, days=valid) if long_enough and valid <= 1 else None
