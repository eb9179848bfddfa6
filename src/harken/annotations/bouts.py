"""The labels of a file: its rows as they were written, and as intervals on the clock of a recording and its samples."""

import ntpath
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from harken.annotations.outside import LabelsOutside, Shift, explain_outside
from harken.annotations.table import LONGEST_OVER_MIDNIGHT_NS, Entry
from harken.annotations.times import DAY_NS, SECOND_NS, SLACK_NS, Kind, Moment, Span
from harken.recordings.recording import UNLABELLED, Recording, gap_limit_ns, recoded
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import listed
from harken.support.text_rows import line_error

PLAIN = "plain table"
"""The format of the file of labels that harken writes."""
ENDS = ("", "end", "stop")
"""Texts of points at which the label before ends and none begins."""
UNDATED = (
    "the interval ends before it begins, or lies outside the recording; write its times with their date, such as "
    "2024-03-09 10:05"
)
MOST_NAMED = 5
Parts = tuple[str, ...]
"""The parts of a path, from its end."""
MOST_LABELS = 1000
"""Different labels. Label codes are 16-bit numbers; a recogniser has a few dozen."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of one recording, in the order of their starts and without overlaps.

    >>> from harken.annotations.bouts import Intervals
    >>> minute = 60 * 10**9
    >>> one = Intervals.of([(0, minute, "lying", 2), (minute, 2 * minute, "sitting", 3)])
    >>> one.label_names, (one.trimmed(5).start_ns / 1e9).tolist()
    (('lying', 'sitting'), [5.0, 65.0])

    Attributes:
        start_ns, end_ns: int64 ``[n]``, ns since 1970 (UTC). The end is not part of the interval.
        labels: the label of each interval.
        lines: int64 ``[n]``, the line of the file, for messages.
        path: the file.
        format: the name of its format.
        notes: what was remarked on intervals, by the line of the file.

    Raises:
        HarkenError: when an interval ends before it begins or overlaps another one; the message has the line.
    """

    start_ns: Int64Array
    end_ns: Int64Array
    labels: tuple[str, ...]
    lines: Int64Array
    path: Path = Path("labels.csv")
    format: str = PLAIN
    notes: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in np.flatnonzero(self.end_ns <= self.start_ns)[:1]:
            what = "has no length" if self.end_ns[row] == self.start_ns[row] else "ends before it begins"
            raise line_error(self.path, int(self.lines[row]), f"the interval {what}")
        for row in np.flatnonzero(self.start_ns[1:] < self.end_ns[:-1])[:1]:
            line, other = (int(self.lines[one]) for one in (row + 1, row))
            line, other = max(line, other), min(line, other)
            raise line_error(self.path, line, f"the interval overlaps that of line {other}")
        if len(set(self.labels)) > MOST_LABELS:
            raise HarkenError(
                f"{len(set(self.labels)):,} different labels; is this the column of the labels?", path=self.path
            )

    @classmethod
    def of(
        cls,
        rows: list[tuple[int, int, str, int]],
        path: Path = Path("labels.csv"),
        format_name: str = PLAIN,
        notes: Mapping[int, str] | None = None,
    ) -> "Intervals":
        """The intervals of rows (start, end, label, line) in any order, with notes by their lines."""
        rows = sorted(rows, key=lambda row: (row[0], row[3]))
        starts, ends, labels, lines = zip(*rows, strict=True) if rows else ((), (), (), ())
        start_ns, end_ns, line = (np.array(each, np.int64) for each in (starts, ends, lines))
        return cls(start_ns, end_ns, labels, line, path, format_name, notes or {})

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted(set(self.labels)))

    def joined(self) -> "Intervals":
        """The bouts: intervals that touch and have the same label are one."""
        position = {name: code for code, name in enumerate(self.label_names)}
        codes = np.array([position[label] for label in self.labels], np.int64)
        same_label = codes[1:] == codes[:-1]
        touching = (self.start_ns[1:] == self.end_ns[:-1]) & same_label
        first = np.flatnonzero(np.concatenate([[True], ~touching]))[: len(self)]
        last = np.append(first[1:] - 1, len(self) - 1) if len(self) else first
        return replace(
            self,
            start_ns=self.start_ns[first],
            end_ns=self.end_ns[last],
            labels=tuple(self.labels[row] for row in first),
            lines=self.lines[first],
        )

    def renamed(self, rename: Mapping[str, str]) -> "Intervals":
        """The intervals with other names of labels."""
        return replace(self, labels=tuple(rename.get(label, label) for label in self.labels))

    def trimmed(self, trim_s: float, rename: Mapping[str, str] | None = None) -> "Intervals":
        """The bouts without ``trim_s`` seconds at both ends. Bouts that are not longer than that are left out.

        Args:
            trim_s: the seconds.
            rename: new names that labels get later. What touches and gets the same name is one bout.
        """
        if not trim_s:
            return self
        trim_ns = round(trim_s * SECOND_NS)
        parts = self.joined()
        bouts = self.renamed(rename or {}).joined()
        around = np.searchsorted(bouts.start_ns, parts.start_ns, side="right") - 1
        start_ns = np.maximum(parts.start_ns, bouts.start_ns[around] + trim_ns)
        end_ns = np.minimum(parts.end_ns, bouts.end_ns[around] - trim_ns)
        kept = np.flatnonzero(start_ns < end_ns)
        return replace(
            parts,
            start_ns=start_ns[kept],
            end_ns=end_ns[kept],
            labels=tuple(parts.labels[row] for row in kept),
            lines=parts.lines[kept],
        )

    def find_outside(self, span: Span) -> int | None:
        """Return the first interval that begins more than a minute before a recording, ends more than a minute after
        it, or lies outside it; None without one."""
        end_ns = span.end_ns + 1
        outside = (self.start_ns < span.start_ns - SLACK_NS) | (self.end_ns > end_ns + SLACK_NS)
        outside |= (self.start_ns >= end_ns) | (self.end_ns <= span.start_ns)
        return int(outside.argmax()) if outside.any() else None

    def cut_to(self, span: Span) -> "Intervals":
        """Return the intervals without what is before or after a recording."""
        starts_ns = np.maximum(self.start_ns, span.start_ns)
        ends_ns = np.minimum(self.end_ns, span.end_ns + 1)
        return replace(self, start_ns=starts_ns, end_ns=ends_ns)


def span_of(recording: Recording) -> Span:
    """The times of a recording, mended or as found."""
    return Span(int(recording.time_ns.min()), int(recording.time_ns.max()), recording.timezone)


def laid_over(recording: Recording, intervals: Intervals) -> Recording:
    """A recording with the labels of intervals. Samples outside all of them have no label.

    The label of a sample is that of the interval that begins at its time or before, and ends after it.

    Args:
        recording: the recording, mended or as found.
        intervals: its labels, in place of those in its file.
    """
    names = intervals.label_names
    position = {name: code for code, name in enumerate(names)}
    codes = np.array([position[label] for label in intervals.labels], np.int16)
    time_ns = recording.time_ns
    order = _order(time_ns)
    in_order = time_ns if order is None else time_ns[order]
    edges = np.stack([intervals.start_ns, intervals.end_ns], axis=1).ravel()
    rows = np.concatenate([[0], np.searchsorted(in_order, edges), [len(recording)]])
    between = np.full(len(intervals) + 1, UNLABELLED, np.int16)
    in_turn = np.stack([between[:-1], codes], axis=1).ravel()
    of_parts = np.append(in_turn, between[-1])
    of_samples = np.repeat(of_parts, np.diff(rows))
    if order is not None:
        sorted_codes, of_samples = of_samples, np.empty_like(of_samples)
        of_samples[order] = sorted_codes
    quality = recording.quality
    if empty := int((np.diff(rows)[1::2] == 0).sum()):
        quality = quality.noting(f"Intervals in {intervals.path.name} without a sample: {empty:,}.")
    return replace(
        recording,
        label_codes=of_samples,
        label_names=names,
        quality=quality,
        label_source=f"{intervals.path} ({intervals.format})",
    )


def without_bout_ends(recording: Recording, trim_s: float, rename: Mapping[str, str] | None = None) -> Recording:
    """A recording whose own labels are left out for ``trim_s`` seconds at both ends of each of its bouts.

    A gap ends a bout, too, as in ``Recording.bout_edges``. The rows of a recording as found may be in any order.

    Args:
        recording: the recording, mended or as found.
        trim_s: the seconds.
        rename: new names that labels get later. Neighbours with the same new name are one bout.
    """
    if not trim_s:
        return recording
    trim_ns = round(trim_s * SECOND_NS)
    time_ns, codes = recording.time_ns, recording.label_codes
    if (order := _order(time_ns)) is not None:
        time_ns, codes = time_ns[order], codes[order]
    names = tuple((rename or {}).get(name, name) for name in recording.label_names)
    of_bouts = recoded(codes, names, tuple(sorted(set(names))))
    new = (np.diff(of_bouts) != 0) | (np.diff(time_ns) > gap_limit_ns(time_ns))
    edges = np.concatenate([[0], np.flatnonzero(new) + 1, [len(codes)]])
    counts = np.diff(edges)
    first_ns = np.repeat(time_ns[edges[:-1]], counts)
    last_ns = np.repeat(time_ns[edges[1:] - 1], counts)
    inner = (time_ns - first_ns >= trim_ns) & (last_ns - time_ns >= trim_ns)
    trimmed = np.where(inner, codes, np.int16(UNLABELLED))
    if order is not None:
        in_order, trimmed = trimmed, np.empty_like(trimmed)
        trimmed[order] = in_order
    return replace(recording, label_codes=trimmed)


def _order(time_ns: Int64Array) -> Int64Array | None:
    """The rows in the order of their times; None if they are in this order."""
    if (time_ns[1:] >= time_ns[:-1]).all():
        return None
    return np.argsort(time_ns, kind="stable")


def _from_shared_folder(written: dict[str, Parts]) -> dict[str, Parts]:
    """The parts of whole paths of another computer, from the last folder that all of them share.

    What is above it differs between computers. If a folder of one of them exists here, all are taken as they are.
    """
    systems = (Path, PureWindowsPath, PurePosixPath)
    whole = {}
    for name, parts in written.items():
        if any(one(name).is_absolute() for one in systems):
            whole[name] = parts
    places = {Path(name).parent for name in whole if Path(name).is_absolute()}
    if not whole or any(os.path.isdir(place) for place in places):  # noqa: PTH112 - Path.is_dir raises for names too long
        return {}
    folders = [parts[:0:-1] for parts in whole.values()]
    pairs = zip(min(folders), max(folders), strict=False)
    shared = list(takewhile(lambda pair: pair[0] == pair[1], pairs))
    above = max(len(shared) - 1, 1)  # at least the root
    return {name: parts[: max(len(parts) - above, 2)] for name, parts in whole.items()}


def _parts(path: str) -> Parts:
    """The parts of a path of any system. It may be relative to any folder, so ``../`` at its beginning is left out."""
    parts = Path(os.path.normpath(path)).parts
    if not Path(path).is_absolute():
        if PureWindowsPath(path).is_absolute():
            parts = PureWindowsPath(ntpath.normpath(path)).parts
        elif PurePosixPath(path).is_absolute():
            parts = PurePosixPath(posixpath.normpath(path)).parts
    return tuple(part for part in reversed(parts) if part != os.pardir)


@dataclass(frozen=True, eq=False)
class Annotations:
    """A file of labels as it was written.

    Attributes:
        path: the file.
        format: the name of its format.
        entries: its rows.
        points: whether the rows are points: a label holds until the next point, the last one until the end of the
            recording. A point with an empty text, or with the text ``end`` or ``stop``, ends the label before it.
        names: which of ``file`` and ``subject`` the file has as a column.
    """

    path: Path
    format: str
    entries: tuple[Entry, ...]
    points: bool = False
    names: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        """What its times refer to."""
        return frozenset(entry.start.kind for entry in self.entries)

    @property
    def has_local_times(self) -> bool:
        """Whether a time is by the wearer's clock, without a zone."""
        return not self.kinds.isdisjoint((Kind.LOCAL, Kind.CLOCK))

    @property
    def counts_from_recording(self) -> bool:
        """Whether labels mean something else when their recording has more samples: times that count from its start or
        are without a zone, and points, of which the last holds until its end."""
        return self.points or not self.kinds <= {Kind.INSTANT}

    def files_of(self, names: Sequence[str]) -> set[str]:
        """What the column ``file`` says in rows for a recording with these names
        (``harken.annotations.folders.recording_names``).

        A field means a recording if the recording's path ends with it: ``anna/day.csv`` is not ``ben/day.csv``.
        """
        files: set[str] = set()
        for parts in map(_parts, names):
            for length in range(1, len(parts) + 1):
                files.update(self._files.get(parts[:length], ()))
        return files

    @cached_property
    def _files(self) -> dict[Parts, list[str]]:
        """The fields of the column ``file`` by their parts, because a table may be for thousands of recordings."""
        files: dict[Parts, list[str]] = {}
        written = {file: _parts(file) for file in self._rows if file is not None}
        for file, parts in (written | _from_shared_folder(written)).items():
            files.setdefault(parts, []).append(file)
        return files

    @cached_property
    def _rows(self) -> dict[str | None, list[Entry]]:
        """The rows by what their column ``file`` says."""
        rows: dict[str | None, list[Entry]] = {}
        for entry in self.entries:
            rows.setdefault(entry.file, []).append(entry)
        return rows

    @property
    def _described(self) -> str:
        """The format, and that numbers are times from the start: 10.05 may have been meant as a time of the clock."""
        return f"{self.format}, seconds from the start" if Kind.ELAPSED in self.kinds else self.format

    def of_recording(self, files: Sequence[str], subject: str) -> "Annotations":
        """The rows for one recording; all rows if the file has no column that says for which recording they are.

        Args:
            files: the names of the recording's file (``harken.annotations.folders.recording_names``).
            subject: its wearer.

        Raises:
            HarkenError: when there is no such row.
        """
        if not self.names:
            return self
        fitting = list(self._rows.get(None, ()))
        for file in self.files_of(files):
            fitting += self._rows[file]
        own = sorted((row for row in fitting if row.subject in (None, subject)), key=lambda row: row.line)
        if not own:
            there = [
                f"its {name}s are "
                + ", ".join([*sorted({str(getattr(entry, name)) for entry in self.entries})[:MOST_NAMED]])
                for name in self.names
            ]
            raise HarkenError(
                f"no row is for the recording {files[0]}, whose wearer is {subject}: {listed(there)}", path=self.path
            )
        return replace(self, entries=tuple(own))

    def lying_in(self, span: Span) -> "Annotations":
        """Return the rows that begin in one of several recordings of a wearer, or up to a minute before it.

        A row that names a file is for that file, wherever its time lies.

        Raises:
            HarkenError: when a time without a date may be in each of the recordings. The message has the line.
        """
        chosen: list[Entry] = []
        for entry in self.entries:
            if entry.file is not None:
                chosen.append(entry)
                continue
            if entry.start.kind in (Kind.ELAPSED, Kind.CLOCK):
                raise line_error(
                    self.path,
                    entry.line,
                    f"{entry.subject or 'the wearer'} has several recordings, and this time has no date that shows in "
                    "which of them it lies; write the date, or add a column file",
                )
            start_ns = entry.start.instant_ns(span, offset_ns=entry.offset_ns) + entry.after_ns
            if span.start_ns - SLACK_NS <= start_ns <= span.end_ns:
                chosen.append(entry)
        return replace(self, entries=tuple(chosen))

    def intervals(self, span: Span, *, offset_s: float = 0.0, offset_flag: str | None = None) -> Intervals:
        """The intervals on the clock of a recording, cut to it.

        Args:
            span: the recording.
            offset_s: seconds added to each time, beside those in the column ``offset_s``.
            offset_flag: the option that a user has for them, for messages.

        Raises:
            HarkenError: as ``Intervals``; for an interval that begins more than a minute before the recording or ends
                more than a minute after it, or lies outside it; and for a time that the wearer's clock skipped or
                showed twice. The message has the line.
        """
        placed = self._place(span, offset_s)
        row = placed.find_outside(span)
        if row is not None:
            reason = explain_outside(self._labels_outside(placed, row, span, (offset_s, offset_flag)), span)
            raise line_error(self.path, int(placed.lines[row]), reason)
        return placed.cut_to(span)

    def instant_ns(self, entry: Entry, moment: Moment, span: Span, offset_ns: int) -> int:
        """Return a time of a row on the clock of a recording, ns since 1970.

        Args:
            entry: the row.
            moment: its start or its end.
            span: the recording.
            offset_ns: what is added to each time, beside the column ``offset_s``.

        Raises:
            HarkenError: for a time that the wearer's clock skipped or showed twice; the message has the line.
        """
        try:
            return moment.instant_ns(span, offset_ns=offset_ns + entry.offset_ns)
        except HarkenError as error:
            raise line_error(self.path, entry.line, str(error)) from error

    def _place(self, span: Span, offset_s: float) -> Intervals:
        offset_ns = round(offset_s * SECOND_NS)
        rows = self._held(span, offset_ns) if self.points else self._spans(span, offset_ns)
        notes = {entry.line: entry.note for entry in self.entries if entry.note}
        return Intervals.of(rows, self.path, self._described, notes)

    def _labels_outside(
        self, placed: Intervals, row: int, span: Span, option: tuple[float, str | None]
    ) -> LabelsOutside:
        of_line = [entry for entry in self.entries if entry.line == placed.lines[row]]
        entry = of_line[0]

        def fits(offset_s: float) -> bool:
            try:
                return self._place(span, offset_s).find_outside(span) is None
            except HarkenError:
                return False

        return LabelsOutside(
            start_ns=placed.start_ns,
            end_ns=placed.end_ns,
            row=row,
            written=entry.written,
            as_written=entry.start.kind is Kind.LOCAL and len(of_line) == 1,
            from_start=self.kinds == {Kind.ELAPSED},
            shift=Shift(*option, column_s=entry.offset_ns / SECOND_NS),
            fits=fits,
        )

    def _spans(self, span: Span, offset_ns: int) -> list[tuple[int, int, str, int]]:
        rows = []
        for entry in self.entries:
            start_ns = self.instant_ns(entry, entry.start, span, offset_ns) + entry.after_ns
            if entry.end is None:
                end_ns = start_ns + (entry.duration_ns or 0)
            else:
                end_ns = self.instant_ns(entry, entry.end, span, offset_ns)
                if entry.label and end_ns < start_ns and entry.start.kind is entry.end.kind is Kind.CLOCK:
                    # Each time has the day on which it is nearest to the recording: for the end, the day before.
                    end_ns += DAY_NS
                    if end_ns - start_ns >= LONGEST_OVER_MIDNIGHT_NS:
                        raise line_error(self.path, entry.line, UNDATED)
            if entry.label:
                rows.append((start_ns, end_ns, entry.label, entry.line))
        return rows

    def _held(self, span: Span, offset_ns: int) -> list[tuple[int, int, str, int]]:
        """Points as intervals. A label may begin before the recording, unless it has a time of the clock without a
        date; the first sample then has it, too."""
        points = [(self.instant_ns(entry, entry.start, span, offset_ns), entry) for entry in self.entries]
        points.sort(key=lambda point: point[0])
        ends = [start_ns for start_ns, _ in points[1:]]
        if points:
            ends.append(span.end_ns + 1)
        rows = []
        for (start_ns, entry), end_ns in zip(points, ends, strict=True):
            if entry.label.lower() in ENDS or (start_ns == end_ns and start_ns <= span.end_ns):
                continue
            earlier = entry.start.kind is Kind.CLOCK and start_ns < span.start_ns - SLACK_NS
            if end_ns > span.start_ns and start_ns <= span.end_ns and not earlier:
                start_ns = max(start_ns, span.start_ns)
                end_ns = min(end_ns, span.end_ns + 1)
            rows.append((start_ns, max(end_ns, start_ns + 1), entry.label, entry.line))
        return rows
