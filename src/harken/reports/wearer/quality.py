"""The quality of a recording: the typed content of ``quality.json``, and its writer and reader."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from harken.models.mounting import Mounting, MountingSource
from harken.models.wrist_check import Answer, WristCheck
from harken.recordings.fingerprints import training_warning
from harken.recordings.recording import Placement, warnings_of
from harken.signals.gravity import GravityCalibration
from harken.support.errors import HarkenError
from harken.support.files import write_text

NIGHT_STARTS, NIGHT_ENDS = 23, 6
"""Hours of the day in the wearer's time zone."""


@dataclass(frozen=True)
class Gap:
    """A stretch without samples, from the sample before it to the sample after it."""

    start: datetime
    end: datetime
    seconds: float


@dataclass(frozen=True)
class Gaps:
    """All gaps of a recording.

    Attributes:
        count: the number of gaps.
        total_s: their total duration in seconds.
        longest: the longest gaps, in order of time.
    """

    count: int
    total_s: float
    longest: tuple[Gap, ...]


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


@dataclass(frozen=True)
class Limit:
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

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class RecordingQuality:
    """The content of a file, its mended faults, and its preprocessing.

    Attributes:
        file, sha256: the file and its digest.
        subject: the wearer.
        made_up: whether ``harken simulate`` made the recording.
        placement: the place of the sensor, from the file or the user.
        wrist_check: whether the sensor moved as on a wrist; None if it was not checked.
        training_share: the share of the samples that the model was trained on; None if it was not checked.
        timezone: the wearer's time zone (an IANA name).
        start, end: the start and end of the recording, in that zone, to the millisecond.
        sample_rate_hz: samples per second, from the times of the samples.
        stated_rate_hz: the rate in the file; None if the file has none.
        rows: rows in the file.
        dropped: rows that are not in the recording, by reason.
        backward_times: rows whose time was before that of the row above.
        gaps: stretches without samples.
        wear_hours, non_wear_hours: hours worn and not worn; None if non-wear was not detected.
        calibration: the calibration of the sensor by gravity; None if it was not calibrated.
        orientation: the orientation of the watch on the arm; None if it was not detected.
        sensor_range_g: the range of the sensor; None if it is not known.
        out_of_range, at_range_end, clipped, stuck, missing: samples, as in ``harken.recordings.recording.Quality``.
        limits: the known limits of the model that apply to this recording.
        notes: notes of the reader and the mending, a sentence each.
    """

    file: str
    sha256: str
    subject: str
    made_up: bool
    placement: Placement
    wrist_check: WristCheck | None
    timezone: str
    start: datetime
    end: datetime
    sample_rate_hz: float
    stated_rate_hz: float | None
    rows: int
    dropped: Mapping[str, int]
    backward_times: int
    gaps: Gaps
    wear_hours: float | None
    non_wear_hours: float | None
    calibration: GravityCalibration | None
    orientation: Mounting | None
    sensor_range_g: float | None
    out_of_range: int
    at_range_end: int
    clipped: int
    stuck: int
    missing: int
    limits: tuple[Limit, ...]
    notes: tuple[str, ...]
    training_share: float | None = None  # a folder of an earlier version has none

    @property
    def clock_drift(self) -> float | None:
        """The rate from the times divided by the stated rate; None if the file states no rate."""
        return self.sample_rate_hz / self.stated_rate_hz if self.stated_rate_hz else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that a person must read before the labels: those of ``harken.recordings.recording.warnings_of``,
        whether the model was trained on this recording, and on a wrist whether its orientation on the arm is
        unknown."""
        elsewhere = self.wrist_check is not None and self.wrist_check.answer is Answer.ELSEWHERE
        warnings = warnings_of(self.placement, made_up=self.made_up, moves_elsewhere=elsewhere)
        on_a_wrist = self.placement is Placement.WRIST or (self.placement is Placement.UNKNOWN and not elsewhere)
        mounting = self.orientation.warning if self.orientation is not None and on_a_wrist else None
        found = (training_warning(self.training_share), mounting)
        return (*warnings, *(warning for warning in found if warning is not None))

    def as_dict(self) -> dict[str, Any]:
        """The content of ``quality.json``. Times have their offset from UTC."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "subject": self.subject,
            "made_up": self.made_up,
            "placement": self.placement,
            "wrist_check": None if self.wrist_check is None else self.wrist_check.as_dict(),
            "training_share": self.training_share,
            "timezone": self.timezone,
            "start": _text(self.start),
            "end": _text(self.end),
            "sample_rate_hz": self.sample_rate_hz,
            "stated_rate_hz": self.stated_rate_hz,
            "clock_drift": self.clock_drift,
            "rows": self.rows,
            "dropped": dict(self.dropped),
            "backward_times": self.backward_times,
            "gaps": {
                "count": self.gaps.count,
                "total": self.gaps.total_s,
                "list": [
                    {"start": _text(gap.start), "end": _text(gap.end), "seconds": gap.seconds}
                    for gap in self.gaps.longest
                ],
            },
            "wear_hours": self.wear_hours,
            "non_wear_hours": self.non_wear_hours,
            "calibration": None if self.calibration is None else _calibration(self.calibration),
            "orientation": None if self.orientation is None else self.orientation.as_dict(),
            "sensor_range_g": self.sensor_range_g,
            "out_of_range": self.out_of_range,
            "at_range_end": self.at_range_end,
            "clipped": self.clipped,
            "stuck": self.stuck,
            "missing": self.missing,
            "limits": [limit.as_dict() for limit in self.limits],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "RecordingQuality":
        """The inverse of ``as_dict``.

        Raises:
            KeyError, TypeError, ValueError: when the content is not the result of ``as_dict``.
        """
        fields = {name: value for name, value in content.items() if name != "clock_drift"}
        gaps, calibration, orientation = content["gaps"], content["calibration"], content["orientation"]
        check = content["wrist_check"]
        return cls(
            **fields
            | {
                "placement": Placement(content["placement"]),
                "wrist_check": None if check is None else WristCheck(**check | {"answer": Answer(check["answer"])}),
                "start": datetime.fromisoformat(content["start"]),
                "end": datetime.fromisoformat(content["end"]),
                "gaps": Gaps(gaps["count"], gaps["total"], tuple(map(_gap, gaps["list"]))),
                "calibration": None if calibration is None else _calibration_of(calibration),
                "orientation": None if orientation is None else _orientation_of(orientation),
                "limits": tuple(Limit(**one | {"kind": LimitKind(one["kind"])}) for one in content["limits"]),
                "notes": tuple(content["notes"]),
            }
        )


def write_quality(path: Path, quality: RecordingQuality) -> None:
    """Write ``quality.json``.

    Raises:
        OSError: when it cannot be written.
    """
    write_text(path, json.dumps(quality.as_dict(), indent=2, allow_nan=False) + "\n")


def read_quality(path: Path) -> RecordingQuality:
    """Read a ``quality.json``.

    Raises:
        OSError: when it cannot be read.
        HarkenError: when ``write_quality`` did not write the file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("no JSON object")
        return RecordingQuality.from_dict(content)
    except (KeyError, TypeError, ValueError) as error:
        raise HarkenError(f"{path}: not a quality.json of this version of harken; label the recording again") from error


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _gap(content: Mapping[str, Any]) -> Gap:
    start, end = (datetime.fromisoformat(content[name]) for name in ("start", "end"))
    return Gap(start, end, content["seconds"])


def _calibration(calibration: GravityCalibration) -> dict[str, Any]:
    return {
        "applied": calibration.applied,
        "reason": calibration.reason,
        "error_before_mg": _finite(calibration.error_before_mg),
        "error_after_mg": _finite(calibration.error_after_mg),
        "blocks_used": calibration.blocks_used,
        "offset_g": [float(value) for value in calibration.offset_g],
        "gain": [float(value) for value in calibration.gain],
        "temperature_slope": [float(value) for value in calibration.temperature_slope],
        "temperature_mean": calibration.temperature_mean,
    }


def _calibration_of(content: Mapping[str, Any]) -> GravityCalibration:
    arrays = {name: np.array(content[name]) for name in ("offset_g", "gain", "temperature_slope")}
    errors = {
        name: math.nan if content[name] is None else content[name] for name in ("error_before_mg", "error_after_mg")
    }
    return GravityCalibration(**{**content, **arrays, **errors})


def _orientation_of(content: Mapping[str, Any]) -> Mounting:
    return Mounting(
        quarters=content["turned_degrees"] // 90,
        source=MountingSource(content["source"]),
        moments=content["moments"],
        recognised=tuple(content["recognised_after_degrees"].values()),
        reason=content["reason"],
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
