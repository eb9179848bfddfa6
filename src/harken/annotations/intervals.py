"""Intervals with a label on the clock of a recording, and the labels of its samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.annotations.moments import SECOND_NS, SLACK_NS, Span
from harken.recordings.recording import UNLABELLED, Recording, gap_limit_ns, local_time, recoded
from harken.support.errors import HarkenError
from harken.support.printable import zone_in_words
from harken.support.text_rows import line_error

MOST_LABELS = 1000
"""Different labels. Label codes are 16-bit numbers; a recogniser has a few dozen."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of one recording, in the order of their starts and without overlaps.

    >>> from harken.annotations.intervals import Intervals
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

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    labels: tuple[str, ...]
    lines: NDArray[np.int64]
    path: Path = Path("labels.csv")
    format: str = "plain table"
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
                f"{self.path}: {len(set(self.labels)):,} different labels; is this the column of the labels?"
            )

    @classmethod
    def of(
        cls,
        rows: list[tuple[int, int, str, int]],
        path: Path = Path("labels.csv"),
        format_name: str = "plain table",
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
        touching = (self.start_ns[1:] == self.end_ns[:-1]) & (codes[1:] == codes[:-1])
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
        parts, bouts = self.joined(), self.renamed(rename or {}).joined()
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

    def inside(self, span: Span) -> "Intervals":
        """The intervals cut to a recording.

        Raises:
            HarkenError: when an interval begins more than a minute before the recording or ends more than a minute
                after it, or lies outside it; the message has the line.
        """
        end_ns = span.end_ns + 1
        outside = (self.start_ns < span.start_ns - SLACK_NS) | (self.end_ns > end_ns + SLACK_NS)
        outside |= (self.start_ns >= end_ns) | (self.end_ns <= span.start_ns)
        for row in np.flatnonzero(outside)[:1]:
            times = (self.start_ns[row], self.end_ns[row], span.start_ns, span.end_ns)
            start, end, first, last = (f"{local_time(int(ns), span.timezone):%Y-%m-%d %H:%M:%S}" for ns in times)
            raise line_error(
                self.path,
                int(self.lines[row]),
                f"the interval from {start} to {end} lies outside the recording, which goes from {first} to {last} "
                f"({zone_in_words(span.timezone)}). Shift a clock that was wrong with --labels-offset SECONDS, or "
                "give the wearer's zone with --timezone",
            )
        return replace(self, start_ns=np.maximum(self.start_ns, span.start_ns), end_ns=np.minimum(self.end_ns, end_ns))


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
    of_parts = np.append(np.stack([between[:-1], codes], axis=1).ravel(), between[-1])
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
    first_ns, last_ns = (np.repeat(time_ns[rows], np.diff(edges)) for rows in (edges[:-1], edges[1:] - 1))
    inner = (time_ns - first_ns >= trim_ns) & (last_ns - time_ns >= trim_ns)
    trimmed = np.where(inner, codes, np.int16(UNLABELLED))
    if order is not None:
        in_order, trimmed = trimmed, np.empty_like(trimmed)
        trimmed[order] = in_order
    return replace(recording, label_codes=trimmed)


def _order(time_ns: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The rows in the order of their times; None if they are in this order."""
    return None if (time_ns[1:] >= time_ns[:-1]).all() else np.argsort(time_ns, kind="stable")
