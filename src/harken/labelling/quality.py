"""The quality of a recording that was labelled: what the file held, what was mended, and what was done to it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from harken.models.mounting import Mounting
from harken.models.wrist_check import WristCheck
from harken.recordings.mended_stream import MendedStream
from harken.recordings.recording import is_made_up
from harken.reports.wearer.quality import Gap, Gaps, Limit, RecordingQuality
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
    wrist_check: WristCheck | None,
    limits: Sequence[Limit] = (),
) -> RecordingQuality:
    """What ``quality.json`` has. Times are in the wearer's zone; of gaps the 200 longest are listed.

    Args:
        stream: the recording.
        timeline: what became of it.
        file, sha256: the file.
        calibration: what was found of the sensor; None where it was not asked for, or there is no acceleration.
        non_wear: whether it was looked for.
        mounting: how the watch sat on the arm; None as for ``calibration``.
        wrist_check: whether the sensor moved as on a wrist; None where it was not checked.
        limits: where the model may be wrong for this recording.
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
    """Down to the millisecond, in the wearer's zone."""
    return (EPOCH + timedelta(milliseconds=time_ns // 10**6)).astimezone(ZoneInfo(timezone))
