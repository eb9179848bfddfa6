"""The quality of a labelled recording: the content of the file, its mended faults, and its preprocessing."""

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
    """The content of ``quality.json``. Times are in the wearer's time zone; only the 200 longest gaps are listed.

    Args:
        stream: the recording.
        timeline: the timeline of the recording.
        file, sha256: the file and its digest.
        calibration: the calibration of the sensor; None if the settings leave it out, or without acceleration.
        non_wear: whether non-wear was detected.
        mounting: the orientation of the watch on the arm; None as for ``calibration``.
        wrist_check: whether the sensor moved as on a wrist; None if it was not checked.
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
    return (EPOCH + timedelta(milliseconds=time_ns // 10**6)).astimezone(ZoneInfo(timezone))
