"""The labels of one recording while a person edits them: as the page has them, and as the file beside it has them."""

import logging
import threading
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harken.annotations.columns import why_not_kept
from harken.annotations.entries import LONGEST_NOTE, plain_note
from harken.annotations.intervals import Intervals
from harken.annotations.moments import Span
from harken.annotations.plain import FORMAT
from harken.annotations.store import (
    FIRST_LINE,
    NO_FILE,
    TO_LABEL,
    LabelStore,
    ReadOnlyLabelsError,
    StaleLabelsError,
    StoredLabels,
)
from harken.support.errors import HarkenError
from harken.support.text_rows import MOST_ROWS

LOG = logging.getLogger("uvicorn.error")
MS_NS = 10**6
MOST_BOUTS = MOST_ROWS - 1
"""The header is a row, too."""
Milliseconds = Annotated[int, msgspec.Meta(ge=-(1 << 45), le=1 << 45)]


class PageBout(msgspec.Struct, frozen=True):
    """A bout as the page sends it: its times since 1970, its label and a note."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    label: str
    note: str | None = None


class Labels:
    """The labels of one recording as its file has them. The methods may be called from any thread.

    Args:
        store: the file.
        span: the time of the recording.

    Attributes:
        path: the file.
        stored: the labels, and the digest of the file.
    """

    def __init__(self, store: LabelStore, span: Span) -> None:
        self._store, self._span = store, span
        self._lock = threading.Lock()
        self.path = store.path
        self._load()

    def follow(self) -> bool:
        """Read the labels again if another program has changed the file. Returns whether it has.

        Raises:
            OSError: when it is not known what there is. The labels are then those that were known before, and the next
                call may find others.
        """
        with self._lock:
            changed = self._store.state() != self._state
            if changed:
                self._load()
            return changed

    def _load(self) -> None:
        state = self._store.state()
        try:
            stored = self._store.load()
        except OSError:
            raise
        except Exception as error:  # the file may be corrected, and other recordings go on meanwhile
            LOG.exception("%s: its labels cannot be read", self.path)
            fault = f"a fault in harken: {type(error).__name__}: {error}"
            sentence = f"{self.path}: its labels cannot be read ({fault}). {TO_LABEL}"
            stored = StoredLabels(Intervals.of([], self.path), "fault", sentence, fault)
        self._state, self.stored = state, stored

    @property
    def intervals(self) -> Intervals:
        """The labels."""
        return self.stored.bouts

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
            "on_disk": self.stored.digest != NO_FILE,
            "intervals": [
                {"start_ms": start, "end_ms": end, "label": label, "note": notes.get(line, "")}
                for start, end, label, line in zip(*columns, strict=True)
            ],
        }

    def save(self, bouts: list[PageBout], *, if_digest: str) -> str:
        """Replace all labels. They are on the disk when this returns their digest.

        Args:
            bouts: the labels, in order.
            if_digest: the digest of the labels that were edited.

        Raises:
            StaleLabelsError: when the file is another one now; the labels are then those that it has.
            ReadOnlyLabelsError: when the file must not be written.
            HarkenError: when the labels are not valid; the message has the number of the interval, from 1.
            OSError: when the file cannot be written.
        """
        self.follow()
        with self._lock:
            if if_digest != self.stored.digest:
                raise StaleLabelsError(f"{self.path.name} was changed by another window or program")
            if self.stored.read_only is not None:
                raise ReadOnlyLabelsError(self.stored.read_only)
            intervals = self._checked(bouts)
            digest = self._store.save(intervals, if_digest=if_digest)
            self._state, self.stored = self._store.state(), StoredLabels(intervals, digest)
            return digest

    def _checked(self, bouts: list[PageBout]) -> Intervals:
        if len(bouts) > MOST_BOUTS:
            raise HarkenError(f"a file of labels has at most {MOST_BOUTS:,} intervals, got {len(bouts):,}")
        for number, bout in enumerate(bouts, 1):
            if (reason := _why_no_bout(bout)) is not None:
                raise HarkenError(f"interval {number}: {reason}")
        edges_ms = np.array([(bout.start_ms, bout.end_ms) for bout in bouts], np.int64).reshape(-1, 2)
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
        lines = np.arange(len(bouts)) + FIRST_LINE
        notes = [plain_note(bout.note or "") for bout in bouts]
        return Intervals(
            edges_ns[:, 0],
            edges_ns[:, 1],
            tuple(bout.label.strip() for bout in bouts),
            lines,
            self.path,
            FORMAT,
            {line: note for line, note in zip(lines.tolist(), notes, strict=True) if note},
        )


def _why_no_bout(bout: PageBout) -> str | None:
    """What is wrong with the label or the note of a bout; None: nothing."""
    note = bout.note or ""
    if len(note) > LONGEST_NOTE:
        return f"a note has at most {LONGEST_NOTE:,} characters"
    if any(end in note for end in "\r\n"):
        return "the note contains a line end"
    return why_not_kept(bout.label.strip())


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
