"""Shared code of the readers of research watches: unpacking, the watch's clock, and the placement."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harken.readers.csv import CsvTable
from harken.readers.options import TableOptions, changed
from harken.readers.table_source import MOST_JITTER_NS
from harken.readers.time_columns import StatedTimes, TimeSurvey, Where, nanoseconds, numbered_ns
from harken.readers.unpacking import stem
from harken.recordings.recording import ROTATION, UNLABELLED, Placement, Quality, local_time
from harken.recordings.source import Samples, Source, SourceChangedError
from harken.recordings.survey import StuckRuns
from harken.support.arrays import Float32Array, Float64Array, Int16Array, Int64Array, UInt8Array
from harken.support.errors import HarkenError
from harken.support.options import options_of

FOR_DEVICES = ("timezone", "subject", "sample_rate_hz", "sensor_range_g")
"""The options that apply to a watch's own file; the other options are for tables."""


LocalSamples = tuple[Int64Array, Float32Array]
"""Times of samples by the watch's clock, in ns since 1970 ``[n]``, and their signals ``[n, channels]``."""
PLACEMENTS = {placement.value: placement for placement in Placement if placement is not Placement.UNKNOWN}
"""OMGUI (Axivity) offers "left wrist", "right wrist", "waist", "left ankle", "right ankle", "left thigh",
"right thigh", "left hip", "right hip", "left upper-arm", "right upper-arm", "chest", "sacrum", "neck" and "head"
(``Software/OM/omgui/DateRangeForm.Designer.cs`` of openmovementproject/openmovement). Real files of ActiGraph contain
"Wrist" and "Waist", and a real file of GENEActiv contains "back". In both formats the field is free text."""
NO_LETTERS = re.compile(r"[^a-z]+")


MOST_SET_BACK = 1_000
"""A watch is set when it is configured. A file in which its clock was set back more often is damaged."""
SMALLEST_G = 1e-3
CERTAIN = 2.0
"""The required evidence, in doublings or halvings of gravity, summed over all pieces without gravity."""


def pieces_without_gravity(evidence: Sequence[float] | Float64Array) -> int:
    """How many pieces at the beginning of a recording have no gravity where it should be.

    Args:
        evidence: that of each piece, in doublings or halvings of gravity; negative if there is gravity.

    Returns:
        The number for which the sum of the evidence is largest; 0 if it is not certain.
    """
    score = np.cumsum(evidence)
    best = int(np.argmax(score))
    return best + 1 if score[best] > CERTAIN else 0


def values_of_12_bits(packed: UInt8Array) -> Int16Array:
    """Unpack rows of bytes ``[rows, 3 n]`` to int16 ``[rows, 2 n]``: 12 bits each, big-endian, two's complement."""
    first, second, third = (packed[:, place::3] for place in range(3))
    # Three bytes contain two values. Each is put into the upper 12 bits of 16, and shifted down with its sign.
    values = np.empty((*first.shape, 2), np.int16)
    values[..., 0] = (first.astype(np.int16) << 8 | second) >> 4
    values[..., 1] = (second.astype(np.int16) << 12 | third.astype(np.int16) << 4) >> 4
    return values.reshape(len(packed), -1)


class RepeatedValues:
    """Finds runs of equal samples that last a second or longer, in samples that arrive in pieces.

    The noise of a working sensor prevents such runs: in 13 hours on a wrist at 30 Hz, the longest run of equal samples
    had four. Watches sleep for whole seconds, so a run consists of whole seconds that end with the last equal sample.
    The first of the equal samples was measured. ActiLife writes zeros for a second without data; none of these were
    measured.

    Args:
        rate_hz: samples per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._second = max(2, round(rate_hz))
        self._rows = 0
        self._runs = StuckRuns(gap_ns=1, least_ns=self._second - 1)  # their time is the number of a sample

    def push(self, values: Int16Array | Float32Array) -> None:
        """Process the next samples ``[n, 3]``."""
        self._runs.push(np.arange(self._rows, self._rows + len(values)), values)
        self._rows += len(values)

    def finish(self) -> list[tuple[int, int]]:
        """All runs of samples, ``[start, end)``, ascending. Call it after the last ``push``."""
        first, last, _, _, zero = self._runs.finish().T
        repeated = (last - first + zero) // self._second * self._second
        runs = np.stack([last + 1 - repeated, last + 1], axis=1)[repeated > 0]
        return [(start, end) for start, end in runs.tolist()]


class DeviceSource(Source):
    """A watch's file, whose sample times are those of the watch's clock.

    A watch is set once and keeps its time. It therefore has one offset from UTC: that of its time zone at the first
    sample. Computing the offset for each sample would create a gap of an hour in autumn. In spring, it would reject an
    hour that exists on the watch.

    Args:
        path: the file.
        options: the user's options.
        channels: the names of the signals; acceleration in g first.
        quality: the make of the watch, the accelerometer's range, and the rate stated in the file, if they are known.
        subject: the wearer; empty if the file does not state it.
        worn_on: where the sensor was worn, in the words of the file's header; empty if it is not stated.

    Attributes:
        dropped: a reason -> the number of rows of the file that are not samples; complete after all samples were read.
        offset_ns: the offset of the watch's clock from UTC in ns, positive east of Greenwich; 0 before the first sample
            was read.

    Raises:
        HarkenError: for a time zone that does not exist.
    """

    def __init__(
        self,
        path: Path,
        options: TableOptions,
        *,
        channels: tuple[str, ...],
        quality: Quality,
        subject: str = "",
        worn_on: str = "",
    ) -> None:
        super().__init__(
            channels=channels,
            subject=options.subject or subject or stem(path),
            source=str(path),
            timezone=options.timezone or "UTC",
            quality=replace(quality, placement=placement_of(worn_on), time_unit="date"),
        )
        self.dropped: dict[str, int] = {}
        self.offset_ns = 0
        self._path, self._options, self._worn_on = path, options, worn_on
        self._earliest_ns: int | None = None

    @abstractmethod
    def local_samples(self) -> Iterator[LocalSamples]:
        """The samples from the beginning of the file. May be called several times."""

    @abstractmethod
    def notes(self) -> list[str]:
        """Notes on the file. Called after all samples were read."""

    def samples(self) -> Iterator[Samples]:
        """The samples in UTC. See ``Source.samples``.

        Raises:
            HarkenError: for sessions whose times overlap, and if there are no samples.
        """
        rate_hz = self._options.sample_rate_hz
        sessions, numbered, zone_notes = _Sessions(self._path), 0, list[str]()
        for local_ns, signals in self.local_samples():
            count = len(local_ns)
            if not count:
                continue
            if rate_hz is not None:
                start_ns = sessions.earliest_ns if numbered else int(local_ns[0])
                local_ns = start_ns + numbered_ns(numbered, count, rate_hz)
            sessions.push(local_ns)
            if not numbered:
                self._earliest_ns = sessions.earliest_ns if self._earliest_ns is None else self._earliest_ns
                self.offset_ns, zone_notes = self._offset(self._earliest_ns)
            numbered += count
            time_ns = local_ns - self.offset_ns if self.offset_ns else local_ns
            yield Samples(time_ns, signals, np.full(count, UNLABELLED, np.int16), np.ones(count, bool))
        if not numbered:
            raise HarkenError("it contains no samples", path=self._path)
        sessions.refuse_overlaps()
        if sessions.earliest_ns != self._earliest_ns:
            self._earliest_ns = sessions.earliest_ns
            raise SourceChangedError
        self.quality = replace(self.quality, dropped=self.dropped, notes=self._notes(zone_notes, sessions.latest_ns))

    def _offset(self, first_ns: int) -> tuple[int, list[str]]:
        """The offset of the watch's clock from UTC in ns, and notes on it."""
        first = pl.Series([first_ns]).cast(pl.Datetime("ns"))
        clock = nanoseconds(self._path, first, self._options, lambda _: "the first sample")
        return first_ns - int(clock.time_ns[0]), clock.notes

    def _notes(self, zone_notes: list[str], latest_ns: int) -> tuple[str, ...]:
        rate_hz, timezone = self._options.sample_rate_hz, self._options.timezone
        notes = self.notes()
        if rate_hz is not None:
            notes.append(f"The samples were numbered at {rate_hz:g} Hz from the first time, as requested.")
        notes += zone_notes
        if timezone is not None and _offset_ns(latest_ns - self.offset_ns, timezone) != self.offset_ns:
            notes.append(
                f"Clocks in {timezone} changed during the recording, but the watch's clock did not: all times "
                f"have the offset of the first sample, {self.offset_ns / 3.6e12:+g} h from UTC."
            )
        return (*notes, *about_placement(self._worn_on), *_about_other_options(self._options))


class _Sessions:
    """Finds the sessions in times by a watch's clock: a session ends where the clock was set back."""

    def __init__(self, path: Path) -> None:
        self.earliest_ns = self.latest_ns = 0
        self._path = path
        self._starts_ns: list[int] = []
        self._ends_ns: list[int] = []  # without that of the last session
        self._last_ns: int | None = None

    def push(self, local_ns: Int64Array) -> None:
        """Process the next times, at least one.

        Raises:
            HarkenError: when the clock was set back to a time within an earlier session, because sorting would mix two
                signals; or when it was set back again and again. All samples of such a file would be kept in memory.
        """
        if self._last_ns is None:
            self.earliest_ns = self.latest_ns = self._last_ns = int(local_ns[0])
            self._starts_ns.append(self._last_ns)
        in_order = self._last_ns <= local_ns[0] and bool((local_ns[1:] >= local_ns[:-1]).all())
        if not in_order:
            steps = np.diff(local_ns, prepend=self._last_ns)
            for row in np.flatnonzero(steps < -MOST_JITTER_NS).tolist():
                self._begin(int(local_ns[row]), before_ns=int(local_ns[row] - steps[row]))
        extremes = local_ns[[0, -1]] if in_order else local_ns
        self.earliest_ns = min(self.earliest_ns, int(extremes.min()))
        self.latest_ns = max(self.latest_ns, int(extremes.max()))
        self._last_ns = int(local_ns[-1])

    def refuse_overlaps(self) -> None:
        """Raise a HarkenError if two of all sessions overlap."""
        if self._last_ns is None:
            return
        starts, ends = np.array(self._starts_ns), np.array([*self._ends_ns, self._last_ns])
        order = np.argsort(starts, kind="stable")
        overlap = ends[order][:-1] - starts[order][1:]
        if (overlap > MOST_JITTER_NS).any():
            raise self._overlap_error(int(overlap.max()))

    def _begin(self, start_ns: int, *, before_ns: int) -> None:
        """Begin a session at ``start_ns``, which follows the time ``before_ns`` in the file."""
        self._ends_ns.append(before_ns)
        starts, ends = np.array(self._starts_ns), np.array(self._ends_ns)
        overlap = (ends - start_ns)[starts <= start_ns]
        if (overlap > MOST_JITTER_NS).any():
            raise self._overlap_error(int(overlap.max()))
        self._starts_ns.append(start_ns)
        if len(self._ends_ns) > MOST_SET_BACK:
            raise HarkenError(
                f"the watch's clock was set back more than {MOST_SET_BACK:,} times, so the times are "
                "damaged. --rate HZ numbers the samples instead of reading their times",
                path=self._path,
            )

    def _overlap_error(self, overlap_ns: int) -> HarkenError:
        return HarkenError(
            f"the watch's clock was set back during the recording, so {overlap_ns / 1e9:.0f} s "
            "occur twice. --rate HZ numbers the samples instead of reading their times",
            path=self._path,
        )


def _offset_ns(time_ns: int, timezone: str) -> int:
    offset = local_time(time_ns, timezone).utcoffset() or timedelta()
    return round(offset.total_seconds()) * 10**9


def _about_other_options(options: TableOptions) -> list[str]:
    names = [name for name in changed(options) if name not in FOR_DEVICES]
    others = [declared.flag for declared in options_of(TableOptions) if declared.name in names]
    return [f"These options have no effect on a watch's own file: {', '.join(others)}."] if others else []


def said(notes: Mapping[str, object]) -> list[str]:
    """The sentences for which something is True, or a number is not 0."""
    return [sentence for sentence, true in notes.items() if true]


def placement_of(text: str) -> Placement:
    """The placement in the words of a header, ignoring case and side; unknown if there is not exactly one."""
    words = f" {NO_LETTERS.sub(' ', text.lower()).strip()} "
    named = {placement for word, placement in PLACEMENTS.items() if f" {word} " in words}
    return named.pop() if len(named) == 1 else Placement.UNKNOWN


def about_placement(text: str) -> list[str]:
    """A note if the placement in a header is not recognised."""
    if not text.strip() or placement_of(text) is not Placement.UNKNOWN:
        return []
    return [f"The header states the position {text.strip()!r}, which harken does not recognise."]


RADIANS = np.float32(np.pi / 180)


class DeviceTableSource(DeviceSource):
    """The samples of a text table of the manufacturer's software, with times by the watch's clock.

    Args:
        table: the table.
        options: the user's options.
        facts: as for ``DeviceSource``.
    """

    def __init__(self, table: CsvTable, options: TableOptions, **facts: Any) -> None:
        super().__init__(table.path, options, channels=table.channels, **facts)
        self._table = table

    @abstractmethod
    def begin_times(self, first: pl.Series) -> TimeSurvey:
        """Begin to read times by the watch's clock, of which these are the first."""

    @abstractmethod
    def read_times(self, survey: TimeSurvey, time: pl.Series, where: Where) -> StatedTimes:
        """Read the next times.

        Raises:
            HarkenError: when a time cannot be read.
        """

    def local_rows(self) -> Iterator[tuple[Int64Array | None, Float32Array]]:
        """The rows of the table from the beginning, without those that lack a time, which are counted in ``dropped``:
        times by the watch's clock (None if the table has no times) and signals in g, rad/s and °C, which must not be
        modified.

        Raises:
            HarkenError: for the first invalid row.
        """
        untimed, gyro = 0, [channel in ROTATION for channel in self.channels]
        survey: TimeSurvey | None = None
        for rows in self._table.rows():
            signals = rows.signals * np.where(gyro, RADIANS, np.float32(1)) if any(gyro) else rows.signals
            if rows.time is None:
                yield None, signals
                continue
            survey = survey or self.begin_times(rows.time)
            stated = self.read_times(survey, rows.time, self._where(rows.numbers))
            timed = stated.timed
            known = stated.values[timed]
            survey.settle(lambda known=known: known)  # type: ignore[misc]
            untimed += int(np.count_nonzero(~timed))
            yield survey.nanoseconds(known), signals if timed.all() else signals[timed]
        self.dropped = {"no time": untimed} if untimed else {}

    def _where(self, numbers: range | Int64Array) -> Where:
        return lambda row: self._table.where(int(numbers[row]))
