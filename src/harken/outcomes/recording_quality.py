"""The quality of a labelled recording, which is the content of ``quality.json``: the content of the file, its mended
faults, its preprocessing, and the known limits of the model that apply to it.

See ``docs/model_card.md`` for the limits.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from harken.mounting.turns import FACTS, Mounting
from harken.mounting.wrist_check import Answer, WristCheck
from harken.recordings.fingerprints import training_warning
from harken.recordings.recording import BrokenAxis, Placement, list_broken_axes, local_time, warnings_of
from harken.signals.gravity import GravityCalibration
from harken.support.arrays import Int64Array, lengths_of
from harken.support.errors import HarkenError
from harken.support.files import Json, write_text
from harken.timelines import Timeline

NIGHT_STARTS, NIGHT_ENDS = 23, 6
"""Hours of the day in the wearer's time zone."""
MOST_GAPS_LISTED = 200
ADVICE = "label the recording again"
STILL_LYING, BUSY_HANDS = "dsads", "wisdm"
"""Names of data sets in a model's provenance. Lying in the first was recorded in a laboratory; the second has eating,
typing and the like."""
HANDS_ARE_OTHER = "other"
"""The label scheme in a model's provenance that labels eating, typing and the like as ``other``. A model file that
names no scheme was trained with this one."""
LEAST_NIGHT_H, LEAST_OTHER_H, LEAST_WORN_H = 0.5, 0.25, 1.0
WALKING_MIN_A_DAY = 5.0
"""Less walking than this in 24 hours worn, or less than a minute in all, is unlikely for most people."""
CALIBRATION = (
    *("applied", "reason", "error_before_mg", "error_after_mg", "blocks_used"),
    *("offset_g", "gain", "temperature_slope", "temperature_mean"),
)
"""The fields of a calibration in the order of ``quality.json``."""
OF_THE_FILE = (
    *("placement", "stated_rate_hz", "rows", "dropped", "backward_times", "sensor_range_g"),
    *("out_of_range", "at_range_end", "clipped", "stuck", "broken", "broken_axes", "missing", "notes"),
)
"""The fields that are those of ``harken.Quality``."""


@dataclass(frozen=True)
class Gap:
    """A stretch without samples, from the sample before it to the sample after it; see ``to_millisecond``."""

    start: str
    end: str
    seconds: float


class GapSummary(msgspec.Struct, frozen=True, rename={"total_s": "total", "longest": "list"}):
    """All gaps of a recording. In JSON, two of the names are shorter.

    Attributes:
        count: the number of gaps.
        total_s: their total duration in seconds.
        longest: the longest gaps, in order of time.
    """

    count: int
    total_s: float
    longest: tuple[Gap, ...]

    @classmethod
    def of(cls, gaps_ns: Int64Array, timezone: str) -> "GapSummary":
        """Of gaps from a sample to the next, int64 ``[k, 2]`` in ns since 1970 (UTC); only the 200 longest are listed,
        in the wearer's time zone."""
        lengths = lengths_of(gaps_ns)
        longest = np.sort(np.argsort(-lengths, kind="stable")[:MOST_GAPS_LISTED])
        listed = [
            Gap(to_millisecond(begin, timezone), to_millisecond(end, timezone), (end - begin) / 1e9)
            for begin, end in gaps_ns[longest].tolist()
        ]
        return cls(len(lengths), float(lengths.sum()) / 1e9, tuple(listed))


class LimitKind(StrEnum):
    """The kinds of limits.

    ``nights``: the training data for lying are of people who lay still and awake. ``busy_hands``: the model labels work
    of the hands as ``other``. ``little_walking``: the model found less walking than most people walk.
    ``few_valid_days``: at most one day was worn long enough.
    """

    NIGHTS = "nights"
    BUSY_HANDS = "busy_hands"
    LITTLE_WALKING = "little_walking"
    FEW_VALID_DAYS = "few_valid_days"


class Limit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A limit of the labels of a recording, with the amounts for its kind; the other amounts are None.

    Attributes:
        kind: the kind of limit.
        hours: hours labelled at night, hours labelled ``other``, or hours of walking, depending on the kind.
        of_hours: hours worn, which include the ``hours`` of walking; or the hours of wear that a valid day needs.
        lying_hours: the part of the ``hours`` at night that is labelled ``lying``.
        days: the number of days that were worn long enough.
    """

    kind: LimitKind
    hours: float | None = None
    of_hours: float | None = None
    lying_hours: float | None = None
    days: int | None = None


@dataclass(frozen=True, kw_only=True)
class RecordingQuality:
    """The content of a file, its mended faults, and its preprocessing, in the order of ``quality.json``.

    Attributes:
        file, sha256: the file and its digest.
        subject: the wearer.
        made_up: whether ``harken simulate`` made the recording.
        placement: the place of the sensor, from the file or the user.
        wrist_check: whether the sensor moved as on a wrist; None if it was not checked.
        training_share: the share of the samples that the model was trained on; None if it was not checked.
        timezone: the wearer's time zone (an IANA name).
        start, end: the start and end of the recording, see ``to_millisecond``.
        sample_rate_hz: samples per second, from the times of the samples.
        stated_rate_hz: the rate in the file; None if the file has none.
        clock_drift: the rate from the times divided by the stated rate; None if the file states no rate.
        rows: rows in the file.
        dropped: rows that are not in the recording, by reason.
        backward_times: rows whose time was before that of the row above.
        gaps: stretches without samples.
        wear_hours, non_wear_hours: hours worn and not worn; None if non-wear was not detected.
        calibration: the calibration of the sensor by gravity; None if it was not calibrated.
        orientation: the orientation of the watch on the arm; None if it was not detected.
        sensor_range_g: the range of the sensor; None if it is not known.
        out_of_range, at_range_end, clipped, stuck, broken, missing: samples, as in
            ``harken.recordings.recording.Quality``.
        broken_axes: the axes of the sensor that are broken in all of the recording or a part of it.
        unseen_f1: the F1 of each label and group of the model on people whom it was not trained on
            (``harken.models.scores.unseen_f1``); empty if it is not known.
        limits: the known limits of the model that apply to this recording.
        notes: notes of the reader and the mending, a sentence each.
    """

    file: str
    sha256: str
    subject: str
    made_up: bool
    placement: Placement
    wrist_check: WristCheck | None
    training_share: float | None
    timezone: str
    start: str
    end: str
    sample_rate_hz: float
    stated_rate_hz: float | None
    clock_drift: float | None = field(init=False)
    rows: int
    dropped: Mapping[str, int]
    backward_times: int
    gaps: GapSummary
    wear_hours: float | None
    non_wear_hours: float | None
    calibration: GravityCalibration | None
    orientation: Mounting | None
    sensor_range_g: float | None
    out_of_range: int
    at_range_end: int
    clipped: int
    stuck: int
    broken: int
    broken_axes: tuple[BrokenAxis, ...]
    missing: int
    unseen_f1: Mapping[str, float]
    limits: tuple[Limit, ...]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        drift = self.sample_rate_hz / self.stated_rate_hz if self.stated_rate_hz else None
        object.__setattr__(self, "clock_drift", drift)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that a person must read before the labels: broken axes, those of
        ``harken.recordings.recording.warnings_of``, whether the model was trained on this recording, and on a wrist
        whether its orientation on the arm is unknown."""
        elsewhere = self.wrist_check is not None and self.wrist_check.answer is Answer.ELSEWHERE
        warnings = warnings_of(
            self.placement, sample_rate_hz=self.sample_rate_hz, made_up=self.made_up, moves_elsewhere=elsewhere
        )
        on_a_wrist = self.placement is Placement.WRIST or (self.placement is Placement.UNKNOWN and not elsewhere)
        mounting = self.orientation.warning if self.orientation is not None and on_a_wrist else None
        found = (training_warning(self.training_share), mounting)
        broken = list_broken_axes(self.broken_axes, samples=self.rows)
        return (*broken, *warnings, *(warning for warning in found if warning is not None))

    def as_dict(self) -> Json:
        """The content of ``quality.json``. A calibration error that is not known is NaN, and null in JSON."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        content |= {name: content[name] and content[name].as_dict() for name in ("wrist_check", "orientation")}
        if self.calibration is not None:
            content["calibration"] = {name: getattr(self.calibration, name) for name in CALIBRATION}
        plain: Json = msgspec.json.decode(msgspec.json.encode(content, enc_hook=lambda array: array.tolist()))
        return plain

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "RecordingQuality":
        """The inverse of ``as_dict``.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: when the content is not the result of ``as_dict``.
        """
        calibration, mounting, parts = content["calibration"], content["orientation"], {}
        if calibration is not None:
            parts["calibration"] = {name: math.nan if part is None else part for name, part in calibration.items()}
        if mounting is not None:
            parts["orientation"] = {
                **{name: mounting[name] for name in ("source", "moments", *FACTS)},
                "turn": [mounting["turned_degrees"] // 45, mounting["gravity_reversed"]],
                "recognised": list(mounting["recognised_after_degrees"].values()),
                "probable": list(mounting["probability_after_degrees"].values()),
            }
        return msgspec.convert({**content, **parts}, cls, dec_hook=lambda _, numbers: np.array(numbers))


def write_quality(path: Path, quality: RecordingQuality) -> None:
    """Write ``quality.json``.

    Raises:
        OSError: when it cannot be written.
    """
    write_text(path, json.dumps(quality.as_dict(), indent=2, allow_nan=False) + "\n")


def parse_quality(content: bytes, *, path: Path) -> RecordingQuality:
    """Parse the content of a ``quality.json``.

    Args:
        content: the content.
        path: the file, for errors.

    Raises:
        HarkenError: when ``write_quality`` did not write it.
    """
    try:
        return RecordingQuality.from_dict(msgspec.json.decode(content))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise HarkenError(f"was not written by harken ({error}); {ADVICE}", path=path, colon=False) from error


def to_millisecond(time_ns: int, timezone: str) -> str:
    """A time as in ISO 8601, to the millisecond, by the wearer's clock and with its offset from UTC."""
    return local_time(time_ns, timezone).isoformat(timespec="milliseconds")


def known_limits(labels: Sequence[str], provenance: Mapping[str, Any]) -> Iterator[LimitKind]:
    """The limits that the labels of a model have, from the provenance in its file."""
    trained_on = provenance.get("scores_of_fold_models_on_unseen_people") or {}
    if STILL_LYING in trained_on and "lying" in labels:
        yield LimitKind.NIGHTS
    hands_are_other = provenance.get("label_scheme", HANDS_ARE_OTHER) == HANDS_ARE_OTHER
    if BUSY_HANDS in trained_on and hands_are_other and "other" in labels:
        yield LimitKind.BUSY_HANDS


def limits_of(
    timeline: Timeline, days: pl.DataFrame, known: Sequence[LimitKind], *, valid_day_h: float
) -> Iterator[Limit]:
    """The limits that apply to a recording. A recording that is shorter than a valid day can have few valid days.

    Args:
        timeline: the timeline from the model, smoothed or not.
        days: the content of ``days_all.parquet``.
        known: the ``known_limits`` of the model.
        valid_day_h: the hours of wear of a valid day, at least.
    """
    label = timeline.frame["label"]
    if LimitKind.NIGHTS in known:
        hour = timeline.frame["start"].dt.hour()
        night = ((hour >= NIGHT_STARTS) | (hour < NIGHT_ENDS)) & label.is_not_null()
        night_h, lying_h = (timeline.lasting_s(rows) / 3600 for rows in (night, night & (label == "lying")))
        if night_h >= LEAST_NIGHT_H:
            yield Limit(LimitKind.NIGHTS, hours=night_h, lying_hours=lying_h)
    other_h, walking_h = (timeline.lasting_s(label == name) / 3600 for name in ("other", "walking"))
    if LimitKind.BUSY_HANDS in known and other_h >= LEAST_OTHER_H:
        yield Limit(LimitKind.BUSY_HANDS, hours=other_h)
    worn_h = float(days["wear_hours"].sum())
    enough_h = max(1.0, WALKING_MIN_A_DAY * worn_h / 24) / 60
    if "walking" in timeline.labels and worn_h >= LEAST_WORN_H and walking_h < enough_h:
        yield Limit(LimitKind.LITTLE_WALKING, hours=walking_h, of_hours=worn_h)
    valid = int((days["wear_hours"] >= valid_day_h).sum())
    if valid <= 1 and float(days["recorded_hours"].sum()) >= valid_day_h:
        yield Limit(LimitKind.FEW_VALID_DAYS, of_hours=valid_day_h, days=valid)
