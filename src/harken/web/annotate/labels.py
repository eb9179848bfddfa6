"""Labels as the page has them: bouts with edges in milliseconds."""

from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals
from harken.annotations.store import FIRST_LINE, NO_FILE, StoredLabels
from harken.annotations.table import LONGEST_NOTE, plain_note, why_not_kept
from harken.annotations.times import Span
from harken.support.errors import HarkenError
from harken.support.text_rows import MOST_ROWS

MS_NS = 10**6
MOST_BOUTS = MOST_ROWS - 1
"""The header is a row, too."""
Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE, pattern=r"\A[^\r\n]*\Z")]
Milliseconds = Annotated[int, msgspec.Meta(ge=-(1 << 45), le=1 << 45)]


class PageBout(msgspec.Struct, frozen=True):
    """A bout as the page sends it: its times since 1970, its label and a note."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    label: str
    note: Note | None = None


def as_json(stored: StoredLabels) -> dict[str, Any]:
    """The answer to ``GET labels``. Times are cut to milliseconds; ``on_disk`` is whether the file exists."""
    bouts = stored.bouts
    starts, ends = ((edges_ns // MS_NS).tolist() for edges_ns in (bouts.start_ns, bouts.end_ns))
    return {
        "on_disk": stored.digest != NO_FILE,
        "intervals": [
            {"start_ms": start, "end_ms": end, "label": label, "note": bouts.notes.get(line, "")}
            for start, end, label, line in zip(starts, ends, bouts.labels, bouts.lines.tolist(), strict=True)
        ],
    }


def edited(bouts: list[PageBout], before: Intervals, span: Span) -> Intervals:
    """The labels of the page, of which those that were not edited have their exact times.

    Args:
        bouts: the labels of the page, in order.
        before: the labels that were edited.
        span: the time of the recording.

    Raises:
        HarkenError: when they are not valid; the message has the number of the interval, from 1.
    """
    if len(bouts) > MOST_BOUTS:
        raise HarkenError(f"a file of labels has at most {MOST_BOUTS:,} intervals, got {len(bouts):,}")
    for number, bout in enumerate(bouts, 1):
        if (reason := why_not_kept(bout.label.strip())) is not None:
            raise HarkenError(f"interval {number}: {reason}")
    edges_ms = np.array([(bout.start_ms, bout.end_ms) for bout in bouts], np.int64).reshape(-1, 2)
    first_ms, last_ms = span.start_ns // MS_NS, -(-(span.end_ns + 1) // MS_NS)
    known_ns = np.stack([before.start_ns, before.end_ns], axis=1).ravel()
    overlaps = np.append(False, edges_ms[1:, 0] < edges_ms[:-1, 1])
    for wrong, sentence in (
        ((edges_ms[:, 0] < first_ms) | (edges_ms[:, 1] > last_ms), "lies outside the recording"),
        (edges_ms[:, 1] < edges_ms[:, 0], "ends before it begins"),
        (overlaps[: len(bouts)], "overlaps the interval before it, or is not in order"),
    ):
        if wrong.any():
            raise HarkenError(f"interval {wrong.argmax() + 1} {sentence}")
    edges_ns = restored_ns(edges_ms.ravel(), known_ns).reshape(-1, 2)
    edges_ns = np.clip(edges_ns, span.start_ns, span.end_ns + 1)
    if (empty := edges_ns[:, 0] == edges_ns[:, 1]).any():
        raise HarkenError(f"interval {empty.argmax() + 1} has no length")
    notes = {line: plain_note(bout.note) for line, bout in enumerate(bouts, FIRST_LINE) if bout.note}
    return Intervals(
        edges_ns[:, 0],
        edges_ns[:, 1],
        tuple(bout.label.strip() for bout in bouts),
        np.arange(len(bouts)) + FIRST_LINE,
        before.path,
        notes={line: note for line, note in notes.items() if note},
    )


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
