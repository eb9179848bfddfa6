"""The facts about a recording that a user should know before training on it, and doubts about its labels.

This module computes them; ``harken inspect`` prints and draws the facts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from harken.recordings.recording import (
    ACCELERATION,
    UNLABELLED,
    BrokenAxis,
    Placement,
    Recording,
    gap_edges_ns,
    local_time,
)
from harken.support.arrays import Float32Array
from harken.support.files import Json
from harken.support.printable import duration_text, percent, printable

DIGITS = 7
"""Significant digits of a statistic: the precision of a 32-bit sample."""
SHORT_NS = 10**9
"""The time of a shorter label may not be what was meant."""
LEAST_SHARE = 0.01
LITTLE_LABELLED_S = 60.0
"""Labels that cover less than both may have other times than were meant. A routine of five minutes in a recording of a
week covers less than this share, too."""


@dataclass(frozen=True)
class ChannelStatistics:
    """Statistics of one channel over its finite samples, in the channel's unit; None if it has no finite sample.

    ``std`` is the population standard deviation (divided by the number of samples).
    """

    samples: int
    min: float | None
    q25: float | None
    median: float | None
    mean: float | None
    q75: float | None
    max: float | None
    std: float | None


@dataclass(frozen=True)
class LabelledTime:
    """The bouts, time and rows of a recording with one label (or without label).

    A bout is a maximal run of samples with that label and without a gap. It lasts from its first sample to one sampling
    interval after its last. ``rows`` and ``share`` refer to the rows as they were found.
    """

    rows: int
    share: float
    bouts: int
    total_s: float
    median_bout_s: float | None
    longest_bout_s: float | None


@dataclass(frozen=True)
class GapFacts:
    """Steps between neighbouring samples that are longer than ``limit_s``, measured from sample to sample."""

    count: int
    limit_s: float
    total_s: float
    longest_s: float | None
    longest_start: datetime | None
    longest_end: datetime | None


@dataclass(frozen=True)
class Inspection:
    """The facts about one recording. Times are in the wearer's time zone.

    Attributes:
        file: the file of the recording.
        rows: rows of data in the file.
        kept_rows: the samples of the recording after mending; ``rows`` less everything in ``dropped``.
        dropped: the number of rows that were left out, by reason.
        units: the unit of each channel in harken; None for a channel without a unit or with an unknown unit.
        file_acceleration_unit, file_time_unit: as they were in the file.
        sample_rate_hz: samples per second inside gap-free stretches, by the clock.
        missing, out_of_range, stuck, broken: numbers of samples that are kept but marked, so that no window contains
            them.
        broken_axes: the axes of the sensor that are broken in all of the recording or a part of it.
        marked: how many samples are marked; a sample may be marked for two reasons.
        sensor_range_g: the sensor's range beyond which a sample counts as out of range.
        placement: where the sensor was worn, if the file's header states it.
        along_forearm: the probability that x and that y lies along the forearm, by calm moments and the make of the
            watch (``harken.mounting.forearm``); empty without calm moments, or if the sensor was not on a wrist.
        label_source: the file of labels and its format; empty if the labels are those in the recording's file.
        labels: by name, sorted.
        statistics: by channel, over all finite samples as they were found, including marked samples and rows with a
            repeated time. Outliers therefore show in ``min`` or ``max``.
        warnings: sentences on what a user must know before using any result of the recording.
        notes: the reader's sentences on what it recognised and mended.
    """

    file: str
    subject: str
    rows: int
    kept_rows: int
    dropped: dict[str, int]
    channels: tuple[str, ...]
    units: dict[str, str | None]
    file_acceleration_unit: str
    file_time_unit: str
    timezone: str
    start: datetime
    end: datetime
    span_s: float
    sample_rate_hz: float
    gaps: GapFacts
    repeated_times: int
    backward_times: int
    missing: int
    out_of_range: int
    stuck: int
    broken: int
    broken_axes: tuple[BrokenAxis, ...]
    marked: int
    sensor_range_g: float | None
    placement: Placement
    label_source: str
    unlabelled: LabelledTime
    labels: dict[str, LabelledTime]
    statistics: dict[str, ChannelStatistics]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    along_forearm: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> Json:
        """The facts under the documented names of ``harken inspect --json``. All values can be written as JSON."""
        facts: Json = {}
        for name, value in asdict(self).items():
            if name == "gaps":
                facts |= {"gaps": value.pop("count"), "gap_details": value}
            elif name == "unlabelled":
                facts |= {f"unlabelled_{key}": inner for key, inner in value.items()}
            else:
                facts[name] = value
        return {name: _plain(value) for name, value in facts.items()}


def inspect_recording(recording: Recording, *, as_found: Recording | None = None) -> Inspection:
    """Compute the facts of ``recording``.

    Args:
        recording: a mended recording.
        as_found: the same recording as it was found (``harken.read(path, as_found=True)``), before mending. If given,
            rows, labelled rows and statistics refer to the rows of the file; otherwise they refer to the mended
            samples.

    Raises:
        ValueError: when ``recording`` is ``as_found``, because its times may decrease.
    """
    if recording.as_found:
        raise ValueError(
            "inspect_recording needs a mended recording; pass the recording as found in the argument found"
        )
    if as_found is None:
        as_found = recording
    quality = recording.quality
    names = [name for name in Inspection.__dataclass_fields__ if name != "rows" and hasattr(quality, name)]
    of_quality: Json = {name: getattr(quality, name) for name in names}
    unlabelled, labels = labelled_time(recording, as_found=as_found)
    return Inspection(
        file=recording.source,
        subject=recording.subject,
        rows=quality.rows or len(as_found),
        kept_rows=len(recording),
        channels=recording.channels,
        units={channel: "g" if channel in ACCELERATION else None for channel in recording.channels},
        file_acceleration_unit=quality.acceleration_unit,
        file_time_unit=quality.time_unit,
        timezone=recording.timezone,
        start=local_time(int(recording.time_ns[0]), recording.timezone),
        end=local_time(int(recording.time_ns[-1]), recording.timezone),
        span_s=recording.span_s,
        sample_rate_hz=recording.sample_rate_hz,
        gaps=_gaps(recording),
        marked=len(recording) - int(np.count_nonzero(recording.valid)),
        label_source=recording.label_source,
        unlabelled=unlabelled,
        labels=labels,
        statistics={channel: _statistics(as_found.signals[:, i]) for i, channel in enumerate(as_found.channels)},
        warnings=recording.warnings,
        **of_quality,
    )


def labelled_time(
    recording: Recording, *, as_found: Recording | None = None
) -> tuple[LabelledTime, dict[str, LabelledTime]]:
    """The unlabelled time, and the time of each label by name. Arguments as in ``inspect_recording``."""
    as_found = recording if as_found is None else as_found
    rows = np.bincount(as_found.label_codes + 1, minlength=len(as_found.label_names) + 1)
    firsts = recording.bout_edges[:-1]
    lasts = recording.bout_edges[1:] - 1
    bout_codes = recording.label_codes[firsts]
    interval_ns = round(1e9 / recording.sample_rate_hz) if recording.sample_rate_hz else 0
    bouts_ns = recording.time_ns[lasts] - recording.time_ns[firsts] + interval_ns

    def of(code: int) -> LabelledTime:
        lengths = bouts_ns[bout_codes == code]
        return LabelledTime(
            rows=int(rows[code + 1]),
            share=float(rows[code + 1] / len(as_found)),
            bouts=len(lengths),
            total_s=int(lengths.sum()) / 1e9,
            median_bout_s=float(np.median(lengths)) / 1e9 if len(lengths) else None,
            longest_bout_s=int(lengths.max()) / 1e9 if len(lengths) else None,
        )

    return of(UNLABELLED), {name: of(code) for code, name in enumerate(as_found.label_names)}


def _gaps(recording: Recording) -> GapFacts:
    gaps_ns, limit_s = gap_edges_ns(recording), recording.gap_limit_ns / 1e9
    if not len(gaps_ns):
        return GapFacts(0, limit_s, 0.0, None, None, None)
    lengths = np.diff(gaps_ns)[:, 0]
    start, end = (local_time(time_ns, recording.timezone) for time_ns in gaps_ns[lengths.argmax()].tolist())
    return GapFacts(len(gaps_ns), limit_s, int(lengths.sum()) / 1e9, int(lengths.max()) / 1e9, start, end)


def _statistics(samples: Float32Array) -> ChannelStatistics:
    finite = samples[np.isfinite(samples)]  # a copy, so the quartiles may be computed in place
    if len(finite) == 0:
        return ChannelStatistics(0, None, None, None, None, None, None, None)
    mean = finite.mean(dtype=np.float64)
    std = finite.std(dtype=np.float64)
    least, most = finite.min(), finite.max()
    with np.errstate(over="ignore", invalid="ignore"):  # differences of the largest floats overflow
        q25, median, q75 = np.percentile(finite, (25, 50, 75), overwrite_input=True)
    values = (_rounded(value) for value in (least, q25, median, mean, q75, most, std))
    return ChannelStatistics(len(finite), *values)


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _plain(value: Any) -> Any:
    """A value for JSON: times as ISO 8601 with their offset, tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def list_label_doubts(recording: Recording, *, trim_s: float = 0.0) -> list[str]:
    """Return sentences on labels that last less than a second, and on labels that cover under 1 % of a recording and
    less than a minute.

    Args:
        recording: a mended recording.
        trim_s: the seconds that were left out at both ends of each bout. What is left of a bout may be short.
    """
    doubts = []
    if not trim_s:
        doubts += _list_short_labels(recording)
    labelled = len(recording) - recording.unlabelled_rows
    share = labelled / len(recording)
    labelled_s = labelled / recording.sample_rate_hz if recording.sample_rate_hz else 0.0
    is_little = share < LEAST_SHARE and labelled_s < LITTLE_LABELLED_S
    if is_little and (recording.label_names or recording.label_source):
        doubts.append(f"The labels cover {percent(share)} of the recording. Are their times right?")
    return doubts


def _list_short_labels(recording: Recording) -> list[str]:
    """Return a sentence on the labels that begin and end within a second; a gap does not end a label."""
    codes, time_ns = recording.label_codes, recording.time_ns
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
    firsts, nexts = firsts[:-1], firsts[1:]  # the last one may go on after the recording
    short = (codes[firsts] != UNLABELLED) & (time_ns[nexts] - time_ns[firsts] < SHORT_NS) & (firsts > 0)
    if not short.any():
        return []
    first = firsts[short][0]
    label = printable(recording.label_names[codes[first]])
    length_s = (time_ns[nexts[short][0]] - time_ns[first]) / 1e9
    at = f"{local_time(int(time_ns[first]), recording.timezone):%Y-%m-%d %H:%M:%S}"
    where = f"“{label}” at {at} ({duration_text(length_s)})"
    count = int(short.sum())
    if count == 1:
        sentence = f"{where} is shorter than a second"
    else:
        sentence = f"{count:,} labels are shorter than a second; the first is {where}"
    advice = ". In a file of labels, 9:30 is a time of the clock, and a number is seconds"
    return [f"{sentence}{advice if recording.label_source else ''}."]
