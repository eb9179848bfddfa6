"""The labels of one recording while a person edits them: in memory, and in the file beside it, ``NAME.labels.csv``."""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.annotations import plain
from harken.annotations.columns import why_not_kept
from harken.annotations.entries import LONGEST_NOTE, Annotations, plain_note
from harken.annotations.intervals import Intervals
from harken.annotations.moments import Span
from harken.annotations.registry import annotations_in, read_annotations
from harken.readers.folders import recording_names, side_file
from harken.support.errors import HarkenError
from harken.support.files import linked_file, write_text
from harken.support.text_rows import MOST_BYTES, MOST_ROWS

LOG = logging.getLogger("uvicorn.error")
MS_NS = 10**6
MOST_INTERVALS = MOST_ROWS - 1
"""The header is a row, too."""
FIRST_LINE = 2


class ChangedError(Exception):
    """The labels were changed by another window or program since this window got them."""


class ReadOnlyError(Exception):
    """The file of labels must not be written."""


class Labels:
    """The labels of one recording.

    At first they are those of the file beside the recording, else of a file of labels in its folder or archive, else of
    the label column of the recording, as in all commands. They are always written to the file beside the recording. An
    existing file is only replaced if nothing in it is lost: it must be a plain table whose columns are all known, for
    one recording, without remarks. If it is a link, the file to which it leads is replaced.

    Args:
        recording: the recording's file.
        span: its time.
        subject: its wearer.
        column: the intervals of its label column (start, end, label), in ns since 1970.
        zone_known: whether the wearer's time zone is known, so that times without a zone can be written with it.
        local_times: whether the recording's times have no zone, and were read as UTC. Labels are then written without a
            zone, too, so that they keep their places when the zone is given later.
        several_people: whether the recording's file has other people, too.

    Attributes:
        path: the file beside the recording.
        intervals: the labels.
        revision: a number that grows with each change, also from one start of the server to the next, as long as the
            computer's clock is not set back between them.
        read_only: a sentence that says why the file is not written; None if it is.
    """

    def __init__(
        self,
        recording: Path,
        span: Span,
        subject: str,
        column: list[tuple[int, int, str]],
        *,
        zone_known: bool = True,
        local_times: bool = False,
        several_people: bool = False,
    ) -> None:
        self.path = side_file(recording)
        self.revision = time.time_ns() // MS_NS
        self.read_only: str | None = None
        self._recording, self._span, self._subject = recording, span, subject
        self._zone_known, self._local_times, self._several_people = zone_known, local_times, several_people
        self._column = [(*row, FIRST_LINE + number) for number, row in enumerate(column)]
        self.load()

    def load(self) -> None:
        """Read the labels again, because another program changed the file.

        Raises:
            OSError: when it is not known what there is. The labels are then those that were known before, and the next
                ``load`` may find others.
        """
        state = file_state(self.path)
        intervals, read_only = self._found(exists=state is not None)
        read_only = read_only or self._why_not_held(intervals) or self._why_not_written()
        self._state, self.intervals, self.read_only = state, intervals, read_only
        self.revision += 1

    def _found(self, *, exists: bool) -> tuple[Intervals, str | None]:
        """The labels, and why their file is not replaced. ``exists``: whether there is a file beside the recording."""
        found = zone = read_only = None
        try:
            if exists:
                found = read_annotations(self.path)
                if not self._zone_known:
                    zone = why_zone_is_needed(found, local_times=self._local_times)
                read_only = zone or why_not_replaced(found)
            elif (inside := annotations_in(self._recording)) is not None:
                found = read_annotations(inside)
            if found is None:
                return Intervals.of(self._column, self.path).inside(self._span), read_only
            own = found.of_recording(recording_names(self._recording), self._subject)
            return own.intervals(self._span), read_only
        except HarkenError as error:
            return Intervals.of([], self.path), zone or f"{error}. Correct or remove that file to label here"
        except OSError:
            raise
        except Exception as error:  # the file may be corrected, and other recordings go on meanwhile
            path = self.path if exists else self._recording
            LOG.exception("%s: its labels cannot be read", path)
            fault = f"a fault in harken: {type(error).__name__}: {error}"
            sentence = f"{path}: its labels cannot be read ({fault}). Correct or remove that file to label here"
            return Intervals.of([], self.path), sentence

    def _why_not_held(self, intervals: Intervals) -> str | None:
        """Why the file of labels cannot hold these labels, as a sentence; None if it can.

        A label column may have such labels. Each change writes all labels, so that none could be saved.
        """
        reason = next(filter(None, map(why_not_kept, intervals.label_names)), None)
        if reason is None:
            return None
        return (
            f"{self._recording.name} has a label that {self.path.name} cannot hold ({reason}); it is shown, and "
            "not changed. To label here, rename it there, or begin without labels: write "
            f"{self.path.name} with the one line start,end,label"
        )

    def _why_not_written(self) -> str | None:
        """Why there cannot be a file of labels beside the recording, as a sentence; None if there can."""
        if self._several_people:
            return (
                f"{self._recording.name} has several people, and {self.path.name} would not say whose labels it has; "
                "write each person to a file of their own to label here"
            )
        file = linked_file(self.path)
        if not os.access(file.parent, os.W_OK):
            return f"the folder {file.parent} cannot be written, so labels cannot be saved beside the recording"
        if file.exists() and not os.access(file, os.W_OK):
            return f"{file} is write-protected; it is shown, and not changed"
        return None

    def changed_outside(self) -> bool:
        """Whether another program has changed the file since it was read or written here."""
        return file_state(self.path) != self._state

    @property
    def labelled_s(self) -> float:
        """Seconds with a label."""
        return float((self.intervals.end_ns - self.intervals.start_ns).sum() / 1e9)

    def as_json(self) -> dict[str, Any]:
        """The answer to ``GET labels``. Times are cut to milliseconds; ``on_disk`` is whether the file exists."""
        columns = (
            (self.intervals.start_ns // MS_NS).tolist(),
            (self.intervals.end_ns // MS_NS).tolist(),
            self.intervals.labels,
            self.intervals.lines.tolist(),
        )
        notes = self.intervals.notes
        return {
            "revision": self.revision,
            "on_disk": self._state is not None,
            "intervals": [
                {"start_ms": start, "end_ms": end, "label": label, "note": notes.get(line, "")}
                for start, end, label, line in zip(*columns, strict=True)
            ],
        }

    def save(self, revision: int, rows: list[Any]) -> None:
        """Replace all labels. They are on the disk when this returns.

        Args:
            revision: that of the labels which were edited.
            rows: mappings with ``start_ms``, ``end_ms``, ``label`` and ``note``, in order.

        Raises:
            ChangedError: when the labels were changed since; they are then those of the file.
            ReadOnlyError: when the file must not be written.
            HarkenError: when the labels are not valid; the message has the number of the interval, from 1.
            OSError: when the file cannot be written.
        """
        if self.changed_outside():
            self.load()
            raise ChangedError(f"{self.path.name} was changed by another program; its labels are shown now")
        if self.read_only is not None:
            raise ReadOnlyError(self.read_only)
        if revision != self.revision:
            raise ChangedError("the labels were changed in another window; its labels are shown now")
        intervals = self._valid(rows)
        text = plain.table_of(intervals, timezone=None if self._local_times else self._span.timezone)
        if len(text.encode()) > MOST_BYTES:
            raise HarkenError(f"a file of labels has at most {MOST_BYTES >> 20} MiB; make notes shorter")
        write_text(linked_file(self.path), text)
        self._state = file_state(self.path)
        self.intervals = intervals
        self.revision += 1

    def _valid(self, rows: list[Any]) -> Intervals:
        if len(rows) > MOST_INTERVALS:
            raise HarkenError(f"a file of labels has at most {MOST_INTERVALS:,} intervals, got {len(rows):,}")
        fields = [_Row.of(number, row) for number, row in enumerate(rows, 1)]
        edges_ms = np.array([(row.start_ms, row.end_ms) for row in fields], np.int64).reshape(-1, 2)
        first_ms, last_ms = self._span.start_ns // MS_NS, -(-(self._span.end_ns + 1) // MS_NS)
        for number in np.flatnonzero((edges_ms[:, 0] < first_ms) | (edges_ms[:, 1] > last_ms))[:1]:
            raise HarkenError(f"interval {number + 1} lies outside the recording")
        for number in np.flatnonzero(edges_ms[:, 1] < edges_ms[:, 0])[:1]:
            raise HarkenError(f"interval {number + 1} ends before it begins")
        for number in np.flatnonzero(edges_ms[1:, 0] < edges_ms[:-1, 1])[:1]:
            raise HarkenError(f"interval {number + 2} overlaps the interval before it, or is not in order")
        known_ns = np.stack([self.intervals.start_ns, self.intervals.end_ns], axis=1).ravel()
        edges_ns = restored_ns(edges_ms.ravel(), known_ns).reshape(-1, 2)
        edges_ns = np.clip(edges_ns, self._span.start_ns, self._span.end_ns + 1)
        for number in np.flatnonzero(edges_ns[:, 0] == edges_ns[:, 1])[:1]:
            raise HarkenError(f"interval {number + 1} has no length")
        lines = np.arange(len(fields)) + FIRST_LINE
        return Intervals(
            edges_ns[:, 0],
            edges_ns[:, 1],
            tuple(row.label for row in fields),
            lines,
            self.path,
            plain.FORMAT,
            {line: row.note for line, row in zip(lines.tolist(), fields, strict=True) if row.note},
        )


@dataclass(frozen=True)
class _Row:
    """An interval as the page sent it."""

    start_ms: int
    end_ms: int
    label: str
    note: str

    @classmethod
    def of(cls, number: int, row: Any) -> "_Row":
        """A row that is checked by itself.

        Raises:
            HarkenError: with the number of the interval.
        """
        if not isinstance(row, dict):
            raise HarkenError(f"interval {number} is no object with start_ms, end_ms, label and note")
        start, end, label, note = (row.get(name) for name in ("start_ms", "end_ms", "label", "note"))
        if type(start) is not int or type(end) is not int or max(abs(start), abs(end)) > 1 << 45:
            raise HarkenError(f"interval {number}: start_ms and end_ms must be whole numbers")
        if not isinstance(label, str) or not isinstance(note := note or "", str):
            raise HarkenError(f"interval {number}: label and note must be text")
        label = label.strip()
        if len(note) > LONGEST_NOTE:
            raise HarkenError(f"interval {number}: a note has at most {LONGEST_NOTE:,} characters")
        if any(each in note for each in "\r\n"):
            raise HarkenError(f"interval {number}: the note contains a line end")
        if (reason := why_not_kept(label)) is not None:
            raise HarkenError(f"interval {number}: {reason}")
        return cls(start, end, label, plain_note(note))


def restored_ns(edges_ms: NDArray[np.int64], known_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges in ns. One that is in the millisecond of a known edge is that edge; others are whole milliseconds.

    Args:
        edges_ms: int64 ``[n]``, not decreasing. If several are in one millisecond, the first is the first known edge in
            it, and so on.
        known_ns: int64 ``[k]``, not decreasing.
    """
    if len(known_ns) == 0:
        return edges_ms * MS_NS
    known_ms = known_ns // MS_NS
    first = np.searchsorted(known_ms, edges_ms, side="left")
    last = np.searchsorted(known_ms, edges_ms, side="right") - 1
    rank = np.arange(len(edges_ms)) - np.searchsorted(edges_ms, edges_ms, side="left")
    return np.where(last >= first, known_ns[np.clip(first + rank, 0, np.maximum(last, 0))], edges_ms * MS_NS)


def why_zone_is_needed(found: Annotations, *, local_times: bool) -> str | None:
    """Why a file of labels is not replaced while the wearer's zone is not known, as a sentence; None if it can be.

    Args:
        found: the file.
        local_times: whether the recording's times have no zone either.
    """
    if not (found.has_instants if local_times else found.has_local_times):
        return None
    has = "times with a zone, and the recording has none" if local_times else "times without a zone"
    return f"{found.path.name} has {has}; add --timezone ZONE, such as Europe/Athens, to label here"


def why_not_replaced(found: Annotations) -> str | None:
    """Why a file of labels is not replaced, as a sentence; None if nothing in it is lost."""
    what = plain.what_is_lost(found)
    if what is None:
        return None
    return f"{found.path.name} {what}; it is shown, and not changed. To label here, move it to another name"


def file_state(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is replaced, written, or protected; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
