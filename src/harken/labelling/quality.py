"""The quality of a labelled recording: the content of the file, its mended faults, its preprocessing, and the known
limits of the model that apply to it.

See ``docs/model_card.md`` for the limits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from harken.models.mounting import Mounting
from harken.models.wrist_check import WristCheck
from harken.networks.specification import Specification
from harken.recordings.mending import MendedStream
from harken.recordings.recording import is_made_up, local_time
from harken.reports.wearer.quality import NIGHT_ENDS, NIGHT_STARTS, Gap, Gaps, Limit, LimitKind, RecordingQuality
from harken.signals.gravity import GravityCalibration
from harken.timelines import Timeline

MOST_GAPS_LISTED = 200
STILL_LYING, BUSY_HANDS = "dsads", "wisdm"
"""Names of data sets in a model's provenance. Lying in the first was recorded in a laboratory; the second has eating,
typing and the like."""
HANDS_ARE_OTHER = "other"
"""The label scheme in a model's provenance that labels eating, typing and the like as ``other``. A model file that
names no scheme was trained with this one."""
LEAST_NIGHT_H, LEAST_OTHER_H, LEAST_WORN_H = 0.5, 0.25, 1.0
WALKING_MIN_A_DAY = 5.0
"""Less walking than this in 24 hours worn, or less than a minute in all, is unlikely for most people."""


def quality_of(
    stream: MendedStream,
    timeline: Timeline,
    *,
    file: str,
    sha256: str,
    calibration: GravityCalibration | None,
    non_wear: bool,
    mounting: Mounting | None,
    wrist_check: WristCheck | None,
    training_share: float | None,
    limits: Sequence[Limit] = (),
) -> RecordingQuality:
    """The content of ``quality.json``. Times are in the wearer's time zone; only the 200 longest gaps are listed.

    Args:
        stream: the recording.
        timeline: the timeline of the recording.
        file, sha256: the file and its digest.
        calibration: the calibration of the sensor; None if the settings leave it out, or without acceleration.
        non_wear: whether non-wear was detected.
        mounting: the orientation of the watch on the arm; None as for ``calibration``.
        wrist_check: whether the sensor moved as on a wrist; None if it was not checked.
        training_share: the share of the samples that the model was trained on; None if it was not checked.
        limits: the known limits of the model that apply to this recording.
    """
    quality = stream.quality
    seconds = timeline.seconds
    recorded = timeline.frame["recorded"].to_numpy()
    worn = timeline.frame["wear"].fill_null(False).to_numpy()
    return RecordingQuality(
        file=file,
        sha256=sha256,
        subject=stream.subject,
        made_up=is_made_up(stream.subject),
        placement=quality.placement,
        wrist_check=wrist_check,
        training_share=training_share,
        timezone=stream.timezone,
        start=_time(stream.start_ns, stream.timezone),
        end=_time(stream.end_ns, stream.timezone),
        sample_rate_hz=stream.sample_rate_hz,
        stated_rate_hz=quality.stated_rate_hz,
        rows=quality.rows,
        dropped=quality.dropped,
        backward_times=quality.backward_times,
        gaps=_gaps(stream),
        wear_hours=float(seconds[recorded & worn].sum()) / 3600 if non_wear else None,
        non_wear_hours=float(seconds[recorded & ~worn].sum()) / 3600 if non_wear else None,
        calibration=calibration,
        orientation=mounting,
        sensor_range_g=quality.sensor_range_g,
        out_of_range=quality.out_of_range,
        at_range_end=quality.at_range_end,
        clipped=quality.clipped,
        stuck=quality.stuck,
        missing=quality.missing,
        limits=tuple(limits),
        notes=quality.notes,
    )


def _gaps(stream: MendedStream) -> Gaps:
    lengths = stream.gaps_ns[:, 1] - stream.gaps_ns[:, 0]
    longest = np.sort(np.argsort(-lengths, kind="stable")[:MOST_GAPS_LISTED])
    return Gaps(
        count=len(lengths),
        total_s=float(lengths.sum()) / 1e9,
        longest=tuple(
            Gap(_time(begin, stream.timezone), _time(end, stream.timezone), (end - begin) / 1e9)
            for begin, end in stream.gaps_ns[longest].tolist()
        ),
    )


def _time(time_ns: int, timezone: str) -> datetime:
    """The time to the millisecond, in the wearer's time zone."""
    return local_time(time_ns // 10**6 * 10**6, timezone)


def limits_of(
    timeline: Timeline,
    days: pl.DataFrame,
    *,
    valid_day_h: float,
    specification: Specification,
    provenance: Mapping[str, Any],
) -> list[Limit]:
    """The limits that apply to a recording.

    Args:
        timeline: the timeline from the model, smoothed or not.
        days: the content of ``days.csv``.
        valid_day_h: the hours of wear of a valid day, at least.
        specification, provenance: the specification and provenance of the model.
    """
    trained_on = provenance.get("scores_of_fold_models_on_unseen_people") or {}
    hands_are_other = BUSY_HANDS in trained_on and provenance.get("label_scheme", HANDS_ARE_OTHER) == HANDS_ARE_OTHER
    found = (
        _nights(timeline) if STILL_LYING in trained_on and "lying" in specification.labels else None,
        _busy_hands(timeline) if hands_are_other and "other" in specification.labels else None,
        _little_walking(timeline, days) if "walking" in specification.labels else None,
        _few_valid_days(days, valid_day_h),
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


def _few_valid_days(days: pl.DataFrame, valid_day_h: float) -> Limit | None:
    """The limit of too few valid days; None for a recording that is shorter than a valid day."""
    valid = int(days["valid_day"].sum())
    if valid > 1 or float(days["recorded_hours"].sum()) < valid_day_h:
        return None
    return Limit(LimitKind.FEW_VALID_DAYS, of_hours=valid_day_h, days=valid)
