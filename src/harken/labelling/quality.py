"""The content of ``quality.json``: what the file held, what was mended, and what was done to it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from harken.models.mounting import Mounting
from harken.recordings.mended_stream import MendedStream
from harken.recordings.recording import is_made_up
from harken.reports.wearer.limits import Limit
from harken.signals.gravity_calibration import GravityCalibration
from harken.timelines import Timeline

__all__ = ["quality_of"]

MOST_GAPS_LISTED = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quality_of(
    stream: MendedStream,
    timeline: Timeline,
    *,
    file: str,
    sha256: str,
    calibration: GravityCalibration | None,
    non_wear: bool,
    mounting: Mounting | None,
    limits: Sequence[Limit] = (),
) -> dict[str, Any]:
    """For JSON. Times are in the wearer's zone, with their offset from UTC; of gaps the 200 longest are listed.

    Args:
        stream: the recording.
        timeline: what became of it.
        file, sha256: the file.
        calibration: what was found of the sensor; None where it was not asked for, or there is no acceleration.
        non_wear: whether it was looked for.
        mounting: how the watch sat on the arm; None as for ``calibration``.
        limits: where the model may be wrong for this recording.
    """
    quality = stream.quality
    seconds = timeline.seconds
    recorded = timeline.frame["recorded"].to_numpy()
    worn = timeline.frame["wear"].fill_null(False).to_numpy()
    return {
        "file": file,
        "sha256": sha256,
        "subject": stream.subject,
        "made_up": is_made_up(stream.subject),
        "placement": quality.placement,
        "timezone": stream.timezone,
        "start": _time(stream.start_ns, stream.timezone),
        "end": _time(stream.end_ns, stream.timezone),
        "sample_rate_hz": stream.sample_rate_hz,
        "stated_rate_hz": quality.stated_rate_hz,
        "clock_drift": stream.sample_rate_hz / quality.stated_rate_hz if quality.stated_rate_hz else None,
        "rows": quality.rows,
        "dropped": dict(quality.dropped),
        "backward_times": quality.backward_times,
        "gaps": _gaps(stream),
        "wear_hours": float(seconds[recorded & worn].sum()) / 3600 if non_wear else None,
        "non_wear_hours": float(seconds[recorded & ~worn].sum()) / 3600 if non_wear else None,
        "calibration": None if calibration is None else _calibration(calibration),
        "orientation": None if mounting is None else mounting.as_dict(),
        "sensor_range_g": quality.sensor_range_g,
        "out_of_range": quality.out_of_range,
        "at_range_end": quality.at_range_end,
        "clipped": quality.clipped,
        "stuck": quality.stuck,
        "missing": quality.missing,
        "limits": [limit.as_dict() for limit in limits],
        "notes": list(quality.notes),
    }


def _gaps(stream: MendedStream) -> dict[str, Any]:
    lengths = stream.gaps_ns[:, 1] - stream.gaps_ns[:, 0]
    longest = np.sort(np.argsort(-lengths, kind="stable")[:MOST_GAPS_LISTED])
    return {
        "count": len(lengths),
        "total": float(lengths.sum()) / 1e9,
        "list": [
            {
                "start": _time(int(begin), stream.timezone),
                "end": _time(int(end), stream.timezone),
                "seconds": (int(end) - int(begin)) / 1e9,
            }
            for begin, end in stream.gaps_ns[longest].tolist()
        ],
    }


def _calibration(found: GravityCalibration) -> dict[str, Any]:
    return {
        "applied": found.applied,
        "reason": found.reason,
        "error_before_mg": _finite(found.error_before_mg),
        "error_after_mg": _finite(found.error_after_mg),
        "epochs_used": found.epochs_used,
        "offset_g": [float(value) for value in found.offset_g],
        "gain": [float(value) for value in found.gain],
        "temperature_slope": [float(value) for value in found.temperature_slope],
        "temperature_mean": found.temperature_mean,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _time(time_ns: int, timezone: str) -> str:
    instant = EPOCH + timedelta(microseconds=time_ns // 1000)
    return instant.astimezone(ZoneInfo(timezone)).isoformat(timespec="milliseconds")
